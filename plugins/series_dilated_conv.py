"""Dilated causal convnet: each layer looks twice as far back, until the window is seen."""

from keras import Model, layers

TASK = "series"
HYPERPARAMETERS = {
    "filters": 32,
    "kernel_size": 2,
    "optimizer": "adam",
    "epochs": 20,
    "patience": 5,
}


def build(task, filters, kernel_size):
    window = task.inputs()
    x = layers.Dense(filters)(window)
    dilation = 1
    while dilation < task.lookback:
        seen = layers.Conv1D(
            filters, kernel_size, padding="causal", dilation_rate=dilation, activation="relu"
        )(x)
        x = layers.add([x, seen])
        dilation *= 2
    return Model(window, layers.Dense(task.outputs)(x[:, -1]))
