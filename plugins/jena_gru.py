"""GRU: a single recurrent layer reads the ten days hour by hour."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "epochs": 20,
    "patience": 5,
}
REFERENCE = {"val_mae": 0.2635}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(1),
    ])
