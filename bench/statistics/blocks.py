"""The error of a mean over examples that may depend on their neighbours in time.

Examples come in groups (the windows of one day), and groups may depend on those before
them. The circular block bootstrap (Politis & Romano 1992) resamples runs of groups. For a
mean its variance is a known sum, so nothing is drawn and nothing is random here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError
from bench.statistics.scores import SCORE_RULES

if TYPE_CHECKING:
    from bench.task import Array

# The score of each example, whose mean is the metric


def per_example(metric: str, targets: Array, predictions: Array) -> Array:
    """Return the score of each example, float32 of shape (n,); their mean is the metric.

    Args:
        metric: A metric of ``bench.statistics.scores``: accuracy scores 1 for a prediction of
            the target's class, else 0; mae scores the absolute error, in the targets' unit; one
            that is no mean scores what an example adds to it, see ``ScoreRule``.
        targets: Shape (n,), or (n, outputs).
        predictions: The same, or (n, classes) for class numbers.

    Raises:
        BenchError: The metric has no score of an example, or the shapes differ.
    """
    if metric not in SCORE_RULES:
        raise BenchError(
            f"metric {metric!r}: it has no score of a single example, so there is no error to "
            f"tell; those that have one: {', '.join(SCORE_RULES)}"
        )
    if not _fit_each_other(targets, predictions):
        raise BenchError(
            f"predictions of shape {predictions.shape} for targets of shape {targets.shape}: "
            "as many numbers an example as it has targets, or classes, are needed; run the trial "
            "again"
        )
    return SCORE_RULES[metric].of_examples(targets, predictions).astype("float32")


def _fit_each_other(targets: Array, predictions: Array) -> bool:
    if targets.ndim == 1 and predictions.ndim == 2:
        known = targets[np.isfinite(targets)]
        within = len(known) == len(targets) and known.min(initial=0) >= 0
        is_of_classes = within and known.max(initial=0) < predictions.shape[1]
        return len(targets) == len(predictions) and bool(is_of_classes)
    return targets.ndim in (1, 2) and targets.shape == predictions.shape


# The scores of one plugin, and what is left of them once their examples are grouped


@dataclass(frozen=True)
class PluginScores:
    """The scores of one plugin: ``values`` of shape (S, n), a row for each of ``seeds``."""

    label: str
    seeds: tuple[int, ...]
    values: Array


@dataclass(frozen=True)
class Summary:
    """The mean of each seed, shape (S,), and the groups' influences on it, shape (S, D)."""

    seeds: tuple[int, ...]
    means: Array
    series: Array

    def over(self, wanted: Iterable[int]) -> tuple[float, Array]:
        """Return the mean over some seeds, and the influences on that, shape (D,)."""
        rows = [self.seeds.index(seed) for seed in sorted(wanted)]
        total = np.zeros(self.series.shape[1])
        for row in rows:
            total += self.series[row]
        return float(self.means[rows].mean()), total / len(rows)


def summarise(sample: PluginScores, grouping: Grouping) -> Summary:
    """Reduce scores to what all errors are computed from, in float64."""
    sums = group_sums(sample.values, grouping)
    means = sums.sum(axis=1) / len(grouping.index)
    return Summary(sample.seeds, means, influences(sums, grouping))


#: The rule's length makes the variance's squared error least, of which most is that short
#: blocks miss dependence. For intervals missing is worse than scatter, which Student's t
#: allows for: on made days correlated by 0.3 and 0.6, 95% intervals covered 93% with the
#: rule's length and 94-95% with twice that, at 4% more width.
LENGTHENED = 2.0
#: As many blocks as this there always are: with fewer, their variance is hardly known.
FEWEST_BLOCKS = 10


@dataclass(frozen=True)
class Grouping:
    """Which group each example belongs to.

    ``index`` has shape (n,): the place of an example's group in the order of time.
    ``counts`` has shape (D,): how many examples each group has. ``in_time`` says that the
    groups follow each other in time, so that neighbours may err alike.
    """

    index: Array
    counts: Array
    in_time: bool = False

    @property
    def independent(self) -> bool:
        """Whether every example is a group of its own, and has no neighbour in time."""
        return len(self.counts) == len(self.index) and not self.in_time


def group_examples(groups: Array, in_time: bool = False) -> Grouping:
    """Read the groups of examples, int of shape (n,), numbered in the order of time.

    Args:
        groups: Examples of one group have the same number.
        in_time: Whether groups follow each other in time also where each has one example:
            a day of which a short profile scores one window is no independent example.

    Raises:
        BenchError: There are fewer than two groups, which tell no error.
    """
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        raise BenchError(
            f"{len(index)} scored examples in {len(counts)} group: an error needs two groups "
            "or more; score more examples"
        )
    return Grouping(index.reshape(-1), counts, in_time)


def group_sums(values: Array, grouping: Grouping) -> Array:
    """Sum values of shape (S, n) over each group; float64 of shape (S, D)."""
    size = len(grouping.counts)
    return np.stack([np.bincount(grouping.index, row, size) for row in values])


def influences(sums: Array, grouping: Grouping) -> Array:
    """Return what each group adds to the error of a mean, shape (S, D); each row sums to 0.

    The mean is a ratio of two sums over groups, of scores and of examples. Its linear
    part in group d is ``(sum_d - mean * count_d) / n`` (Cochran 1977, section 6.3).

    Args:
        sums: Sums over the groups, shape (S, D).
        grouping: Which group each example belongs to.
    """
    examples = len(grouping.index)
    means = sums.sum(axis=1, keepdims=True) / examples
    return np.asarray((sums - means * grouping.counts) / examples)


def covariance(series: Array, length: int, others: Array | None = None) -> Array:
    """Return the circular block bootstrap's covariance of means, shape (K, L).

    A resample draws D / l of the D runs of l groups; with v_j the sum over run j, the
    bootstrap variance of the mean is ``sum_j v_j^2 / l`` exactly. The factor D / (D - l)
    makes up for the mean having been estimated; for l = 1 it is the usual n / (n - 1).

    Args:
        series: Influences of K means, shape (K, D).
        length: Groups in a block, l, less than D.
        others: Influences of L other means, shape (L, D); by default ``series``.
    """
    runs = _runs(series, length)
    other_runs = runs if others is None else _runs(others, length)
    return np.asarray(runs @ other_runs.T) * _scale(series.shape[1], length)


def variances(series: Array, length: int) -> Array:
    """Return the diagonal of ``covariance(series, length)``, shape (K,)."""
    runs = _runs(series, length)
    return np.asarray(np.einsum("kd,kd->k", runs, runs)) * _scale(series.shape[1], length)


def _runs(series: Array, length: int) -> Array:
    """Sum each circular run of ``length`` neighbours, shape (K, D)."""
    if length == 1:
        return series
    cumulated = np.cumsum(np.hstack([series, series[:, : length - 1]]), axis=1)
    runs = cumulated[:, length - 1 :].copy()
    runs[:, 1:] -= cumulated[:, : series.shape[1] - 1]
    return runs


def _scale(groups: int, length: int) -> float:
    return groups / (groups - length) / length


def optimal_length(series: Array) -> float:
    """Estimate the best block length for the mean of one series, shape (D,), in groups."""
    centred = series - series.mean()
    size = len(series)
    covariances = np.array([centred[lag:] @ centred[: size - lag] for lag in range(lags(size))])
    # Rounding alone leaves a constant series its noise, which is no dependence.
    if covariances[0] / size <= (1e-12 * np.abs(series).max()) ** 2:
        return 1.0
    return float(optimal_lengths(covariances[:, None] / size, size)[0])


def lags(size: int) -> int:
    """Return how many autocovariances of a series of ``size`` groups the rule looks at."""
    return min(math.ceil(math.sqrt(size)) + _quiet(size), size - 1) + 1


def optimal_lengths(covariances: Array, size: int) -> Array:
    """Estimate the best block length for the mean of each of P series, in groups, shape (P,).

    The rule of Politis & White (2004) for the circular bootstrap with the correction of
    Patton, Politis & White (2009): autocovariances up to twice the lag after which none
    stands out, under a flat-top window.

    Args:
        covariances: Autocovariances at lags 0, 1, ..., ``lags(size)`` of them, shape (lags, P);
            those at lag 0 above 0.
        size: Groups in a series.
    """
    most = len(covariances) - 1
    quiet = _quiet(size)
    loud = np.abs(covariances / covariances[0]) >= 2 * math.sqrt(math.log10(size) / size)
    cut = np.minimum(2 * _last_loud(loud, quiet), most)
    lag = np.arange(1, most + 1)[:, None]
    window = np.clip(2 * (1 - lag / cut), 0.0, 1.0) * covariances[1:]
    spectrum = np.abs(covariances[0] + 2 * window.sum(axis=0))
    slope = 2 * (lag * window).sum(axis=0)
    longest = math.ceil(min(3 * math.sqrt(size), size / 3))
    best = (1.5 * slope**2 * size) ** (1 / 3) / np.where(spectrum > 0, spectrum, 1.0) ** (2 / 3)
    return np.where(spectrum > 0, np.clip(best, 1.0, longest), float(longest))


def _quiet(size: int) -> int:
    return max(5, int(math.log10(size)))


def _last_loud(loud: Array, quiet: int) -> Array:
    """Return the first lag from which ``quiet`` lags in a row do not stand out, at least 1.

    Args:
        loud: Whether each lag stands out, shape (lags, P).
        quiet: How many lags in a row.
    """
    starts = len(loud) - quiet
    found = np.full(loud.shape[1], len(loud) - 1)
    for lag in range(starts, 0, -1):
        found[~loud[lag : lag + quiet].any(axis=0)] = lag
    return found


def dependent_length(series: Array) -> int:
    """Choose one block length for groups that may depend on each other: twice the longest.

    A block that is too long costs degrees of freedom, one that is too short hides dependence.

    Args:
        series: Influences of the K means that share it, shape (K, D).
    """
    longest = LENGTHENED * max(optimal_length(row) for row in series)
    return max(1, min(math.ceil(longest), int(series.shape[1]) // FEWEST_BLOCKS))


def degrees_of_freedom(groups: int, length: Any) -> Any:
    """Return those of a block variance: one less than how many blocks there are.

    Args:
        groups: How many there are.
        length: Groups in a block, a number or an array of any shape, which is returned.
    """
    return np.maximum(groups / np.asarray(length) - 1, 1.0)


# Where one plugin's error comes from: its seeds, the examples, and both together

#: Seeds that change the mean by less than this share of the examples' variance do not matter:
#: rounding that differs from run to run is no randomness of training.
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Components:
    """Variances of one plugin, in the metric's unit squared.

    ``seeds`` is that of the seed means. ``interaction`` is the part of it that comes from
    the sample of examples: what a seed makes of single examples. Both are 0.0 for one seed,
    and where seeds do not matter. ``examples`` is that of one seed's mean over the
    examples. ``count`` is how many seeds.
    """

    seeds: float
    interaction: float
    examples: float
    count: int

    @property
    def random(self) -> bool:
        """Whether two or more seeds tell that seeds matter."""
        return self.seeds + self.interaction > 0


def components(summary: Summary, length: int, apart: int | None = None) -> Components:
    """Estimate the variances of one plugin, with blocks of ``length`` groups.

    Args:
        summary: Its scores.
        length: For the errors of means.
        apart: For what its seeds disagree about; ``length`` by default.
    """
    count = len(summary.seeds)
    examples = float(variances(summary.series, length).mean())
    if count == 1:
        return Components(0.0, 0.0, examples, 1)
    differing = variances(deviations(summary), apart or length)
    interaction = float(differing.sum() / (count - 1))
    seeds = float(summary.means.var(ddof=1))
    if seeds + interaction <= NEGLIGIBLE * examples:
        return Components(0.0, 0.0, examples, count)
    return Components(seeds, interaction, examples, count)


def missed(groups: int, length: Any) -> Any:
    """Return what a block variance has to be multiplied by for the dependence that it misses.

    Blocks of l groups miss a share G / (l g) of the variance: G is the sum of lags times
    autocovariances, g of autocovariances. The rule's length (3 G^2 D / (2 g^2))^(1/3)
    is ``length / LENGTHENED`` here, which tells G / g.

    Args:
        groups: How many there are, D.
        length: Groups in a block, l, a number or an array of any shape, which is returned.
    """
    return 1 + np.sqrt(2 * np.asarray(length) / (3 * groups * LENGTHENED**3))


def own_components(summary: Summary, independent: bool) -> tuple[Components, int]:
    """Estimate the variances of one plugin with blocks of its own; and return their length.

    Args:
        summary: Its scores.
        independent: Whether each example is a group of its own, so that no block is needed.
    """
    if independent:
        return components(summary, 1), 1
    _, average = summary.over(summary.seeds)
    length = dependent_length(average[None, :])
    apart = dependent_length(deviations(summary))
    found, size = components(summary, length, apart), summary.series.shape[1]
    return replace(
        found,
        examples=found.examples * float(missed(size, length)),
        interaction=found.interaction * float(missed(size, apart)),
    ), length


def deviations(summary: Summary) -> Array:
    """Return each seed's influences less those of the average, shape (S, D)."""
    _, average = summary.over(summary.seeds)
    return np.asarray(summary.series - average)
