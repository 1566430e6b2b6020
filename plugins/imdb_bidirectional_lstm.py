"""Bidirectional LSTM: one reads the review forwards, another backwards.

The published figure of such a model was measured on reversed reviews and is that of
imdb_bidirectional_lstm_reversed.
"""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 500,
    "embedding_dim": 32,
    "units": 32,
    "epochs": 10,
}


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.Bidirectional(layers.LSTM(units)),
        layers.Dense(1, activation="sigmoid"),
    ])
