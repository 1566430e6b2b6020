"""Stacked simple RNN: four plain recurrent layers, each reading what the one below wrote."""

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
        layers.SimpleRNN(units, return_sequences=True),
        layers.SimpleRNN(units, return_sequences=True),
        layers.SimpleRNN(units, return_sequences=True),
        layers.SimpleRNN(units),
        layers.Dense(1, activation="sigmoid"),
    ])
