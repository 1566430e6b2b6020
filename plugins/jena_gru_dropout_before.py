"""Dropout before a GRU: drops other numbers at every hour, which hinders it; fails on purpose.

The material warns of it; jena_gru_dropout drops the same ones at every hour of a window instead.
"""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "dropout": 0.2,
    "epochs": 20,
}


def build(task, units, dropout):
    return Sequential([
        task.inputs(),
        layers.Dropout(dropout),
        layers.GRU(units),
        layers.Dense(1),
    ])
