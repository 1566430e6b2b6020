"""Which examples are trained on, and which make up which batch: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bench.task import Array, Examples

_PART = 20110619  # any number will do, as long as it stays


def fixed_part(examples: Examples, count: int | None, seed: int | None = None) -> Examples:
    """Return so many examples of a split in a fixed shuffle (all of them for None).

    The choice depends on nothing but the two sizes and the seed, so every model sees the same
    ones, and a smaller part is the beginning of a larger one. Without a seed all seeds do.
    """
    if count is None or count >= len(examples):
        return examples
    shuffle = np.random.default_rng(_PART if seed is None else [_PART, seed])
    return examples.only(shuffle.permutation(len(examples))[:count])


def epoch_batches(examples: int, steps: int, batch_size: int, seed: int, epoch: int) -> Array:
    """Return the example numbers of an epoch's batches, shape (steps, batch_size), int64.

    The examples are drawn from an endless row of shuffles of the training set, so each
    is seen once before any is seen twice, whether an epoch is a part of a pass, a pass
    or more. Every batch is full, which keeps one compiled shape.
    """
    first = epoch * steps * batch_size
    wanted = np.arange(first, first + steps * batch_size)
    rounds = wanted // examples
    numbers = np.empty(len(wanted), dtype="int64")
    for number in np.unique(rounds):
        inside = rounds == number
        numbers[inside] = _shuffle(examples, seed, int(number))[wanted[inside] % examples]
    return numbers.reshape(steps, batch_size)


@lru_cache(maxsize=2)
def _shuffle(examples: int, seed: int, number: int) -> Array:
    return np.random.default_rng([seed, number]).permutation(examples)


# Which examples of a split are scored, and in what form predictions are: numpy only


def loss_of_classes(loss: str) -> str:
    """Return the loss of a model of three classes or more, by the one that a task declares."""
    return loss if "categorical" in loss else "sparse_categorical_crossentropy"


#: By what names Keras may report each of them.
METRIC_NAMES: Mapping[str, tuple[str, ...]] = {
    "accuracy": (
        "accuracy",
        "acc",
        "binary_accuracy",
        "sparse_categorical_accuracy",
        "categorical_accuracy",
    ),
    "mae": ("mae", "MAE", "mean_absolute_error"),
    "rmse": ("rmse", "root_mean_squared_error"),
    "mase": ("mase",),
    "smape": ("smape",),
    "macro_f1": ("macro_f1",),
    "log_loss": ("log_loss",),
}


def is_better(value: float, than: float | None, direction: str) -> bool:
    """Say whether a metric improved; ``direction`` is "min" or "max"."""
    if than is None:
        return True
    return value < than if direction == "min" else value > than


def evenly_spread(examples: Examples, count: int | None) -> Examples:
    """Return ``count`` examples spread evenly over a split (all of them for None).

    The choice depends on nothing but the two sizes, so every model is scored on the
    same examples.
    """
    total = len(examples)
    if count is None or count >= total:
        return examples
    return examples.only(np.linspace(0, total - 1, count).round().astype("int64"))


def numbers_each(predictions: Array, examples: int, width: int = 1, fix: str = "") -> Array:
    """Return predictions as float32 of shape (n,), or (n, width) where an example has several.

    Raises:
        ValueError: There are more or fewer an example; ``fix`` says what to do.
    """
    flat = np.asarray(predictions, dtype="float32").reshape(-1)
    if len(flat) != examples * width:
        count = "one number" if width == 1 else f"{width} numbers"
        fix = fix or f"end the model with {'one unit' if width == 1 else f'{width} units'}"
        raise ValueError(
            f"predicted {np.shape(predictions)} for {examples} examples: {count} each is expected, "
            f"so {fix}"
        )
    return flat if width == 1 else flat.reshape(examples, width)
