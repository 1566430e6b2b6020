"""Small Transformer encoder: each of up to 100 words looks at all the others."""

from keras import Model, layers, saving

TASK = "text"
HYPERPARAMETERS = {
    "maxlen": 100,
    "width": 32,
    "heads": 2,
    "units": 64,
    "dropout": 0.2,
    "optimizer": "adam",
    "epochs": 10,
    "patience": 3,
}


@saving.register_keras_serializable("text_transformer")
class Positions(layers.Layer):
    """Adds to every place of a sequence a vector of its own, which is learnt."""

    def __init__(self, **options):
        super().__init__(**options)
        self.supports_masking = True

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
    words = task.inputs()
    x = layers.Embedding(task.num_words, width, mask_zero=True)(words)
    x = Positions()(x)
    x = encode(x, width, heads, units, dropout)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(dropout)(x)
    return Model(words, layers.Dense(task.outputs, activation=task.activation)(x))
