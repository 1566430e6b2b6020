"""Learned embedding, 200 reviews: too few to learn words from, and others for each seed."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 100,
    "embedding_dim": 100,
    "units": 32,
    "training_examples": 200,
    "redraw_examples": True,
    "epochs": 10,
    "batch_size": 32,
}
REFERENCE = {"val_accuracy": 0.51}
REFERENCE_SOURCE = "listing 6-16"
REFERENCE_NOTE = "a range: the text only says that it is in the low 50s"


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])
