"""Which examples are trained on, and which make up which batch: pure functions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bench.task import Array, Examples

_PART = 20110619  # any number will do, as long as it stays


def fixed_part(examples: Examples, count: int | None) -> Examples:
    """Return so many examples of a split in a fixed shuffle (all of them for None).

    The choice depends on nothing but the two sizes, so every seed and model sees the same
    ones, and a smaller part is the beginning of a larger one.
    """
    if count is None or count >= len(examples):
        return examples
    return examples.only(np.random.default_rng(_PART).permutation(len(examples))[:count])


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
