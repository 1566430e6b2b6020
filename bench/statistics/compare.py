"""Compare the plugins of one table: intervals, differences, and the ranks the data support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.statistics.blocks import (
    Components,
    PluginScores,
    Summary,
    degrees_of_freedom,
    group_examples,
    own_components,
    summarise,
)
from bench.statistics.intervals import Interval, interval_of
from bench.statistics.kinds import seed_noise
from bench.statistics.pairs import Pairs, all_pairs, detectable, half_widths, p_values, seeds_needed

if TYPE_CHECKING:
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

    ``low`` to ``high`` is its own confidence interval, at the table's level but for this pair
    alone. ``p`` is two-sided; ``adjusted`` is that of all pairs of the table together. ``df`` are
    the degrees of freedom of the error over examples, and ``block_length`` the groups in one of
    its blocks. ``detectable`` is the difference that the table would separate with 80% power.
    """

    difference: float
    low: float
    high: float
    error: float
    df: float
    block_length: int
    p: float
    adjusted: float
    separated: bool
    detectable: float


@dataclass(frozen=True)
class Unknown:
    """Why a plugin may be the best for all that its seeds tell, and what would tell.

    ``seeds`` is how many seeds each would separate it from the best mean, if the difference is
    as it seems; None if no number would.
    """

    seeds: int | None


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


@dataclass(frozen=True)
class TableComparison:
    """What the scores of a table support.

    ``level`` is the share of tables in which any pair is separated by chance alone, of
    tables whose best plugin is not among ``best`` and ``unknown``, and of intervals that miss.
    ``block_lengths`` are the shortest and the longest of the pairs' blocks, in groups, of which
    there are ``blocks``; ``independent`` says that each example is a group. ``ranks`` are
    confidence sets: with probability 1 - level all of them hold at once. ``best`` and
    ``unknown`` are the plugins that no other is significantly better than; those that are
    unknown only because their own seeds are less steady than the best mean's.

    A plugin with one seed has no rank, as another seed may end elsewhere. ``one_seed`` says
    that this is so of all: differences and intervals are then about the trained models.
    ``first_two`` is None for one plugin.
    """

    level: float
    block_lengths: tuple[int, int]
    blocks: int
    independent: bool
    one_seed: bool
    intervals: Mapping[str, Interval]
    ranks: Mapping[str, Rank]
    best: tuple[str, ...]
    unknown: Mapping[str, Unknown]
    first_two: FirstTwo | None
    _pairs: Pairs = field(repr=False, compare=False)

    @property
    def separations(self) -> int:
        """How many pairs are separated."""
        return int((self._pairs.adjusted <= self.level).sum())

    def pair(self, first: str, second: str) -> Pair:
        """Return how two different plugins compare.

        Raises:
            KeyError: A label is not in the table, or both are the same.
        """
        place, sign = self._place(first, second)
        found, here = self._pairs, np.array([place])
        errors = found.errors.only(here)
        difference = sign * float(found.difference[place])
        half = float(half_widths(errors, self.level)[0])
        return Pair(
            difference=difference,
            low=difference - half,
            high=difference + half,
            error=float(errors.usual[0]),
            df=float(errors.df[0]),
            block_length=int(found.lengths[place]),
            p=float(found.p[place]),
            adjusted=float(found.adjusted[place]),
            separated=self.separated(first, second),
            detectable=float(detectable(errors, found.first_level(self.level))[0]),
        )

    def separated(self, first: str, second: str) -> bool:
        """Say whether two different plugins are separated, with no more work than that.

        Raises:
            KeyError: A label is not in the table, or both are the same.
        """
        place, _ = self._place(first, second)
        return bool(self._pairs.adjusted[place] <= self.level)

    def seeds_needed(self, first: str, second: str) -> int | None:
        """Return how many seeds each would separate two plugins, as ``FirstTwo`` tells it.

        Raises:
            KeyError: A label is not in the table, or both are the same.
        """
        place, _ = self._place(first, second)
        return seeds_needed(self._pairs, place, self.level)

    def _place(self, first: str, second: str) -> tuple[int, float]:
        """Return where a pair stands, and the sign of its difference as it is asked for."""
        labels = list(self.intervals)
        if first == second or first not in self.intervals or second not in self.intervals:
            raise KeyError((first, second))
        one, other = labels.index(first), labels.index(second)
        place = _place_of(one, other, len(labels))
        return place, 1.0 if one < other else -1.0


def _place_of(one: int, other: int, size: int) -> int:
    """Return where a pair stands: by rows of the upper triangle."""
    low, high = min(one, other), max(one, other)
    return low * size - low * (low + 1) // 2 + high - low - 1


def compare(
    samples: Sequence[PluginScores],
    groups: Array,
    direction: str,
    level: float = 0.05,
    in_time: bool = False,
) -> TableComparison:
    """Compare plugins on the examples that all of them were scored on.

    The order of the samples does not matter, nor that of the seeds within one.

    Args:
        samples: One for each plugin, at least one.
        groups: Group of each example, int of shape (n,), numbered in the order of time;
            see ``bench.task.Examples``.
        direction: "min" or "max", which scores are better.
        level: Share of tables that may hold any false separation.
        in_time: Whether the groups follow each other in time; see ``group_examples``.

    Raises:
        BenchError: Two samples share a label; one has no or repeated seeds, scores of
            another shape, or scores that are not finite; there are fewer than two groups.
    """
    ordered = _checked(samples, len(groups), direction)
    grouping = group_examples(groups, in_time)
    summaries = [summarise(sample, grouping) for sample in ordered]
    found = [own_components(summary, grouping.independent) for summary in summaries]
    intervals = {
        sample.label: own_interval(summary, own, length, level)
        for sample, summary, (own, length) in zip(ordered, summaries, found, strict=True)
    }
    several = np.array([own.count > 1 for own, _ in found])
    one_seed = not several.any()
    noise = seed_noise([own for own, _ in found])
    tested = np.ones(len(found), dtype=bool) if one_seed else several
    pairs = all_pairs(summaries, grouping.independent, noise, tested)
    labels = list(intervals)
    sign = 1 if direction == "min" else -1
    losses = sign * np.array([intervals[label].mean for label in labels])
    candidates = {} if one_seed else _candidates(pairs, losses, tested, sign, level)
    lengths = pairs.lengths if len(pairs.lengths) else np.array([found[0][1]])
    return TableComparison(
        level=level,
        block_lengths=(int(lengths.min()), int(lengths.max())),
        blocks=len(grouping.counts),
        independent=grouping.independent,
        one_seed=one_seed,
        intervals=intervals,
        ranks={} if one_seed else _ranks(labels, pairs, tested, sign, level),
        best=tuple(labels[place] for place, unknown in candidates.items() if unknown is None),
        unknown={labels[place]: unknown for place, unknown in candidates.items() if unknown},
        first_two=_first_two(labels, losses, pairs, several, level),
        _pairs=pairs,
    )


def own_interval(summary: Summary, own: Components, length: int, level: float) -> Interval:
    """Return the interval of a plugin, of which other rows of its table change nothing.

    Args:
        summary: Its scores.
        own: Their variances.
        length: Groups in the blocks that these were estimated with.
        level: Share of intervals that may miss.
    """
    mean, _ = summary.over(summary.seeds)
    df = float(degrees_of_freedom(summary.series.shape[1], length))
    return interval_of(mean, own, df, level)


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
    labels: Sequence[str], pairs: Pairs, tested: Array, sign: int, level: float
) -> dict[str, Rank]:
    """Return the confidence set of each plugin's rank, by label.

    One more than the plugins that are significantly better, to all but those that are
    significantly worse (Mogstad, Romano, Shaikh & Wilhelm 2024, "Inference for ranks").
    """
    size, count = len(labels), int(tested.sum())
    separated = pairs.adjusted <= level
    first_better = sign * pairs.difference < 0
    better = np.where(first_better, pairs.first, pairs.second)[separated]
    worse = np.where(first_better, pairs.second, pairs.first)[separated]
    beaten_by, beats = np.bincount(worse, minlength=size), np.bincount(better, minlength=size)
    return {
        label: Rank(1 + int(above), count - int(below))
        for label, above, below, is_ranked in zip(labels, beaten_by, beats, tested, strict=True)
        if is_ranked
    }


def _candidates(
    pairs: Pairs, losses: Array, tested: Array, sign: int, level: float
) -> dict[int, Unknown | None]:
    """Return the places of the plugins that may be the best; and of which that is all one knows.

    Each is compared with the K - 1 others, one-sided: no more is asked of a plugin than that
    none is better (Hsu 1984, "Constrained simultaneous confidence intervals for multiple
    comparisons with the best"; Bonferroni in place of his constants, which ask for equal
    variances, and not the pairs' joint distribution: with that, a best plugin that is itself
    unlike all others was lost in 7 to 10% of made tables of two and three seeds). Nor is one
    the best that is separated from a better one. A candidate whose seeds, were they as steady
    as the best mean's, would not leave it one is unknown.
    """
    others = max(1, int(tested.sum()) - 1)
    together = tested[pairs.first] & tested[pairs.second]
    certain = together & ((pairs.p / 2 <= level / others) | (pairs.adjusted <= level))
    first_worse = sign * pairs.difference > 0
    worse = np.where(first_worse, pairs.first, pairs.second)[certain]
    places = [int(place) for place in np.flatnonzero(tested) if place not in {*worse}]
    leader = min(places, key=lambda place: (losses[place], place))
    found: dict[int, Unknown | None] = dict.fromkeys(places)
    for place in places:
        if place == leader:
            continue
        at = _place_of(leader, place, len(losses))
        if _is_unsteady(pairs, at, leader, 2 * level / others):
            found[place] = Unknown(seeds_needed(pairs, at, level))
    return found


def _is_unsteady(pairs: Pairs, place: int, leader: int, level: float) -> bool:
    """Say whether a pair would be separated if both were as steady as the leader."""
    errors = pairs.errors.only(np.array([place]))
    is_first = pairs.first[place] == leader
    steady = errors.effects[0 if is_first else 1]
    calm = np.minimum(steady, errors.effects[1 if is_first else 0])
    calmer = replace(errors, effects=(steady, calm) if is_first else (calm, steady))
    return bool(p_values(pairs.difference[[place]], calmer)[0] <= level)


def _first_two(
    labels: Sequence[str], losses: Array, pairs: Pairs, several: Array, level: float
) -> FirstTwo | None:
    if len(labels) < 2:
        return None
    first, second = sorted(range(len(labels)), key=lambda place: (losses[place], labels[place]))[:2]
    place = _place_of(first, second, len(labels))
    is_known = several[first] and several[second]
    return FirstTwo(
        first=labels[first],
        second=labels[second],
        difference=float(pairs.difference[place]) * (1 if first < second else -1),
        separated=bool(pairs.adjusted[place] <= level),
        seeds_needed=seeds_needed(pairs, place, level) if is_known else None,
    )
