"""DLinear: the window's trend and what is left of it, a linear layer for each.

Zeng et al. (2023), "Are Transformers effective for time series forecasting?"
"""

from keras import Model, layers

TASK = "series"
HYPERPARAMETERS = {
    "trend": 25,
    "optimizer": "adam",
    "epochs": 20,
    "patience": 5,
}


def build(task, trend):
    window = task.inputs()
    samples = min(trend, task.lookback)
    trend = layers.AveragePooling1D(samples, strides=1, padding="same")(window)
    rest = layers.subtract([window, trend])
    parts = [
        layers.Dense(task.outputs, kernel_initializer="zeros")(layers.Flatten()(part))
        for part in (trend, rest)
    ]
    return Model(window, layers.add(parts))
