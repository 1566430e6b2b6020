"""Naive forecast: every step ahead is as the newest sample of the window."""

from keras import Model, ops

TASK = "series"
HYPERPARAMETERS = {"epochs": 0}


def build(task):
    window = task.inputs()
    newest = [window[:, -1, column] for column in task.target_columns]
    return Model(window, ops.stack(newest * task.horizon, axis=-1))
