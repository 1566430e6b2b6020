"""Compare the plugins of one table: intervals, differences, and the ranks the data support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.statistics.blocks import (
    Components,
    PluginScores,
    Summary,
    components,
    covariance,
    degrees_of_freedom,
    group_examples,
    summarise,
    table_length,
    variances,
)
from bench.statistics.intervals import (
    Interval,
    VarianceEstimate,
    howe,
    howe_p_values,
    interval_of,
    satterthwaite,
    t_quantile,
)
from bench.statistics.seeds import seed_variances
from bench.task import Array


@dataclass(frozen=True)
class Rank:
    """The ranks that the data leave open to a plugin, ``low`` to ``high``, 1 the best."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


@dataclass(frozen=True)
class Pair:
    """Two plugins: the first's mean minus the second's, in the metric's unit.

    ``p`` is two-sided; ``adjusted`` is Holm's over all pairs of the table. ``df`` are
    Satterthwaite's degrees of freedom of the error.
    """

    difference: float
    error: float
    df: float
    p: float
    adjusted: float
    separated: bool


@dataclass(frozen=True)
class TableComparison:
    """What the scores of a table support.

    ``level`` is the share of tables in which any pair is separated by chance alone, and of
    intervals that miss. ``block_length`` is in groups, ``blocks`` counts the groups, and
    ``independent`` says that each example is a group. ``ranks`` are confidence sets: with
    probability 1 - level all of them hold at once. ``best`` are the plugins that none is
    significantly better than. ``detectable`` is the smallest difference that would be
    separated with 80% power; None for one plugin, as ``first_two`` is. ``one_seed`` says
    that every plugin has one seed: all of this is then about the trained models, and
    another seed may change it.
    """

    level: float
    block_length: int
    blocks: int
    independent: bool
    one_seed: bool
    intervals: Mapping[str, Interval]
    ranks: Mapping[str, Rank]
    best: tuple[str, ...]
    detectable: float | None
    first_two: FirstTwo | None
    _pairs: Pairs = field(repr=False, compare=False)

    def pair(self, first: str, second: str) -> Pair:
        """Return how two different plugins compare.

        Raises:
            KeyError: A label is not in the table, or both are the same.
        """
        place, sign = self._place(first, second)
        found = self._pairs
        return Pair(
            difference=sign * float(found.difference[place]),
            error=float(found.error[place]),
            df=float(found.df[place]),
            p=float(found.p[place]),
            adjusted=float(found.adjusted[place]),
            separated=bool(found.adjusted[place] <= self.level),
        )

    def seeds_needed(self, first: str, second: str) -> int | None:
        """Return how many seeds each would separate two plugins, as ``FirstTwo`` tells it.

        Raises:
            KeyError: A label is not in the table, or both are the same.
        """
        place, _ = self._place(first, second)
        return seeds_needed(self._pairs, place, self.level)

    def _place(self, first: str, second: str) -> tuple[int, float]:
        """Return where a pair stands, and the sign of its difference as it is asked for."""
        labels = list(self.ranks)
        if first == second or first not in self.ranks or second not in self.ranks:
            raise KeyError((first, second))
        one, other = labels.index(first), labels.index(second)
        low, high = min(one, other), max(one, other)
        # Pairs stand by rows of the upper triangle.
        place = low * len(labels) - low * (low + 1) // 2 + high - low - 1
        return place, 1.0 if one < other else -1.0


def compare(
    samples: Sequence[PluginScores], groups: Array, direction: str, level: float = 0.05
) -> TableComparison:
    """Compare plugins on the examples that all of them were scored on.

    The order of the samples does not matter, nor that of the seeds within one.

    Args:
        samples: One for each plugin, at least one.
        groups: Group of each example, int of shape (n,), numbered in the order of time;
            see ``bench.task.Examples``.
        direction: "min" or "max", which scores are better.
        level: Share of tables that may hold any false separation.

    Raises:
        BenchError: Two samples share a label; one has no or repeated seeds, scores of
            another shape, or scores that are not finite; there are fewer than two groups.
    """
    ordered = _checked(samples, len(groups), direction)
    grouping = group_examples(groups)
    summaries = [summarise(sample, grouping) for sample in ordered]
    averages = [summary.over(summary.seeds) for summary in summaries]
    length = table_length(np.stack([series for _, series in averages]), grouping)
    found = [components(summary, length) for summary in summaries]
    seeds = seed_variances(found)
    block_df = degrees_of_freedom(len(grouping.counts), length)
    pairs = all_pairs(summaries, length, found, seeds, block_df)
    separated = pairs.adjusted <= level
    one_seed = all(each.count == 1 for each in found)
    intervals = {}
    for place, sample in enumerate(ordered):
        part = VarianceEstimate(seeds.variance[place], seeds.df[place])
        known = part if found[place].count > 1 else None
        mean = averages[place][0]
        intervals[sample.label] = interval_of(mean, found[place], known, block_df, level)
    ranks = _ranks(ordered, pairs, separated, direction)
    return TableComparison(
        level=level,
        block_length=length,
        blocks=len(grouping.counts),
        independent=grouping.independent,
        one_seed=one_seed,
        intervals=intervals,
        ranks=ranks,
        best=tuple(label for label, rank in ranks.items() if rank.low == 1),
        detectable=detectable(pairs, level),
        first_two=_first_two(intervals, pairs, direction, level),
        _pairs=pairs,
    )


def _checked(samples: Sequence[PluginScores], examples: int, direction: str) -> list[PluginScores]:
    """Return the samples by label, each by seed, so that no sum depends on their order."""
    if direction not in ("min", "max"):
        raise BenchError(f"direction {direction!r}: use min or max")
    if not samples:
        raise BenchError("nothing to compare: give one sample or more")
    labels = [sample.label for sample in samples]
    for label in labels:
        if labels.count(label) > 1:
            raise BenchError(f"{label}: two samples of this label; give each its own")
    return [_in_order(sample, examples) for sample in sorted(samples, key=lambda s: s.label)]


def _in_order(sample: PluginScores, examples: int) -> PluginScores:
    label, seeds, values = sample.label, sample.seeds, sample.values
    if not seeds or len(set(seeds)) < len(seeds):
        raise BenchError(f"{label}: seeds {seeds}; give one or more, each once")
    if values.shape != (len(seeds), examples):
        raise BenchError(
            f"{label}: scores of shape {values.shape}, not {(len(seeds), examples)}: a table "
            "compares plugins on the same examples; run this one again"
        )
    if not np.isfinite(values).all():
        raise BenchError(f"{label}: a score is not a finite number; run it again or leave it out")
    order = sorted(range(len(seeds)), key=seeds.__getitem__)
    if order == list(range(len(seeds))):
        return sample
    return PluginScores(label, tuple(sorted(seeds)), values[order])


def _ranks(
    samples: Sequence[PluginScores], pairs: Pairs, separated: Array, direction: str
) -> dict[str, Rank]:
    """Return the confidence set of each plugin's rank, by label.

    One more than the plugins that are significantly better, to all but those that are
    significantly worse (Mogstad, Romano, Shaikh & Wilhelm 2024, "Inference for ranks").
    """
    size = len(samples)
    first_better = pairs.difference < 0 if direction == "min" else pairs.difference > 0
    better = np.where(first_better, pairs.first, pairs.second)[separated]
    worse = np.where(first_better, pairs.second, pairs.first)[separated]
    beaten_by, beats = np.bincount(worse, minlength=size), np.bincount(better, minlength=size)
    return {
        sample.label: Rank(1 + int(above), size - int(below))
        for sample, above, below in zip(samples, beaten_by, beats, strict=True)
    }


def _first_two(
    intervals: Mapping[str, Interval], pairs: Pairs, direction: str, level: float
) -> FirstTwo | None:
    if len(intervals) < 2:
        return None
    sign = 1 if direction == "min" else -1
    labels = list(intervals)
    first, second = sorted(labels, key=lambda label: (sign * intervals[label].mean, label))[:2]
    ends = sorted((labels.index(first), labels.index(second)))
    place = int(np.flatnonzero((pairs.first == ends[0]) & (pairs.second == ends[1]))[0])
    flipped = labels.index(first) == ends[1]
    unknown = all(interval.seeds == 1 for interval in intervals.values())
    return FirstTwo(
        first=first,
        second=second,
        difference=float(pairs.difference[place]) * (-1 if flipped else 1),
        separated=bool(pairs.adjusted[place] <= level),
        seeds_needed=None if unknown else seeds_needed(pairs, place, level),
    )


# Every pair of a table: its difference, the error of that, and whether it is separated

#: What rounding leaves of two covariances that cancel, as a share of either.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Pairs:
    """All pairs of K plugins; each array has shape (m,), m = K (K - 1) / 2.

    ``first`` and ``second`` are their places. ``difference`` is the first's mean minus the
    second's, over the seeds and examples that both have. ``parts`` are the parts of its
    variance: the first's seeds, the second's, the examples. ``seeds`` are how many seeds
    of the first and of the second were used.
    """

    first: Array
    second: Array
    difference: Array
    parts: tuple[VarianceEstimate, VarianceEstimate, VarianceEstimate]
    seeds: tuple[Array, Array]
    p: Array
    adjusted: Array

    @property
    def error(self) -> Array:
        """Standard errors of the differences."""
        return np.asarray(np.sqrt(sum(part.variance for part in self.parts)))

    @property
    def df(self) -> Array:
        """Satterthwaite's degrees of freedom of the errors, to be told; no test uses them."""
        return satterthwaite(self.parts)


def all_pairs(
    summaries: Sequence[Summary],
    length: int,
    found: Sequence[Components],
    seeds: VarianceEstimate,
    block_df: float,
) -> Pairs:
    """Compare every two plugins on the examples, and on the seeds that both have.

    Two plugins without a common seed are compared on all that each has. Errors of seeds
    are independent between plugins; errors of examples are not, and cancel as far as two
    plugins err on the same ones.

    Args:
        summaries: K plugins' scores of the same examples.
        length: Groups in a block.
        found: The plugins' own variances.
        seeds: The variance of one seed's mean that each is given, shape (K,).
        block_df: Degrees of freedom of the variance over examples.
    """
    size = len(summaries)
    difference, sampled = np.zeros((size, size)), np.zeros((size, size))
    used = np.ones((size, size))
    sets = sorted({summary.seeds for summary in summaries})
    having = {
        seeds: [place for place, summary in enumerate(summaries) if summary.seeds == seeds]
        for seeds in sets
    }
    for place, one in enumerate(sets):
        for other in sets[place:]:
            common = set(one) & set(other)
            left_seeds, right_seeds = common or set(one), common or set(other)
            left = _averages([summaries[i] for i in having[one]], left_seeds)
            right = left
            if other != one:
                right = _averages([summaries[i] for i in having[other]], right_seeds)
            apart = left[0][:, None] - right[0][None, :]
            varied = _variance_of_differences(left[1], right[1], length)
            block, mirrored = np.ix_(having[one], having[other]), np.ix_(having[other], having[one])
            difference[block], difference[mirrored] = apart, -apart.T
            sampled[block], sampled[mirrored] = varied, varied.T
            used[block], used[mirrored] = len(left_seeds), len(right_seeds)
    first, second = np.triu_indices(size, 1)
    interaction = np.array([each.interaction for each in found])
    between = np.maximum(seeds.variance, interaction)[:, None] / used
    within = interaction[:, None] / used
    within_both = within[first, second] + within[second, first]
    parts = (
        VarianceEstimate(between[first, second], seeds.df[first]),
        VarianceEstimate(between[second, first], seeds.df[second]),
        VarianceEstimate(
            np.maximum(sampled[first, second] - within_both, 0.0),
            np.full(len(first), block_df),
        ),
    )
    between_means = difference[first, second]
    p_values = howe_p_values(between_means, parts)
    counts = used[first, second], used[second, first]
    return Pairs(first, second, between_means, parts, counts, p_values, holm(p_values))


def _averages(summaries: Sequence[Summary], seeds: set[int]) -> tuple[Array, Array]:
    """Return means over some seeds, shape (K,), and the influences on them, shape (K, D)."""
    found = [summary.over(seeds) for summary in summaries]
    return np.array([mean for mean, _ in found]), np.stack([series for _, series in found])


def _variance_of_differences(left: Array, right: Array, length: int) -> Array:
    """Return the variance over examples of each mean on the left minus each on the right."""
    one, other = variances(left, length), variances(right, length)
    together = one[:, None] + other[None, :]
    varied = together - 2 * covariance(left, length, right)
    # Two covariances that all but cancel leave rounding, which is no error to divide by.
    return np.asarray(np.maximum(varied, ROUNDING * together))


# What a table could tell: the difference it would separate, the seeds a difference needs

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
    *sides, examples = (
        VarianceEstimate(part.variance[place], part.df[place]) for part in pairs.parts
    )
    used = [float(counts[place]) for counts in pairs.seeds]

    def enough(seeds: float) -> bool:
        parts = [
            VarianceEstimate(side.variance * count / seeds, max(1.0, side.df + seeds - count))
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


def _needed(parts: Sequence[VarianceEstimate], level: Any) -> Array:
    """Return the difference that a test at ``level`` finds with the wanted power.

    The test's half width plus the power's quantile of the error, which is a little more
    than the standard error as the half width is itself estimated: the approximation to the
    non-central t of Johnson & Welch (1940).
    """
    half = howe(parts, level)
    variance = sum(part.variance for part in parts)
    spread = np.sqrt(variance + half**2 / (2 * satterthwaite(parts)))
    return np.asarray(half + t_quantile(np.inf, 1 - POWER) * spread)


# Many tests at once


def holm(p_values: Array) -> Array:
    """Adjust p-values so that, at a level, any false rejection at all is as rare as the level.

    Holm (1979), "A simple sequentially rejective multiple test procedure". Holds for any
    dependence between the tests.

    Args:
        p_values: Shape (m,).

    Returns:
        Adjusted p-values, shape (m,), at most 1.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate((count - np.arange(count)) * p_values[order])
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
