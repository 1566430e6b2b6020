"""What a table could tell: the difference it would separate, the seeds a difference needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.statistics.critical import Part, howe, satterthwaite, t_quantile
from bench.statistics.pairs import Pairs
from bench.task import Array

#: How often a difference that is there is to be found.
POWER = 0.8
#: No one trains a plugin with more seeds than this to tell two apart.
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class FirstTwo:
    """The two best means: the first's minus the second's, and what would separate them.

    ``seeds_needed`` is how many seeds each would separate this very difference, if it is
    the true one, with 80% power; None if no number would, because the examples alone leave
    too much noise, or if there is no telling, with one seed each.
    """

    first: str
    second: str
    difference: float
    separated: bool
    seeds_needed: int | None


def detectable(pairs: Pairs, level: float) -> float | None:
    """Return the smallest difference that the table separates with 80% power, or None.

    The median over the pairs of the difference that a test at ``level / m`` finds. Each
    pair that is separated makes Holm's test of the others a little more powerful than this.

    Args:
        pairs: All m pairs of a table; None is returned for none.
        level: That of the table.
    """
    if not len(pairs.first):
        return None
    return float(np.median(_needed(pairs.parts, level / len(pairs.first))))


def seeds_needed(pairs: Pairs, place: int, level: float) -> int | None:
    """Return how many seeds each would separate a pair with 80% power; None if none would.

    Args:
        pairs: All m pairs of a table.
        place: Which pair; both of its plugins have more than one seed.
        level: That of the table.
    """
    size = abs(float(pairs.difference[place]))
    *sides, examples = (Part(part.variance[place], part.df[place]) for part in pairs.parts)
    used = [float(counts[place]) for counts in pairs.seeds]

    def enough(seeds: float) -> bool:
        parts = [
            Part(side.variance * count / seeds, max(1.0, side.df + seeds - count))
            for side, count in zip(sides, used, strict=True)
        ]
        return float(_needed((*parts, examples), level / len(pairs.first))) <= size

    if not enough(MOST_SEEDS):
        return None
    # One seed shows no variance, so two are the fewest; more are never worse.
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _needed(parts: Sequence[Part], level: Any) -> Array:
    """Return the difference that a test at ``level`` finds with the wanted power.

    The test's half width plus the power's quantile of the error, which is a little more
    than the standard error as the half width is itself estimated: the approximation to the
    non-central t of Johnson & Welch (1940).
    """
    half = howe(parts, level)
    variance = sum(part.variance for part in parts)
    spread = np.sqrt(variance + half**2 / (2 * satterthwaite(parts)))
    return np.asarray(half + t_quantile(np.inf, 1 - POWER) * spread)
