"""Convnet + GRU: convolutions shorten a window of half hours, a GRU reads what is left."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "step": 3,
    "filters": 32,
    "kernel_size": 5,
    "pool_size": 3,
    "units": 32,
    "dropout": 0.1,
    "recurrent_dropout": 0.5,
    "epochs": 20,
}


def build(task, filters, kernel_size, pool_size, units, dropout, recurrent_dropout):
    return Sequential([
        task.inputs(),
        layers.Conv1D(filters, kernel_size, activation="relu"),
        layers.MaxPooling1D(pool_size),
        layers.Conv1D(filters, kernel_size, activation="relu"),
        layers.GRU(units, dropout=dropout, recurrent_dropout=recurrent_dropout),
        layers.Dense(1),
    ])
