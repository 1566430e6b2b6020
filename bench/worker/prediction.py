"""Predict a split: on TensorFlow several batches at once, elsewhere one after the other."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from bench.machine import usable_cpus
from bench.task import Array, Examples
from bench.worker.batches import ScoringBatches

if TYPE_CHECKING:
    from bench.worker.tensorflow import PureStep, State

#: More batches at once would take memory and find no free core on most machines.
_MOST_AT_ONCE = 4


class Predictor:
    """Predicts with a model as it is at the time; what it has compiled, it keeps.

    Code that XLA has compiled computes most of a recurrent layer on one core, so on
    TensorFlow each of the machine's cores gets a batch of its own: the same numbers, 1.7 to
    2 times as soon for a GRU or LSTM on two cores. What a model keeps from batch to batch
    ends as if they had come one after the other: seeds advance by as much each time, so a
    batch's are known ahead; anything else (stateful layers) does come one after the other.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._step: PureStep | None = None
        # The same threads for every pass: what TensorFlow keeps for a thread that has ended,
        # some tens of MB of a convolution under a GRU, it keeps on.
        self._threads = ThreadPoolExecutor(_cores())

    def predict(self, examples: Examples) -> Array:
        """Return what the model gives for each example, in order; shape (n, ...)."""
        batches = ScoringBatches(examples)
        if keras.backend.backend() != "tensorflow":
            found = _only(self._model.predict(batches, verbose=0))
            return found[: len(examples)]
        predicted = self._purely(batches)
        if predicted is None:
            ask = self._model.predict_on_batch
            predicted = [_only(ask(*batches[index])) for index in range(len(batches))]
        return np.concatenate(predicted)[: len(examples)]

    def _purely(self, batches: ScoringBatches) -> list[Array] | None:
        """Return each batch's predictions; None if the model is no pure function."""
        if self._model.run_eagerly:
            return None  # Whatever its own Python code keeps, is kept in order.
        if self._step is None:
            from bench.worker.tensorflow import PureStep

            self._step = PureStep(self._model)
            # What is left of compiling must not add to what several batches at once take.
            give_back()
        step, before = self._step, self._step.state
        first, after = step(*batches[0], before)  # Alone, since it may compile.
        if step.writes_elsewhere:
            return None
        rest, state = self._side_by_side(step, batches, before, after) or _in_order(
            step, batches, after
        )
        step.set_state(state)
        return [first, *rest]

    def _side_by_side(
        self, step: PureStep, batches: ScoringBatches, before: State, after: State
    ) -> tuple[list[Array], State] | None:
        """Return the predictions of all batches but the first, and the last state.

        ``before`` and ``after`` are the states around the first batch. None if they do not tell
        the later ones.
        """
        states = list(zip(before, after, strict=True))
        if not all(_is_same(*state) or _is_whole(state[0]) for state in states):
            return None

        def known(index: int) -> State:
            return [_advanced(*state, index) for state in states]

        def one(index: int) -> tuple[Array, bool]:
            predicted, found = step(*batches[index], known(index))
            return predicted, all(map(_is_same, found, known(index + 1)))

        done = list(self._threads.map(one, range(1, len(batches))))
        if not all(as_known for _, as_known in done):
            return None
        return [predicted for predicted, _ in done], known(len(batches))


def _only(outputs: Any) -> Array:
    """Return the one output of a model, be it in a dictionary or a list."""
    (found,) = keras.tree.flatten(outputs)
    only: Array = found
    return only


def _in_order(step: PureStep, batches: ScoringBatches, state: State) -> tuple[list[Array], State]:
    predictions = []
    for index in range(1, len(batches)):
        predicted, state = step(*batches[index], state)
        predictions.append(predicted)
    return predictions, state


def _is_same(one: Array, other: Array) -> bool:
    return one is other or np.array_equal(one, other)


def _is_whole(values: Array) -> bool:
    return bool(np.issubdtype(values.dtype, np.integer))


def _advanced(before: Array, after: Array, batches: int) -> Array:
    """Return a state after as many batches, where each changes it as the first one did."""
    if _is_same(before, after):
        return before
    advanced: Array = before + (after - before) * np.array(batches).astype(before.dtype)
    return advanced


def _cores() -> int:
    return min(_MOST_AT_ONCE, len(usable_cpus()))


# Memory that the process has freed and its C library keeps


def give_back() -> None:
    """Give freed memory back to the system, where the C library can be told to (glibc).

    Compiling leaves some 200 MB that glibc keeps in pieces; a peak that comes later would be
    higher by them. See malloc_trim(3).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
