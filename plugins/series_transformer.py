"""Transformer encoder: every sample of the window looks at all the others."""

from keras import Model, layers, saving

TASK = "series"
HYPERPARAMETERS = {
    "width": 32,
    "heads": 2,
    "units": 64,
    "dropout": 0.1,
    "optimizer": "adam",
    "learning_rate": 5e-4,
    "epochs": 20,
    "patience": 5,
}


@saving.register_keras_serializable("series_transformer")
class Positions(layers.Layer):
    """Adds to every place of a sequence a vector of its own, which is learnt."""

    def build(self, shape):
        """Make a vector for every place."""
        self.vectors = self.add_weight(shape=shape[1:], initializer="uniform", name="vectors")

    def call(self, sequence):
        """Add them."""
        return sequence + self.vectors


def encode(x, width, heads, units, dropout):
    looked_up = layers.MultiHeadAttention(heads, width // heads, dropout=dropout)(x, x)
    x = layers.LayerNormalization()(layers.add([x, looked_up]))
    thought = layers.Dense(width)(layers.Dense(units, activation="relu")(x))
    return layers.LayerNormalization()(layers.add([x, layers.Dropout(dropout)(thought)]))


def build(task, width, heads, units, dropout):
    window = task.inputs()
    x = Positions()(layers.Dense(width)(window))
    x = encode(x, width, heads, units, dropout)
    return Model(window, layers.Dense(task.outputs)(x[:, -1]))
