"""Hashed words: which of 1,000 buckets the words of a review fall into, order forgotten."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "encoding": "hashed",
    "dimensions": 1000,
    "maxlen": None,
    "units": 16,
    "epochs": 4,
    "batch_size": 512,
}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.Dense(units, activation="relu"),
        layers.Dense(units, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])
