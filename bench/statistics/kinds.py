"""What seeds add to the error of a mean, of rows that may be of different kinds.

A variance from three seeds has two degrees of freedom, too few to test a table of pairs with.
What other rows tell of it must be taken from those alone that are like it. A row's seed effect
is measured here as a multiple of what its seeds disagree about on single examples, which its
examples tell well: on real tables that multiple is about the same for rows whose variances
differ 20,000 times. The multiples of a table are of one kind, or of two, or a row is like no
other: a mixture of two common values and of a spread over all sizes. How many are of which
kind, and which values these have, is not fitted but averaged over, so that what a few rows tell
counts as little as it is.

A test averages its p-value over what a row's variance may be (Ignatiadis & Sen 2025,
"Empirical partially Bayes multiple testing and compound chi-square decisions", of which the
moderated variances of Smyth 2004 are the case of one kind). With a single row this is
Student's t; with many that are alike, the t of all their degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.statistics.blocks import Components

if TYPE_CHECKING:
    from bench.task import Array

#: Multiples on a logarithmic grid. The smallest stands for none, and the largest leave room for
#: the long tails of few seeds; beyond ``_COMMON`` no two rows are alike.
_STEP = 0.5
_GRID = np.exp(np.arange(np.log(1e-3), np.log(1e14), _STEP))
_COMMON = int(np.searchsorted(_GRID, 1e8))
#: Shares of the rows that have the first of two common values, and that are like no other. With
#: fewer of the latter, one row five times as unsteady as the rest was now and then taken for one
#: of them: of made tables of equals with two and three seeds 6 to 12% held a false separation, and
#: as the best it was lost in 5 to 9%.
_SHARES = np.array([0.15, 0.3, 0.5, 0.7, 0.85])
_UNLIKE = (0.2, 0.5)
#: Probabilities to exceed a quantile, as edges that divide the whole: even, then geometric.
_EDGES = np.concatenate([np.linspace(1, 0.1, 10), 0.1 * np.exp(-0.5 * np.arange(1, 56))])
LEVELS = np.sqrt(_EDGES[:-1] * _EDGES[1:])
WEIGHTS = _EDGES[:-1] - _EDGES[1:]
#: The level that stands nearest to the median.
MEDIAN = int(np.argmin(np.abs(LEVELS - 0.5)))
#: Where seeds disagree about hardly anything, this share of the examples' variance is the unit.
_LEAST = 1e-2


@dataclass(frozen=True)
class SeedNoise:
    """Variances of one seed's effect on a row's mean, beyond what it does to single examples.

    ``quantiles`` has shape (K, U): the value that row k's exceeds with probability
    ``LEVELS[u]``; all 0 for a row whose seeds do not matter, or with one seed. ``disagreement``,
    shape (K,), is the rest of a seed's variance, which the error over examples holds already.
    """

    quantiles: Array
    disagreement: Array


def seed_noise(found: Sequence[Components]) -> SeedNoise:
    """Return what the rows of a table tell of their seeds' effects, each row's own first.

    Args:
        found: The K rows' own variances; those of one seed or without randomness are left at 0
            and tell nothing of the others.
    """
    disagreement = np.array([each.interaction for each in found])
    quantiles = np.zeros((len(found), len(LEVELS)))
    random = np.array([each.random for each in found])
    if random.any():
        own = [each for each in found if each.random]
        seeds = np.array([each.seeds for each in own])
        examples = np.array([each.examples for each in own])
        unit = np.maximum(disagreement[random], _LEAST * examples)
        # Right or wrong in all examples alike: there is no scale but the effect's own.
        unit = np.where(unit > 0, unit, seeds.max())
        df = np.array([each.count - 1.0 for each in own])
        multiples = quantiles_of(posterior(seeds / unit, df))
        quantiles[random] = multiples * unit[:, None]
    return SeedNoise(quantiles, disagreement)


def posterior(ratios: Array, df: Array) -> Array:
    """Return the probability of each multiple on the grid, shape (K, M), each row's sum 1.

    A ratio is chi-square over its degrees of freedom, times one and the multiple.

    Args:
        ratios: Variances of seed means over those of the disagreement, shape (K,).
        df: Degrees of freedom, one less than the seeds, shape (K,).
    """
    likelihood = _likelihood(ratios, df)
    anywhere = likelihood.mean(axis=1)
    first, second, share, prior = _pairs_of_kinds()
    mixed = share * likelihood[:, first] + (1 - share) * likelihood[:, second]
    totals = {}
    for unlike in _UNLIKE:
        total = (1 - unlike) * mixed + unlike * anywhere[:, None]
        totals[unlike] = total, np.log(total).sum(axis=0) + np.log(prior)
    top = max(float(weight.max()) for _, weight in totals.values())
    sizes = {unlike: np.exp(weight - top) for unlike, (_, weight) in totals.items()}
    whole = sum(float(size.sum()) for size in sizes.values())
    own, to_first, to_second = np.zeros(len(df)), np.zeros(mixed.shape), np.zeros(mixed.shape)
    for unlike, (total, _) in totals.items():
        per = sizes[unlike] / whole / total
        own += unlike * per.sum(axis=1)
        to_first += (1 - unlike) * per * share
        to_second += (1 - unlike) * per * (1 - share)
    spread = np.repeat(own[:, None] / len(_GRID), len(_GRID), axis=1)
    for row in range(len(df)):
        spread[row] += np.bincount(first, to_first[row], len(_GRID))
        spread[row] += np.bincount(second, to_second[row], len(_GRID))
    masses = spread * likelihood
    return np.asarray(masses / masses.sum(axis=1, keepdims=True))


def quantiles_of(masses: Array) -> Array:
    """Return the multiples that are exceeded with each of ``LEVELS``, shape (K, U).

    A point of the grid stands for all values that are nearer to it than to another.

    Args:
        masses: Probabilities on the grid, shape (K, M).
    """
    above = np.hstack([np.cumsum(masses[:, ::-1], axis=1)[:, ::-1], np.zeros((len(masses), 1))])
    edges = np.log(_GRID[0]) + _STEP * (np.arange(len(_GRID) + 1) - 0.5)
    found = np.stack([np.interp(LEVELS, row[::-1], edges[::-1]) for row in above])
    return np.where(found <= edges[1], 0.0, np.exp(found))


def _likelihood(ratios: Array, df: Array) -> Array:
    """Return each row's likelihood of the multiples, shape (K, M), its largest value 1."""
    half = df[:, None] / 2
    logs = -half * np.log1p(_GRID) - half * ratios[:, None] / (1 + _GRID)
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


def _pairs_of_kinds() -> tuple[Array, Array, Array, Array]:
    """Return all tables that may be: both values, the first's share, and the probability.

    One value for all is as probable as two.
    """
    one = np.arange(_COMMON)
    low, high = np.triu_indices(_COMMON, 1)
    size = len(low) * len(_SHARES)
    return (
        np.concatenate([one, np.repeat(low, len(_SHARES))]),
        np.concatenate([one, np.repeat(high, len(_SHARES))]),
        np.concatenate([np.ones(_COMMON), np.tile(_SHARES, len(low))]),
        np.concatenate([np.full(_COMMON, 0.5 / _COMMON), np.full(size, 0.5 / size)]),
    )
