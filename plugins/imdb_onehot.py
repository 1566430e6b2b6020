"""One-hot words: which of the 10,000 commonest words a review has, order forgotten."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "encoding": "multi_hot",
    "maxlen": None,
    "units": 16,
    "epochs": 4,
    "batch_size": 512,
}
REFERENCE = {"test_accuracy": 0.87}
REFERENCE_SOURCE = "the material's text"


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.Dense(units, activation="relu"),
        layers.Dense(units, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])
