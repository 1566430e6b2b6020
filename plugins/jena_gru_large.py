"""GRU, larger head: more units, a lower rate, and a hidden layer behind them."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 64,
    "head_units": 32,
    "learning_rate": 5e-4,
    "epochs": 20,
    "patience": 5,
}


def build(task, units, head_units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(head_units, activation="relu"),
        layers.Dense(1),
    ])
