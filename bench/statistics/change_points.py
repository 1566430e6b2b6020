"""Where a series changes its distribution: E-divisive (Matteson & James 2014).

D. S. Matteson and N. A. James, "A nonparametric approach for multiple change point analysis
of multivariate data", Journal of the American Statistical Association 109 (2014). A series is
divided where the energy distance between its two parts is largest, and each part again, as
long as a permutation test finds the division larger than chance. Nothing is assumed of the
noise but that its values are independent and have a mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numpy.random import Generator

    from bench.task import Array

LEVEL = 0.01
#: A segment of fewer values could be an accident of the machine.
SHORTEST = 3
#: Times as many permutations as the level needs at least, so that chance decides little.
_TIMES = 10
#: Sums in another order differ by this share; what is equal must not count as smaller.
_ROUNDING = 1e-9


class _Split(NamedTuple):
    """The best division of a segment: its scaled energy distance, and where it is."""

    distance: float
    place: int


def change_points(
    values: Sequence[float], level: float = LEVEL, shortest: int = SHORTEST
) -> tuple[int, ...]:
    """Return the places in a series at which another distribution begins, in order.

    With few values no division can be told from chance: at a level of 0.01 a single change
    needs about ten, at 0.05 about eight. The permutations are drawn from a fixed seed, so
    that the same series always has the same change points.

    Args:
        values: The series, finite numbers.
        level: Of the permutation test of each division, between 0 and 1.
        shortest: The fewest values of a segment, 2 or more.
    """
    import numpy as np

    series = np.asarray(values, dtype="float64")
    random = np.random.default_rng(0)
    bounds = [0, len(series)]
    while True:
        parts = [series[low:high] for low, high in pairwise(bounds)]
        splits = [_best_split(part, shortest) for part in parts]
        which = max(range(len(parts)), key=lambda number: splits[number].distance)
        best = splits[which].distance
        if best <= 0 or not _is_significant(best, parts, level, shortest, random):
            return tuple(bounds[1:-1])
        bounds.insert(which + 1, bounds[which] + splits[which].place)


def _is_significant(
    best: float,
    parts: Sequence[Array],
    level: float,
    shortest: int,
    random: Generator,
) -> bool:
    """Say whether the best division is larger than those of values in random order.

    Values are permuted within each of the parts, which are not alike. The test ends as soon
    as it can no longer succeed.
    """
    count = math.ceil(_TIMES / level) - 1
    most = math.floor(level * (count + 1)) - 1
    as_large = 0
    for _ in range(count):
        largest = max(_best_split(random.permutation(part), shortest).distance for part in parts)
        as_large += largest >= best * (1 - _ROUNDING)
        if as_large > most:
            return False
    return True


def _best_split(part: Array, shortest: int) -> _Split:
    """Return the division with the largest scaled energy distance; 0 for a part too short.

    As in the paper, with distances to the power of 1: of a division at t the values before
    it are compared with those from t up to any k, so that a later change does not blur it.
    All t and k are judged at once, from cumulated sums over the matrix of distances.
    """
    import numpy as np

    size = len(part)
    if size < 2 * shortest:
        return _Split(0.0, 0)
    distances = np.abs(part[:, None] - part[None, :])
    sums = distances.cumsum(axis=0).cumsum(axis=1)
    own = np.diagonal(sums)
    both, before, after = _weights(size, shortest)
    # The sum over the values before t has its end at t - 1.
    t, k = slice(shortest - 1, size - shortest), slice(2 * shortest - 1, size)
    scaled = both * sums[t, k] - before * own[t, None] - after * own[None, k]
    place = int(np.unravel_index(scaled.argmax(), scaled.shape)[0])
    return _Split(float(scaled.max()), place + shortest)


@lru_cache(maxsize=16)
def _weights(size: int, shortest: int) -> tuple[Array, Array, Array]:
    """Return what sums of distances count in the scaled energy distance, for all t and k.

    With S the sum over all pairs of the first t and the first k values, in both orders, and
    n = t, m = k - t, the energy distance is ``2 (S(t,k) - S(t,t)) / (n m) - S(t,t) / (n (n-1))
    - (S(k,k) - 2 S(t,k) + S(t,t)) / (m (m-1))``, and is scaled by ``n m / (n + m)``. The
    weights are those of S(t,k), -S(t,t) and -S(k,k), 0 where k is too near to t.
    """
    import numpy as np

    n = np.arange(shortest, size - shortest + 1)[:, None]
    k = np.arange(2 * shortest, size + 1)[None, :]
    m = np.maximum(k - n, shortest)
    between, before, after = 2 / (n + m), m / ((n + m) * (n - 1)), n / ((n + m) * (m - 1))
    parts = (between + 2 * after, between + before + after, after)
    both, first, second = (np.where(k - n >= shortest, part, 0.0) for part in parts)
    return both, first, second
