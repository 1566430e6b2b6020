"""What few seeds, and many tests, leave to chance: when is a loss more than that?

A training now and then fails by chance. Of three seeds a side, each of which fails once in ten,
a candidate's mean lies far above its base's in a fifth of the comparisons in which nothing has
changed, and no normal distribution knows of it. Two tests do:

- With few seeds, ``all_beyond``: *every* seed of the candidate has to lie beyond what the base's
  leave to chance, and beyond what failing by chance makes of it. Of three seeds a side that is
  never less than 1 in 1,400, however large the loss, of four 1 in 15,000.
- With as many as their order alone can tell, ``by_order``: a permutation test of the means, which
  supposes nothing but that the seeds of both sides are draws of one distribution.

``hommel`` corrects for how many tests a check has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from bench.task import Array

#: How often a training may fail by chance, at most. One that does so more often shows it: by
#: three seeds a side in half of the checks, by five in two thirds.
FAILS = 0.1
#: A failing seed that is new: one in three, found with 80% power by so many seeds as are asked for.
FAILS_NOW, POWER = 1 / 3, 0.8
#: Values between the least and the largest score that ``by_order`` tells from each other, fewer
#: of many seeds: as many sums as this take a second.
_STEPS = 200
_MOST_SUMS = 3000
_MOST_SEEDS = 100


def all_beyond(candidate: Sequence[float], base: Sequence[float], scatter: float = 0.0) -> float:
    """Return how often every seed of one side is so far beyond the other's by chance.

    With a seed's share of failing f, the base's n' seeds none of which failed, and the least of
    the candidate's n at x of their standard deviations, it is
    ``(1 - f)^n' E[(f + (1 - f) Q(z + x s))^n]``, where Q is the normal distribution's upper tail,
    z the error of the base's mean, and s that of its standard deviation. A base that has itself
    a failed seed has a standard deviation beyond which nothing lies.

    Args:
        candidate: The means of the seeds, n at least 1, larger ones being worse.
        base: Those of the base, n' at least 2.
        scatter: A standard deviation of one seed's mean that is known to be there at least.
    """
    count, known = len(candidate), len(base)
    deviation = max(float(np.std(base, ddof=1)), scatter)
    apart = min(candidate) - float(np.mean(base))
    if deviation == 0:
        return least_all_beyond(count, known) if apart > 0 else 1.0
    return _all_beyond(apart / deviation, count, known)


def least_all_beyond(candidate: int, base: int) -> float:
    """Return the smallest value that ``all_beyond`` has with so many seeds."""
    return float(FAILS**candidate * (1 - FAILS) ** base)


def _all_beyond(distance: float, candidate: int, base: int) -> float:
    from scipy.special import ndtr

    errors, weights, scales, masses = _grid(base)
    beyond = ndtr(-(errors[:, None] / math.sqrt(base) + distance * scales))
    chances = (FAILS + (1 - FAILS) * beyond) ** candidate
    return float((1 - FAILS) ** base * (weights @ chances @ masses))


@lru_cache(maxsize=32)
def _grid(base: int) -> tuple[Array, Array, Array, Array]:
    """Return points and weights of a normal variable, and of s = sqrt(chi2 / df)."""
    errors, weights = np.polynomial.hermite_e.hermegauss(24)
    df = base - 1
    # Even in the logarithm: a standard deviation that came out tiny is what decides.
    logs = np.linspace(-14.0, 2.0, 300)
    densities = df * logs - df * np.exp(2 * logs) / 2
    masses = np.exp(densities - densities.max())
    return errors, weights / weights.sum(), np.exp(logs), masses / masses.sum()


@lru_cache(maxsize=256)
def beyond_at(level: float, candidate: int, base: int) -> float | None:
    """Return the distance from which ``all_beyond`` is at most ``level``; None if there is none."""
    if least_all_beyond(candidate, base) >= level:
        return None
    low, high = 0.0, 1e6
    for _ in range(60):
        middle = (low + high) / 2
        is_enough = _all_beyond(middle, candidate, base) <= level
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def by_order(candidate: Sequence[float], base: Sequence[float]) -> float:
    """Return the p-value of the permutation test that the candidate's mean is not larger.

    The exact distribution of a sum over all ways to choose the candidate's seeds among both
    (Streitberg & Roehmel 1986), of scores that are rounded to a 200th of their range, with which
    it is the exact test of the rounded ones.

    Args:
        candidate: The means of the seeds, shape (n,), n from 1 to 100; larger ones are worse.
        base: Those of the base, shape (m,), likewise.
    """
    scores = np.concatenate([np.asarray(candidate, float), np.asarray(base, float)])
    extent = float(np.ptp(scores))
    if extent == 0:
        return 1.0
    count, total = len(candidate), len(scores)
    finest = min(_STEPS, _MOST_SUMS // count)
    steps = np.rint((scores - scores.min()) / extent * finest).astype(int)
    chances = np.zeros((count + 1, count * finest + 1))
    chances[0, 0] = 1.0
    for step in steps:  # Each is taken or left with equal chance, so that no number overflows.
        taken = np.zeros_like(chances)
        taken[1:, step:] = chances[:-1, : chances.shape[1] - step]
        chances = (chances + taken) / 2
    found = int(steps[:count].sum())
    return float(min(1.0, chances[count, found:].sum() * 2.0**total / math.comb(total, count)))


def least_by_order(candidate: int, base: int) -> float:
    """Return the smallest p-value that ``by_order`` has with so many seeds."""
    return 1 / math.comb(candidate + base, candidate)


def is_ordered(candidate: int, base: int, level: float) -> bool:
    """Say whether the order of so many seeds can tell by itself at a level.

    Half of the level has to be left, or one seed that is out of order would hide any loss.
    """
    return max(candidate, base) <= _MOST_SEEDS and 2 * least_by_order(candidate, base) <= level


@lru_cache(maxsize=64)
def seeds_for_a_failing_one(level: float) -> int:
    """Return how many seeds a side find one that fails in three, beside none, with 80% power.

    Found is what ``by_order`` calls significant at the level: k failing seeds of n, and none of
    as many, are so by chance as often as all k fall to one side.
    """
    count = 2
    while True:
        count += 1
        if not is_ordered(count, count, level):
            continue
        found = [
            failing
            for failing in range(count + 1)
            if math.comb(count, failing) / math.comb(2 * count, failing) <= level
        ]
        if found and _at_least(found[0], count) >= POWER:
            return count


def _at_least(failing: int, count: int) -> float:
    return sum(
        math.comb(count, k) * FAILS_NOW**k * (1 - FAILS_NOW) ** (count - k)
        for k in range(failing, count + 1)
    )


def fewest_seeds(level: float, more_than: int = 1, distance: float = math.inf) -> int:
    """Return how many seeds a side are significant, all of which lie at a distance.

    Args:
        level: Of the test.
        more_than: How many are too few.
        distance: In standard deviations of the base; if infinite, the least that can be
            significant at all.
    """
    count = max(2, more_than + 1)
    while not is_ordered(count, count, level):
        far = least_all_beyond(count, count) if math.isinf(distance) else 1.0
        if min(far, _all_beyond(min(distance, 1e9), count, count)) < level:
            break
        count += 1
    return count


# So many tests


def hommel(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for all of them, so that none is false with the level's probability.

    Hommel (1988), "A stagewise rejective multiple test procedure based on a modified Bonferroni
    test", as Wright (1992) computes it. It calls all that Holm's and Hochberg's procedures call,
    and more: two dozen plugins that each lost all of their seeds are no chance, though each may
    be. It holds for tests that are independent or depend on each other positively (Sarkar 1998),
    as those of times do that one machine measured.
    """
    count = len(p_values)
    order = sorted(range(count), key=p_values.__getitem__)
    p = [p_values[place] for place in order]
    adjusted = [min((count * each / rank for rank, each in enumerate(p, 1)), default=1.0)] * count
    for size in range(count - 1, 1, -1):
        least = min(size * each / rank for rank, each in enumerate(p[count - size + 1 :], 2))
        head = [min(size * each, least) for each in p[: count - size + 1]]
        now = [*head, *[head[-1]] * (size - 1)]
        adjusted = [max(pair) for pair in zip(adjusted, now, strict=True)]
    found = dict(zip(order, map(max, adjusted, p), strict=True))
    return [min(1.0, found[place]) for place in range(count)]
