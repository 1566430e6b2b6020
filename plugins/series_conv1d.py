"""1D convnet: two convolutions find shapes anywhere in the window, wherever they are."""

from keras import Sequential, layers

TASK = "series"
HYPERPARAMETERS = {
    "filters": 32,
    "kernel_size": 5,
    "pool_size": 2,
    "epochs": 20,
    "patience": 5,
}


def build(task, filters, kernel_size, pool_size):
    return Sequential([
        task.inputs(),
        layers.Conv1D(filters, kernel_size, padding="same", activation="relu"),
        layers.MaxPooling1D(pool_size, padding="same"),
        layers.Conv1D(filters, kernel_size, padding="same", activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(task.outputs),
    ])
