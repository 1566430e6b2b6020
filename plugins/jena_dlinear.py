"""DLinear: the window's trend and what is left of it, a linear layer for each.

Zeng et al. (2023), "Are Transformers effective for time series forecasting?"
"""

from keras import Model, layers

TASK = "jena"
HYPERPARAMETERS = {
    "trend_hours": 25,
    "optimizer": "adam",
    "learning_rate": 2e-4,
    "epochs": 20,
}


def build(task, trend_hours):
    window = task.inputs()
    trend = layers.AveragePooling1D(trend_hours, strides=1, padding="same")(window)
    rest = layers.subtract([window, trend])
    parts = [
        layers.Dense(1, kernel_initializer="zeros")(layers.Flatten()(part))
        for part in (trend, rest)
    ]
    return Model(window, layers.add(parts))
