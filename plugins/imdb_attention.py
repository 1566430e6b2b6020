"""Attention pooling: the review is the mean of its words, weighted by how telling they are."""

from keras import Model, layers, ops

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 500,
    "embedding_dim": 32,
    "dropout": 0.5,
    "epochs": 10,
}


def build(task, embedding_dim, dropout):
    words = task.inputs()
    there = ops.expand_dims(ops.not_equal(words, 0), -1)
    x = layers.Embedding(task.num_words, embedding_dim)(words)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(x), mask=there)
    review = ops.sum(weights * x, axis=1)
    review = layers.Dropout(dropout)(review)
    return Model(words, layers.Dense(1, activation="sigmoid")(review))
