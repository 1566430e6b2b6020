"""Stacked GRU: two recurrent layers with dropout, the second reading the first."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "upper_units": 64,
    "dropout": 0.1,
    "recurrent_dropout": 0.5,
    "epochs": 40,
}
REFERENCE = {"val_mae": 0.2608, "last_val_mae": 0.2739, "epoch_seconds": 249}
REFERENCE_SOURCE = "listing 6-41"
REFERENCE_NOTE = "the best epoch was the 18th of 40"


def build(task, units, upper_units, dropout, recurrent_dropout):
    dropouts = {"dropout": dropout, "recurrent_dropout": recurrent_dropout}
    return Sequential([
        task.inputs(),
        layers.GRU(units, return_sequences=True, **dropouts),
        layers.GRU(upper_units, activation="relu", **dropouts),
        layers.Dense(1),
    ])
