"""TF-IDF linear: one weight for every word and class, over words weighted by their rarity."""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "encoding": "tf_idf",
    "maxlen": None,
    "optimizer": "adam",
    "learning_rate": 0.02,
    "batch_size": 32,
    "epochs": 10,
    "patience": 3,
}


def build(task):
    return Sequential([
        task.inputs(),
        layers.Dense(task.outputs, activation=task.activation),
    ])
