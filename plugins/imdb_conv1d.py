"""1D convnet: two convolutions over embedded words find telling phrases anywhere.

The published listing ends in Dense(1) without a sigmoid although its loss expects
probabilities: a mistake, corrected here by the sigmoid. A convnet may end otherwise than in the
largest value of each filter: `--set ending=average,flatten`.
"""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 500,
    "embedding_dim": 128,
    "filters": 32,
    "kernel_size": 7,
    "pool_size": 5,
    "ending": "max",
    "learning_rate": 1e-4,
    "epochs": 10,
}
ENDINGS = {
    "max": layers.GlobalMaxPooling1D,
    "average": layers.GlobalAveragePooling1D,
    "flatten": layers.Flatten,
}


def build(task, embedding_dim, filters, kernel_size, pool_size, ending):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.Conv1D(filters, kernel_size, activation="relu"),
        layers.MaxPooling1D(pool_size),
        layers.Conv1D(filters, kernel_size, activation="relu"),
        ENDINGS[ending](),
        layers.Dense(1, activation="sigmoid"),
    ])
