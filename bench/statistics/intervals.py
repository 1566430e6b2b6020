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
        half = float(cochran([VarianceEstimate(found.examples, block_df)], level))
        error = math.sqrt(found.examples)
        seed_error = None if found.count == 1 else 0.0
        return Interval(mean, mean - half, mean + half, seed_error, error, found.count)
    between, disagreed = found.seeds / found.count, found.interaction / found.count
    shared = max(0.0, found.examples - found.interaction)
    half = float(
        cochran(
            [VarianceEstimate(between, found.count - 1.0), VarianceEstimate(shared, block_df)],
            level,
        )
    )
    # Never less than the error of these trained models: their own share of the interaction.
    models = float(cochran([VarianceEstimate(shared + disagreed, block_df)], level))
    half = max(half, models)
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
