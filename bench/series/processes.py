"""Random processes with memory that come out the same, bit for bit, on every machine.

Random numbers are raw words of PCG64, whose stream numpy promises to keep (it does not
promise that of the distributions drawn from it). Memory is carried in integers, and where a
function of the C library is needed its result, of which the last bits differ between
machines, is rounded to a coarse grid at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.series.table import Floats, Integers

_UNIT = 1 << 17  # the integer that stands for one standard deviation of a draw
_ONE = 1 << 16  # the integer that stands for a decay of 1, memory without end
_GRID = 1 << 20  # parts of one that a rounded intermediate result keeps


class Draws:
    """A stream of standard normal draws, as integers."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def normal(self, count: int) -> Integers:
        """Return integers of mean 0 and standard deviation 2**17, shape (count,).

        The sum of twelve uniform draws has variance 1 and is nearly normal (Irwin, 1927;
        Hall, 1927). A sum does not depend on the order in which a word's parts are stored.
        """
        words = np.asarray(self._bits.random_raw(3 * count), dtype=np.uint64)
        parts = words.view(np.uint16).reshape(count, 12).astype(np.int64)
        return np.asarray(2 * parts.sum(axis=1) - 12 * (_ONE - 1), dtype=np.int64)


def coarse(values: Any) -> Floats:
    """Round to a grid of 2**-20, far coarser than what machines disagree about."""
    return np.asarray(np.rint(np.asarray(values) * _GRID) / _GRID, dtype=np.float64)


def relaxation(shocks: Integers, memory: float) -> Floats:
    """First-order autoregression of variance 1, shape of ``shocks``; ``memory`` in steps.

    With decay a and shocks of variance 1 the variance is 1 / (1 - a**2) (Hamilton, Time
    Series Analysis, 1994, section 3.4).
    """
    decay = _decay(memory)
    a = decay / _ONE
    return _remember(shocks, decay) / _UNIT * _scale(1 - a * a)


def smooth_relaxation(shocks: Integers, memory: float) -> Floats:
    """A relaxation of a relaxation: variance 1, and no jumps from one step to the next.

    A second-order autoregression with the double root a has variance
    (1 + a**2) / (1 - a**2)**3 (Hamilton, 1994, section 3.4).
    """
    decay = _decay(memory)
    a = decay / _ONE
    twice = _remember(_remember(shocks, decay), decay)
    return twice / _UNIT * _scale((1 - a * a) ** 3 / (1 + a * a))


def interpolate(values: Floats, parts: int, count: int) -> Floats:
    """Return ``count`` values, ``parts`` to each step of ``values``, on straight lines."""
    step, part = np.divmod(np.arange(count), parts)
    share = part / parts
    return coarse(values[step] * (1 - share) + values[step + 1] * share)


def delayed_mean(values: Floats, delay: int, width: int) -> Floats:
    """Return at each step the mean of ``width`` values, the last of them ``delay`` steps ago.

    Before the beginning the series counts as zero.
    """
    before = np.zeros(delay + width, dtype=np.int64)
    total = np.cumsum(np.concatenate([before, np.rint(values * _GRID).astype(np.int64)]))
    sums = total[width : width + len(values)] - total[: len(values)]
    return np.asarray(sums / (width * _GRID), dtype=np.float64)


def _decay(memory: float) -> int:
    return round(_ONE * math.exp(-1.0 / memory))


def _scale(variance: float) -> float:
    return float(coarse(math.sqrt(variance)))


def _remember(shocks: Integers, decay: int) -> Integers:
    state = 0
    states = []
    for shock in shocks.tolist():
        state = (state * decay >> 16) + shock
        states.append(state)
    return np.array(states, dtype=np.int64)
