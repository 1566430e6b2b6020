"""Shuffled GRU: the hours of every window in one and the same jumbled order; fails on purpose."""

import numpy as np
from keras import Model, layers, ops

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "epochs": 20,
}


def build(task, units):
    window = task.inputs()
    order = np.random.default_rng(0).permutation(task.lookback)
    jumbled = ops.take(window, order.tolist(), axis=1)
    return Model(window, layers.Dense(1)(layers.GRU(units)(jumbled)))
