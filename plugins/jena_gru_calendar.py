"""GRU with a calendar: told the hour and the season, it learns how tomorrow differs from now."""

from keras import Model, layers

TASK = "jena"
HYPERPARAMETERS = {
    "lookback": "4d",
    "calendar": True,
    "units": 64,
    "dropout": 0.3,
    "recurrent_dropout": 0.3,
    "epochs": 20,
    "patience": 6,
}


def build(task, units, dropout, recurrent_dropout):
    window = task.inputs()
    now = window[:, -1, task.target_column][:, None]
    x = layers.GRU(units, dropout=dropout, recurrent_dropout=recurrent_dropout)(window)
    return Model(window, layers.add([now, layers.Dense(1)(x)]))
