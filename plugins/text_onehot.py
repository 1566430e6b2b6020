"""One-hot words: a small dense network over which words a text has, order forgotten."""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "encoding": "multi_hot",
    "maxlen": None,
    "units": 32,
    "dropout": 0.5,
    "batch_size": 64,
    "epochs": 10,
    "patience": 3,
}


def build(task, units, dropout):
    return Sequential([
        task.inputs(),
        layers.Dense(units, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(task.outputs, activation=task.activation),
    ])
