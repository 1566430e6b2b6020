"""Predict a split: on TensorFlow several batches at once, elsewhere one after the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from bench.shares import usable_cpus
from bench.task import Array, Examples
from bench.worker.batches import ScoringBatches

#: More batches at once would take memory and find no free core on most machines.
_MOST_AT_ONCE = 4


def predict(model: keras.Model, examples: Examples) -> Array:
    """Return what a model gives for each example, in order; shape (n, ...).

    Code that XLA has compiled computes most of a recurrent layer on one core, so on
    TensorFlow each of the machine's cores gets a batch of its own: the same numbers, 1.7 to
    2 times as soon for a GRU or LSTM on two cores. A model that changes as it predicts
    (stateful layers, dropout that stays on) is given one batch after the other.
    """
    batches = ScoringBatches(examples)
    if keras.backend.backend() != "tensorflow":
        found: Array = model.predict(batches, verbose=0)
        return found[: len(examples)]
    before = _state(model)
    first = model.predict_on_batch(*batches[0])  # Alone, since it may compile.
    changed = not all(map(np.array_equal, before, _state(model)))

    def one(index: int) -> Array:
        predicted: Array = model.predict_on_batch(*batches[index])
        return predicted

    rest = _in_order(one, range(1, len(batches)), 1 if changed else _cores())
    return np.concatenate([first, *rest])[: len(examples)]


def _state(model: keras.Model) -> list[Array]:
    """Return copies of what a model may change without being trained."""
    return [np.array(v.numpy()) for v in model.non_trainable_variables]


def _in_order(one: Callable[[int], Array], indices: range, at_once: int) -> list[Array]:
    if at_once == 1:
        return [one(index) for index in indices]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, indices))


def _cores() -> int:
    return min(_MOST_AT_ONCE, len(usable_cpus()))
