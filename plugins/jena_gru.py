"""GRU: a single recurrent layer reads the ten days hour by hour."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {
    "units": 32,
    "epochs": 20,
}
REFERENCE = {"val_mae": 0.2635, "val_mae_degC": 2.35, "last_val_mae": 0.2976, "epoch_seconds": 109}
REFERENCE_SOURCE = "listing 6-39"


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.GRU(units),
        layers.Dense(1),
    ])
