"""GRU: a single recurrent layer reads the window sample by sample."""

from keras import Sequential, layers

TASK = "series"
HYPERPARAMETERS = {
    "units": 32,
    "epochs": 20,
    "patience": 5,
}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(task.outputs),
    ])
