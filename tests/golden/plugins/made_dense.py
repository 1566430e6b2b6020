"""A made model: one layer, for the golden test alone."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {"units": 16, "dropout": 0.25, "epochs": 3}
REFERENCE = {"val_mae": 0.3}
REFERENCE_NOTE = "made up"


def build(task, units, dropout):
    return Sequential(
        [
            task.inputs(),
            layers.Flatten(),
            layers.Dense(units, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(1),
        ]
    )
