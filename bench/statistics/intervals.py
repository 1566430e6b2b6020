"""A mean with its interval, and which part of the error is whose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.statistics.blocks import Components

if TYPE_CHECKING:
    from bench.task import Array


@dataclass(frozen=True)
class Interval:
    """A mean between ``low`` and ``high``, in the metric's unit.

    ``seed_error`` and ``example_error`` are the two parts of its standard error: the first
    shrinks with more seeds, the second with more examples only. ``seed_error`` is None for
    one seed, whose interval is that of the one trained model.
    """

    mean: float
    low: float
    high: float
    seed_error: float | None
    example_error: float
    seeds: int

    @property
    def over(self) -> str:
        """What the interval is over: another sample of which it would stand."""
        return "examples" if self.seed_error is None else "seeds and examples"

    @property
    def half(self) -> float:
        """Half of the interval's length, as far as the metric's range leaves it whole."""
        return max(self.high - self.mean, self.mean - self.low)

    @property
    def more_seeds_help(self) -> bool | None:
        """Whether seeds are the larger part of the error; None if one seed cannot tell."""
        if self.seed_error is None:
            return None
        return self.seed_error > self.example_error

    def within(self, low: float, high: float) -> Interval:
        """Return the interval without what lies beyond the values that the metric can have."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def scaled(self, factor: float) -> Interval:
        """Return the interval in another unit, ``factor`` of which make one of this."""
        ends = sorted((self.low * factor, self.high * factor))
        size = abs(factor)
        return Interval(
            mean=self.mean * factor,
            low=ends[0],
            high=ends[1],
            seed_error=None if self.seed_error is None else self.seed_error * size,
            example_error=self.example_error * size,
            seeds=self.seeds,
        )


def interval_of(mean: float, found: Components, block_df: float, level: float) -> Interval:
    """Return the interval of a mean, of the plugin's own seeds alone.

    Args:
        mean: Over seeds and examples.
        found: The plugin's own variances.
        block_df: Degrees of freedom of the variance over examples.
        level: Share of intervals that may miss, 0.05 for 95%.
    """
    if found.count == 1 or not found.random:
        half = float(similar([VarianceEstimate(found.examples, block_df)], level))
        error = math.sqrt(found.examples)
        seed_error = None if found.count == 1 else 0.0
        return Interval(mean, mean - half, mean + half, seed_error, error, found.count)
    between, disagreed = found.seeds / found.count, found.interaction / found.count
    shared = max(0.0, found.examples - found.interaction)
    models = VarianceEstimate(shared + disagreed, block_df)
    effect = max(0.0, between - COUNTED * disagreed)
    half = float(similar([VarianceEstimate(effect, found.count - 1.0), models], level))
    # Never less than the error of these trained models: their own share of the interaction.
    half = max(half, float(similar([models], level)))
    return Interval(
        mean,
        mean - half,
        mean + half,
        math.sqrt(max(between, disagreed)),
        math.sqrt(shared),
        found.count,
    )


# Critical values for an error of several parts, each known with its own degrees of freedom

#: scipy's distributions take no infinite degrees of freedom; these many are the normal one.
_MANY = 1e9
#: Quantiles of few degrees of freedom at tiny levels grow past what can be squared.
_LARGEST = 1e140


@dataclass(frozen=True)
class VarianceEstimate:
    """An estimated variance and its degrees of freedom; numbers, or arrays of one shape."""

    variance: Any
    df: Any


def t_quantile(df: Any, upper: Any) -> Array:
    """Return the value that Student's t exceeds with probability ``upper`` (below 0.5)."""
    from scipy.special import stdtrit

    quantiles = -np.asarray(stdtrit(np.minimum(df, _MANY), upper))
    return np.asarray(np.minimum(quantiles, _LARGEST))


def satterthwaite(parts: Sequence[VarianceEstimate]) -> Array:
    """Return the degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    total = np.asarray(sum(part.variance for part in parts))
    squares = np.asarray(sum(part.variance**2 / part.df for part in parts))
    known = squares > 0
    return np.asarray(np.where(known, total**2 / np.where(known, squares, 1.0), np.inf))


def cochran(parts: Sequence[VarianceEstimate], level: float) -> Array:
    """Return the half width of a two-sided interval: the parts' quantiles, averaged.

    Cochran (1964), "Approximate significance levels of the Behrens-Fisher test". Near its
    nominal coverage at the usual levels.

    Args:
        parts: The parts of the variance.
        level: Share of intervals that may miss, 0.05 for 95%.
    """
    total = sum(part.variance for part in parts)
    weighted = sum(part.variance * t_quantile(part.df, level / 2) for part in parts)
    return np.asarray(weighted) / np.sqrt(np.where(total > 0, total, 1.0))


#: The coverage that ``SHARES`` are solved for.
COVERED = 0.95
#: Parts of a sum of variances, and for each number of degrees of freedom the share of what its
#: quantile has more than the normal one that such a part asks for. With more degrees of freedom
#: it nears the part's square, the first term of Welch's series (1947).
#: ``python -m campaigns.benchmarks statistics`` solves for them anew.
SUMS = np.array([0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1])
SHARES = {
    1: (0, 0, 0, 0.099, 0.296, 0.728, 0.963, 1, 1, 1, 1, 1, 1, 1),
    2: (0, 0, 0, 0, 0, 0.091, 0.273, 0.541, 0.718, 0.804, 0.804, 0.855, 0.926, 1),
    3: (0, 0.002, 0.007, 0.007, 0.007, 0.063, 0.174, 0.341, 0.537, 0.677, 0.761, 0.874, 0.951, 1),
    4: (0, 0, 0.011, 0.011, 0.017, 0.068, 0.158, 0.288, 0.457, 0.617, 0.738, 0.866, 0.94, 1),
    6: (0, 0, 0.01, 0.014, 0.025, 0.076, 0.155, 0.263, 0.4, 0.565, 0.701, 0.851, 0.928, 1),
    9: (0, 0.001, 0.009, 0.018, 0.03, 0.08, 0.155, 0.255, 0.381, 0.531, 0.677, 0.839, 0.919, 1),
}
#: How much of what seeds make of single examples is taken off the variance of their means, as the
#: error of the trained models holds it already. All of it would be right on average, but leaves
#: nothing of two seeds that agree by accident: where it is three tenths of that error, intervals
#: would cover 90.1% at worst, and up to 97.8% with nothing taken off.
COUNTED = 0.3


def similar(parts: Sequence[VarianceEstimate], level: float) -> Array:
    """Return the half width of a two-sided interval that covers alike whatever the parts are.

    To the normal quantile each part adds a share of what its own has more, so that the
    coverage is near 95% for all true variances: in the terms of Linnik (1968), "Statistical
    problems with nuisance parameters", a nearly similar test. Solved numerically, as Aspin
    (1948) and Welch (1947) do by a series, which diverges for one or two degrees of freedom.
    The shares are for 95%; at any other level the rule is Cochran's.

    Args:
        parts: The parts of the variance; degrees of freedom are numbers, variances may be arrays.
        level: Share of intervals that may miss, 0.05 for 95%.
    """
    if not math.isclose(level, 1 - COVERED):
        return cochran(parts, level)
    total = sum(part.variance for part in parts)
    whole = np.where(total > 0, total, 1.0)
    normal = t_quantile(np.inf, level / 2)
    further = sum(
        _share(part.df, part.variance / whole) * (t_quantile(part.df, level / 2) - normal)
        for part in parts
    )
    return np.asarray(np.sqrt(total) * (normal + further))


def _share(df: float, of_sum: Any) -> Array:
    """Return the share for a part of a sum, between the two numbers of degrees of freedom."""
    known = [(0.0, SUMS**2), *((1 / each, np.array(SHARES[each])) for each in sorted(SHARES)[::-1])]
    below = int(np.searchsorted([inverse for inverse, _ in known], 1 / df, side="right")) - 1
    place = min(below, len(known) - 2)
    (low, fewer), (high, more) = known[place], known[place + 1]
    weight = (1 / df - low) / (high - low)
    return np.asarray(np.interp(of_sum, SUMS, (1 - weight) * fewer + weight * more))


def howe(parts: Sequence[VarianceEstimate], level: Any) -> Array:
    """Return the half width of a two-sided interval: the parts' half widths, added squared.

    Howe (1974), "Approximate confidence limits on the mean of X + Y". A little wider than
    Cochran's, and holds at the small levels that a table of many pairs tests at.
    """
    squares = sum(part.variance * t_quantile(part.df, level / 2) ** 2 for part in parts)
    return np.asarray(np.sqrt(squares))


def howe_p_values(differences: Array, parts: Sequence[VarianceEstimate]) -> Array:
    """Return the level at which ``howe`` is as wide as each difference, shape (m,).

    1 for a difference of 0; 0 where the error is 0 and the difference is not. Values under
    1e-200 are given as 1e-200 or less.

    Args:
        differences: Shape (m,).
        parts: Variances and degrees of freedom, each of shape (m,).
    """
    sizes = np.abs(differences)
    low, high = np.full(sizes.shape, np.log(1e-200)), np.zeros(sizes.shape)
    # Halved 40 times, the range of the logarithm leaves a level within 1e-9 of itself.
    for _ in range(40):
        middle = (low + high) / 2
        wider = howe(parts, np.exp(middle)) > sizes
        low, high = np.where(wider, middle, low), np.where(wider, high, middle)
    levels = np.exp(high)
    certain = sum(part.variance for part in parts) <= 0
    return np.where(sizes == 0, 1.0, np.where(certain, 0.0, levels))
