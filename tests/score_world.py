"""Made scores whose truth is known, and how often the statistics tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.statistics.blocks import PluginScores
from bench.statistics.compare import TableComparison, compare

Array = NDArray[np.float64]

#: Correlation of hourly errors with the hour before, and of days with the day before.
HOUR, DAY = 0.9, 0.3


@dataclass(frozen=True)
class ScoreWorld:
    """A table of plugins that are equally good, but for what ``better`` adds to the first.

    An example's score is a part that all plugins share, one of the plugin, one of the seed
    (together of variance 1), and the seed's effect. ``seed_size`` is the deviation of that
    effect, as a multiple of the error of a mean over all examples; ``unequal`` are
    degrees of freedom of a scaled inverse chi-square from which each plugin's variance is
    drawn (0: all alike). ``hours`` above 1 makes examples hours of correlated days.
    """

    plugins: int = 5
    seeds: int = 3
    groups: int = 300
    hours: int = 1
    shared: float = 0.5
    interaction: float = 0.1
    seed_size: float = 1.0
    unequal: float = 0.0
    better: float = 0.0

    @property
    def group_numbers(self) -> NDArray[np.int64]:
        """Group of each example."""
        return np.repeat(np.arange(self.groups), self.hours)

    @property
    def example_error(self) -> float:
        """Deviation of the mean of all examples' noise."""
        if self.hours == 1:
            return self.groups**-0.5
        hours = _mean_variance(HOUR, self.hours) / self.groups
        return float((0.6 * hours + 0.4 * _mean_variance(DAY, self.groups)) ** 0.5)

    def samples(self, random: np.random.Generator) -> list[PluginScores]:
        """Draw the scores of all plugins; the truth is 0, and ``better`` for plugin 0."""
        own = 1 - self.shared - self.interaction
        common = self.shared**0.5 * self._noise(random, 1)
        made = []
        for number in range(self.plugins):
            values = common + own**0.5 * self._noise(random, 1)
            values = values + self.interaction**0.5 * self._noise(random, self.seeds)
            size = self.seed_size * self.example_error
            if self.unequal:
                size *= (self.unequal / random.chisquare(self.unequal)) ** 0.5
            values += size * random.standard_normal((self.seeds, 1))
            values += self.better if number == 0 else 0.0
            made.append(PluginScores(f"p{number:02}", tuple(range(self.seeds)), values))
        return made

    def comparisons(self, repeats: int, seed: int = 0) -> Iterator[TableComparison]:
        """Compare ``repeats`` tables."""
        random = np.random.default_rng(seed)
        for _ in range(repeats):
            yield compare(self.samples(random), self.group_numbers, "max")

    def _noise(self, random: np.random.Generator, rows: int) -> Array:
        if self.hours == 1:
            return random.standard_normal((rows, self.groups))
        hours = autoregressive(random, HOUR, (rows, self.groups, self.hours))
        days = autoregressive(random, DAY, (rows, self.groups))
        return np.asarray(
            0.6**0.5 * hours.reshape(rows, -1) + 0.4**0.5 * np.repeat(days, self.hours, axis=1)
        )


def autoregressive(random: np.random.Generator, phi: float, shape: tuple[int, ...]) -> Array:
    """Draw stationary AR(1) series of variance 1 along the last axis."""
    from scipy.signal import lfilter

    drive = random.standard_normal(shape) * (1 - phi**2) ** 0.5
    drive[..., 0] /= (1 - phi**2) ** 0.5
    return np.asarray(lfilter([1.0], [1.0, -phi], drive, axis=-1))


def _mean_variance(phi: float, size: int) -> float:
    """Variance of the mean of ``size`` steps of an AR(1) series of variance 1."""
    lags = np.arange(1, size)
    return float((1 + 2 * ((1 - lags / size) * phi**lags).sum()) / size)


def coverage(world: ScoreWorld, repeats: int, seed: int = 0) -> float:
    """Share of the plugins' intervals that hold the truth, 0."""
    held = [
        interval.low <= 0 <= interval.high
        for found in world.comparisons(repeats, seed)
        for interval in found.intervals.values()
    ]
    return float(np.mean(held))


def false_tables(world: ScoreWorld, repeats: int, seed: int = 0) -> float:
    """Share of tables of equals in which any pair is separated."""
    whole = [
        all(rank.low == 1 for rank in found.ranks.values())
        for found in world.comparisons(repeats, seed)
    ]
    return 1 - float(np.mean(whole))
