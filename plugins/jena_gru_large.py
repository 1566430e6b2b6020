"""GRU, larger head: more units, a lower rate, and a hidden layer behind them.

A stack of hidden layers is `--set head_units=[64,32]`.
"""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 64,
    "head_units": [32],
    "learning_rate": 5e-4,
    "epochs": 20,
}


def build(task, units, head_units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        *(layers.Dense(number, activation="relu") for number in head_units),
        layers.Dense(1),
    ])
