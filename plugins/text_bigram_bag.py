"""Bigram bag: the mean of the vectors of a text's words and bigrams, fastText's idea.

Joulin et al. (2017), "Bag of tricks for efficient text classification".
"""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "encoding": "bigrams",
    "dimensions": 50_000,
    "embedding_dim": 16,
    "dropout": 0.3,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "batch_size": 32,
    "epochs": 20,
    "patience": 3,
}


def build(task, dimensions, embedding_dim, dropout):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words + dimensions, embedding_dim, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        layers.Dropout(dropout),
        layers.Dense(task.outputs, activation=task.activation),
    ])
