"""Embedding bag: the mean of the vectors of a text's words, order forgotten."""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "embedding_dim": 32,
    "dropout": 0.3,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "batch_size": 32,
    "epochs": 20,
    "patience": 3,
}


def build(task, embedding_dim, dropout):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        layers.Dropout(dropout),
        layers.Dense(task.outputs, activation=task.activation),
    ])
