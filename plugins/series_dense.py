"""Dense: one small hidden layer over the flattened window, blind to its order."""

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
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(task.outputs),
    ])
