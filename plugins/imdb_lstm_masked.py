"""Masked LSTM: the padding before a short review is skipped instead of read."""

from keras import Sequential, layers

TASK = "imdb"
HYPERPARAMETERS = {
    "maxlen": 500,
    "embedding_dim": 32,
    "units": 32,
    "epochs": 10,
}


def build(task, embedding_dim, units):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim, mask_zero=True),
        # Reviews are padded in front; cuDNN would mask what is padded behind only.
        layers.LSTM(units, use_cudnn=False),
        layers.Dense(1, activation="sigmoid"),
    ])
