"""A mean with its interval, and which part of the error is whose."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.statistics.components import Components
from bench.statistics.critical import Part, cochran


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
        """Half of the interval's length."""
        return (self.high - self.low) / 2

    @property
    def more_seeds_help(self) -> bool | None:
        """Whether seeds are the larger part of the error; None if one seed cannot tell."""
        if self.seed_error is None:
            return None
        return self.seed_error > self.example_error

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


def interval_of(
    mean: float, found: Components, seeds: Part | None, block_df: float, level: float
) -> Interval:
    """Return the interval of a mean.

    Args:
        mean: Over seeds and examples.
        found: The plugin's own variances.
        seeds: Variance of the seed means and its degrees of freedom, as the table tells
            it; None for one seed.
        block_df: Degrees of freedom of the variance over examples.
        level: Share of intervals that may miss, 0.05 for 95%.
    """
    if seeds is None:
        half = float(cochran([Part(found.examples, block_df)], level))
        error = math.sqrt(found.examples)
        return Interval(mean, mean - half, mean + half, None, error, found.count)
    # Never less than the error of these trained models: their own share of the interaction.
    between = max(seeds.variance, found.interaction) / found.count
    shared = max(0.0, found.examples - found.interaction)
    half = float(cochran([Part(between, seeds.df), Part(shared, block_df)], level))
    return Interval(
        mean, mean - half, mean + half, math.sqrt(between), math.sqrt(shared), found.count
    )
