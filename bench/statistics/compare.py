"""Compare the plugins of one table: intervals, differences, and the ranks the data support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.errors import BenchError
from bench.statistics.blocks import degrees_of_freedom, group_examples, table_length
from bench.statistics.components import components
from bench.statistics.critical import Part
from bench.statistics.intervals import Interval, interval_of
from bench.statistics.pairs import Pairs, all_pairs
from bench.statistics.power import FirstTwo, detectable, seeds_needed
from bench.statistics.sample import Sample, summarise
from bench.statistics.seeds import seed_variances
from bench.task import Array

__all__ = ["Comparison", "FirstTwo", "Interval", "Pair", "Rank", "Sample", "compare"]


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
class Comparison:
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
    samples: Sequence[Sample], groups: Array, direction: str, level: float = 0.05
) -> Comparison:
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
        part = Part(seeds.variance[place], seeds.df[place])
        known = part if found[place].count > 1 else None
        mean = averages[place][0]
        intervals[sample.label] = interval_of(mean, found[place], known, block_df, level)
    ranks = _ranks(ordered, pairs, separated, direction)
    return Comparison(
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


def _checked(samples: Sequence[Sample], examples: int, direction: str) -> list[Sample]:
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


def _in_order(sample: Sample, examples: int) -> Sample:
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
    return Sample(label, tuple(sorted(seeds)), values[order])


def _ranks(
    samples: Sequence[Sample], pairs: Pairs, separated: Array, direction: str
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
