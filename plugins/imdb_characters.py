"""Characters: a 1D convnet over the letters of a review, one-hot, without any words."""

from keras import Model, layers, ops

TASK = "imdb"
HYPERPARAMETERS = {
    "encoding": "characters",
    "maxlen": 1000,
    "filters": 32,
    "kernel_size": 7,
    "pool_size": 3,
    "epochs": 10,
}


def build(task, filters, kernel_size, pool_size):
    letters = task.inputs()
    x = ops.one_hot(letters, task.alphabet_size)
    x = layers.Conv1D(filters, kernel_size, activation="relu")(x)
    x = layers.MaxPooling1D(pool_size)(x)
    x = layers.Conv1D(filters, kernel_size, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return Model(letters, layers.Dense(1, activation="sigmoid")(x))
