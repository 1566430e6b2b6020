"""LSTM: reads the last 500 words of a review in order and remembers across them."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 500,
    "embedding_dim": 32,
    "units": 32,
    "epochs": 10,
}
REFERENCE = {"val_accuracy": 0.88}
REFERENCE_SOURCE = "listing 6-27"
REFERENCE_NOTE = "the text says about 0.88"


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.LSTM(units),
        layers.Dense(1, activation="sigmoid"),
    ])
