"""Bidirectional GRU with dropout: what two directions gain where they may not learn by heart."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "dropout": 0.2,
    "recurrent_dropout": 0.2,
    "epochs": 40,
}


def build(task, units, dropout, recurrent_dropout):
    gru = layers.GRU(units, dropout=dropout, recurrent_dropout=recurrent_dropout)
    return Sequential([
        task.inputs(),
        layers.Bidirectional(gru),
        layers.Dense(1),
    ])
