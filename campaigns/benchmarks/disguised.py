"""What any test could keep beside rows that few seeds do not tell from steady ones.

Ten rows like Jena's stand beside six whose seeds are unsteady in their means alone. Of three
seeds of such a row, some agree by accident, and nothing tells it from a steady one. The test here
is told what no table tells: how large both kinds' effects are, and that there are ten and six. A
row whose seeds vary more than a bound is of the second kind for it; the bound is the one that
keeps the most.
"""

from __future__ import annotations

import numpy as np

from bench.task import Array
from tests.score_world import JENA

#: Deviations of what seeds disagree about on single examples, and of the six rows' effect.
DISAGREEMENT, EFFECT = 0.002, 0.01
TEN = 10
TABLES = 20_000
LEVEL = 0.05
#: Bounds on the variance of seeds, as multiples of what a steady row's is expected to be.
BOUNDS = (0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)

_MEANS, _OWN, _SEED = np.array(JENA).T
_DISAGREED = np.where(np.arange(len(JENA)) < TEN, _SEED**2 / 2, DISAGREEMENT**2)
_EFFECTS = np.where(np.arange(len(JENA)) < TEN, _SEED**2 / 2, EFFECT**2)
_FIRST, _SECOND = np.triu_indices(len(JENA), 1)
_INNER = (_FIRST < TEN) & (_SECOND < TEN)


def told(seeds: int) -> str:
    """Return what tests keep of the pairs of the ten that they separate without the six."""
    random = np.random.default_rng(0)
    equal, _ = _drawn(random, seeds, np.zeros(len(JENA)))
    means, _ = _drawn(random, seeds, _MEANS)
    known = _sizes(equal, _EFFECTS, seeds), _sizes(means, _EFFECTS, seeds)
    before = known[1][:, _INNER] > _limit(known[0][:, _INNER])
    limit = _limit(known[0])
    number = float((known[1][:, _INNER] > limit)[before].mean())
    kept = max(_kept(seeds, bound, before) for bound in BOUNDS)
    return (
        f"a test that is told each row's kind keeps {number:.3f}, one that is told the kinds and "
        f"how many rows have each {kept:.3f} at most"
    )


def _kept(seeds: int, bound: float, before: Array) -> float:
    random = np.random.default_rng(0)
    equal, told_equal = _drawn(random, seeds, np.zeros(len(JENA)))
    means, told_means = _drawn(random, seeds, _MEANS)
    limit = _limit(_sizes(equal, _judged(told_equal, bound), seeds))
    found = _sizes(means, _judged(told_means, bound), seeds)[:, _INNER] > limit
    return float(found[before].mean())


def _drawn(random: np.random.Generator, seeds: int, truth: Array) -> tuple[Array, Array]:
    """Draw means and variances of seeds, both of shape (TABLES, K)."""
    shape = TABLES, len(JENA)
    error = np.sqrt(_OWN**2 + (_DISAGREED + _EFFECTS) / seeds)
    chances = random.chisquare(seeds - 1, shape) / (seeds - 1)
    return truth + error * random.standard_normal(shape), (_DISAGREED + _EFFECTS) * chances


def _judged(variances: Array, bound: float) -> Array:
    """Return the effects' variances of rows by what their seeds look like, (TABLES, K)."""
    steady = np.where(np.arange(len(JENA)) < TEN, _EFFECTS, _DISAGREED)
    unsteady = steady * (EFFECT / DISAGREEMENT) ** 2
    return np.where(variances > bound * (_DISAGREED + steady), unsteady, steady)


def _sizes(means: Array, effects: Array, seeds: int) -> Array:
    """Return differences as multiples of their errors, (TABLES, m)."""
    variances = _OWN**2 + (_DISAGREED + effects) / seeds
    variances = np.broadcast_to(variances, means.shape)
    apart = np.abs(means[:, _FIRST] - means[:, _SECOND])
    return np.asarray(apart / np.sqrt(variances[:, _FIRST] + variances[:, _SECOND]))


def _limit(sizes: Array) -> float:
    """Return what the largest of a table of equals exceeds as often as the level."""
    return float(np.quantile(sizes.max(axis=1), 1 - LEVEL))
