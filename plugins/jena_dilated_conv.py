"""Dilated causal convnet: each layer looks twice as far back, WaveNet's idea."""

from keras import Model, layers

TASK = "jena"
HYPERPARAMETERS = {
    "filters": 32,
    "kernel_size": 2,
    "dilations": [1, 2, 4, 8, 16, 32, 64],
    "optimizer": "adam",
    "epochs": 20,
    "patience": 5,
}


def build(task, filters, kernel_size, dilations):
    window = task.inputs()
    x = layers.Dense(filters)(window)
    for dilation in dilations:
        seen = layers.Conv1D(
            filters, kernel_size, padding="causal", dilation_rate=dilation, activation="relu"
        )(x)
        x = layers.add([x, seen])
    return Model(window, layers.Dense(1)(x[:, -1]))
