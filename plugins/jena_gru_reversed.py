"""Reversed GRU: reads the window from its newest hour to its oldest, and forgets the newest."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "reverse": True,
    "units": 32,
    "epochs": 20,
}
REFERENCE = {"val_mae": 0.4187, "last_val_mae": 0.4727, "epoch_seconds": 111}
REFERENCE_SOURCE = "section 6.3.8"


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(1),
    ])
