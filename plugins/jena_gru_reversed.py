"""Reversed GRU: reads the window from its newest hour to its oldest, and forgets the newest."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "reverse": True,
    "units": 32,
    "epochs": 20,
    "patience": 5,
}
REFERENCE = {"val_mae": 0.4187}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(1),
    ])
