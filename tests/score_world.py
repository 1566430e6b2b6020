"""Made scores whose truth is known, and how often the statistics tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.statistics import pairs
from bench.statistics.blocks import PluginScores, group_examples, own_components, summarise
from bench.statistics.compare import TableComparison, compare, own_interval

if TYPE_CHECKING:
    import pytest

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
    ``factors`` multiply the seed effects of the first plugins, 1 for the others; ``failing``
    takes from the last plugin, in one seed of ten, a multiple of the error of a mean. ``binary``
    makes scores of right and wrong; ``absolute`` noise of single examples as skewed as
    absolute errors are.
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
    factors: tuple[float, ...] = ()
    failing: float = 0.0
    binary: bool = False
    absolute: bool = False

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

    @property
    def truths(self) -> list[float]:
        """Mean of each plugin over all seeds and examples, but for what ``better`` adds."""
        means = [0.5 if self.binary else 0.0] * self.plugins
        means[-1] -= 0.1 * self.failing * self.example_error
        return means

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
            size *= self.factors[number] if number < len(self.factors) else 1.0
            values += size * random.standard_normal((self.seeds, 1))
            if self.failing and number == self.plugins - 1:
                failed = random.random((self.seeds, 1)) < 0.1
                values -= self.failing * self.example_error * failed
            values += self.better if number == 0 else 0.0
            if self.binary:
                values = (values > 0).astype("float64")
            made.append(PluginScores(f"p{number:02}", tuple(range(self.seeds)), values))
        return made

    def comparisons(self, repeats: int, seed: int = 0) -> Iterator[TableComparison]:
        """Compare ``repeats`` tables."""
        random = np.random.default_rng(seed)
        for _ in range(repeats):
            yield compare(self.samples(random), self.group_numbers, "max", in_time=self.hours > 1)

    def _noise(self, random: np.random.Generator, rows: int) -> Array:
        if self.hours == 1:
            made = random.standard_normal((rows, self.groups))
            mean = (2 / np.pi) ** 0.5
            return (abs(made) - mean) / (1 - mean**2) ** 0.5 if self.absolute else made
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
    """Share of the plugins' intervals that hold the truth: each is of its own scores alone."""
    random, held = np.random.default_rng(seed), []
    grouping = group_examples(world.group_numbers, in_time=world.hours > 1)
    for _ in range(repeats):
        for sample, truth in zip(world.samples(random), world.truths, strict=True):
            summary = summarise(sample, grouping)
            found = own_interval(summary, *own_components(summary, grouping.independent), 0.05)
            held.append(found.low <= truth <= found.high)
    return float(np.mean(held))


@dataclass(frozen=True)
class Equals:
    """Shares of tables of equals: with a false separation, and in which the best is lost.

    ``lost`` is when a plugin, each time another, is not left among the best; ``odd_lost`` when
    the first is not, whose seeds ``ScoreWorld.factors`` make unlike the others'.
    """

    false: float
    lost: float
    odd_lost: float


def fewer_draws(patch: pytest.MonkeyPatch) -> None:
    """Judge a table by 2,000 tables of equals, where a report draws five times as many.

    The p-value that one table in twenty has by chance is then known within half a per cent.
    """
    patch.setattr(pairs, "_TABLES", (2000, 2000))


def equals(world: ScoreWorld, repeats: int, seed: int = 0) -> Equals:
    """Compare tables of equals.

    A plugin that fails now and then is worse than the others, and may be found to be.
    """
    tables = list(world.comparisons(repeats, seed))
    labels = [f"p{number:02}" for number in range(world.plugins - bool(world.failing))]
    lost = [
        labels[number % len(labels)] not in {*found.best, *found.unknown}
        for number, found in enumerate(tables)
    ]
    odd = [labels[0] not in {*found.best, *found.unknown} for found in tables]
    false = [
        _is_false(found, labels) if world.failing else found.separations > 0 for found in tables
    ]
    return Equals(float(np.mean(false)), float(np.mean(lost)), float(np.mean(odd)))


def false_tables(world: ScoreWorld, repeats: int, seed: int = 0) -> float:
    """Share of tables of equals in which any pair is separated, but as it is."""
    return equals(world, repeats, seed).false


def _is_false(found: TableComparison, labels: list[str]) -> bool:
    """Say whether any pair is separated, or the plugin that fails is the better one."""
    if any(found.separated(*pair) for pair in combinations(labels, 2)):
        return True
    last = f"p{len(labels):02}"
    # Higher is better.
    wins = [found.separated(last, other) for other in labels]
    ahead = [found.pair(last, other).difference > 0 for other in labels]
    return any(won and better for won, better in zip(wins, ahead, strict=True))


# A table like the published one of Jena

#: Validation means of sixteen plugins, the deviation of a mean over examples from that of the
#: others, and of one seed's mean, in the metric's unit; half of a seed's variance is its effect.
JENA = (
    *((0.2517, 0.0022, 0.0012), (0.2584, 0.0012, 0.0013), (0.2624, 0.0011, 0.0017)),
    *((0.2644, 0.0012, 0.0025), (0.2649, 0.0015, 0.0050), (0.2661, 0.0012, 0.0022)),
    *((0.2663, 0.0012, 0.0017), (0.2673, 0.0022, 0.0015), (0.2690, 0.0025, 0.0028)),
    *((0.2726, 0.0030, 0.0000), (0.2761, 0.0023, 0.0020), (0.2765, 0.0035, 0.0012)),
    *((0.2891, 0.0050, 0.0000), (0.3108, 0.0050, 0.0055), (0.3132, 0.0040, 0.0200)),
    (0.4385, 0.0100, 0.0093),
)
DAYS = 666


def jena_like(
    random: np.random.Generator, seeds: int = 3, equal: bool = False
) -> list[PluginScores]:
    """Draw daily errors of sixteen plugins; ``equal`` gives all of them the same mean.

    Days follow each other as real ones do: correlated by ``DAY``.
    """

    def days(rows: int, error: float) -> Array:
        scale = error / _mean_variance(DAY, DAYS) ** 0.5
        return scale * autoregressive(random, DAY, (rows, DAYS))

    common = days(1, 0.0065)
    made = []
    for number, (mean, own, seed) in enumerate(JENA):
        part = seed / 2**0.5
        values = (0.27 if equal else mean) + common + days(1, own)
        values = values + days(seeds, part) + part * random.standard_normal((seeds, 1))
        made.append(PluginScores(f"p{number:02}", tuple(range(seeds)), values))
    return made
