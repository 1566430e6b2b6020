"""Bigram bag: the mean of the vectors of a review's words and bigrams, fastText's idea."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "encoding": "bigrams",
    "num_words": 20000,
    "maxlen": 500,
    "dimensions": 200_000,
    "embedding_dim": 16,
    "dropout": 0.5,
    "optimizer": "adam",
    "epochs": 10,
}


def build(task, dimensions, embedding_dim, dropout):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words + dimensions, embedding_dim, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        layers.Dropout(dropout),
        layers.Dense(1, activation="sigmoid"),
    ])
