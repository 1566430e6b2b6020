"""Embedded simple RNN (8): the same eight units, fed vectors of 16 instead of one-hot words.

The published run feeds one-hot input to its embedding and fails; word ranks are fed here.
"""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "num_words": 500,
    "maxlen": 100,
    "embedding_dim": 16,
    "units": 8,
    "learning_rate": 1e-4,
    "patience": 3,
    "epochs": 10,
    "batch_size": 64,
}


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.SimpleRNN(units),
        layers.Dense(1, activation="sigmoid"),
    ])
