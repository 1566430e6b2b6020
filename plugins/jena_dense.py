"""Dense: one small hidden layer over the flattened window, blind to its order."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "epochs": 20,
}
REFERENCE = {"val_mae": 0.3049, "last_val_mae": 0.3274, "epoch_seconds": 9}
REFERENCE_SOURCE = "listing 6-37"


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(1),
    ])
