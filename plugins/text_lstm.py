"""LSTM: reads a text word by word and remembers across them."""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "embedding_dim": 32,
    "units": 32,
    "optimizer": "adam",
    "learning_rate": 0.005,
    "batch_size": 64,
    "epochs": 10,
    "patience": 3,
}


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.LSTM(units),
        layers.Dense(task.outputs, activation=task.activation),
    ])
