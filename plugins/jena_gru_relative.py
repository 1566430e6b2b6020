"""GRU with a calendar that also reads by how much each hour differs from the window's last."""

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
    differences = layers.subtract([window, window[:, -1:]])
    x = layers.concatenate([window, differences])
    x = layers.GRU(units, dropout=dropout, recurrent_dropout=recurrent_dropout)(x)
    return Model(window, layers.add([now, layers.Dense(1)(x)]))
