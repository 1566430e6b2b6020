"""1D convnet: finds telling phrases of a few words anywhere in a text.

After Kim (2014), "Convolutional neural networks for sentence classification".
"""

from keras import Sequential, layers

TASK = "text"
HYPERPARAMETERS = {
    "embedding_dim": 32,
    "filters": 64,
    "kernel_size": 3,
    "dropout": 0.3,
    "optimizer": "adam",
    "learning_rate": 0.005,
    "batch_size": 32,
    "epochs": 10,
    "patience": 3,
}


def build(task, embedding_dim, filters, kernel_size, dropout):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.Conv1D(filters, kernel_size, padding="same", activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dropout(dropout),
        layers.Dense(task.outputs, activation=task.activation),
    ])
