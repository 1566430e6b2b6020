"""Attention over a GRU: the answer may look back at any hour, not at the last state alone."""

from keras import Model, layers, ops

TASK = "jena"
HYPERPARAMETERS = {
    "lookback": "4d",
    "units": 32,
    "epochs": 20,
    "patience": 5,
}


def build(task, units):
    window = task.inputs()
    states = layers.GRU(units, return_sequences=True)(window)
    scores = layers.Dense(1)(layers.Dense(units, activation="tanh")(states))
    weights = layers.Softmax(axis=1)(scores)
    looked_up = ops.sum(weights * states, axis=1)
    both = layers.concatenate([states[:, -1], looked_up])
    return Model(window, layers.Dense(1)(both))
