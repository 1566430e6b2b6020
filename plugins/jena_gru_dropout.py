"""GRU with dropout: regularised the way Gal (2016) found to work for recurrent layers."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "dropout": 0.2,
    "recurrent_dropout": 0.2,
    "epochs": 40,
}
REFERENCE = {"val_mae": 0.2613, "last_val_mae": 0.2658, "epoch_seconds": 123}
REFERENCE_SOURCE = "listing 6-40"
REFERENCE_NOTE = "the best epoch was the 36th of 40"


def build(task, units, dropout, recurrent_dropout):
    return Sequential([
        task.inputs(),
        layers.GRU(units, dropout=dropout, recurrent_dropout=recurrent_dropout),
        layers.Dense(1),
    ])
