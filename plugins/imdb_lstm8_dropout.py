"""Small LSTM (8), dropout: the same with 30% of its inputs dropped while it learns."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "num_words": 500,
    "maxlen": 100,
    "embedding_dim": 16,
    "units": 8,
    "dropout": 0.3,
    "learning_rate": 1e-4,
    "patience": 3,
    "epochs": 10,
    "batch_size": 64,
}
REFERENCE = {"val_accuracy": 0.7762, "epoch_seconds": 12}
REFERENCE_SOURCE = "a later notebook of the material"


def build(task, embedding_dim, units, dropout):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.LSTM(units, dropout=dropout),
        layers.Dense(1, activation="sigmoid"),
    ])
