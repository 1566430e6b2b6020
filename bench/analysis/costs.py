"""What a row costs: the time, the memory, and how far the times can be trusted."""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from statistics import median

from bench.analysis.contention import Contention, disturbance, usual_references, worst
from bench.analysis.places import TimingPlace, machine_of, place_of_table
from bench.metrics import ALL_PAGES, median_over_processes, pages_counted
from bench.records.record import Record

# Published figures stand beside the data that they were published for, and beside no others

#: Files that are known to hold what the official ones hold, by fingerprint, and how they differ
#: from these: by the number of reviews, of each class and of words, and the mean length of a
#: review, by the times of the weather, its first and last rows and the naive forecast's error, and
#: for the rest by what their makers say. Another extract of the same data is not known.
KNOWN_FORMS: Mapping[str, str] = {
    "sha256:97d05040e426eb08f5fbc5676d537ee6fb62770ff23d6dac6f34d80c467392a6": (
        "the official reviews in another order"
    ),
    "sha256:eb340964e62500ae838df714649d03fd8d614fbdbbeea0400d1600681142cfb8": (
        "the official reviews in another order, without the words of their ranks"
    ),
    "sha256:57d80ec61ee4c38d46d2d7137f2ddfa3b8501fef926ed70fa67812a789464e81": (
        "the official reviews without those that have no label"
    ),
    "sha256:b3f13e48694038492e2a8294e7a53a3afe096b5ed292b058b7ab7053e13534c4": (
        "every sixth row of the official file, with 6 of its 14 quantities"
    ),
}


def shows_published(source: str, fingerprint: str) -> bool:
    """Say whether published figures belong beside results: on the official data, in any known form.

    That they are the task's own, plugins see to: a file for several tasks declares none.

    Args:
        source: official, local or synthetic.
        fingerprint: Of the data.
    """
    return source == "official" or (source == "local" and fingerprint in KNOWN_FORMS)


def published_beside(record: Record) -> Mapping[str, float]:
    """Return the figures that were published for the data of a trial, none where there are none."""
    is_shown = shows_published(record.trial.source, record.trial.fingerprint)
    return record.reference if is_shown else {}


# Time to target: how long a model trains until it is first as good as something known


#: Seconds after each epoch, and the metric then, None where it was no finite number.
_Clock = tuple[Sequence[float], Sequence[float | None]]

#: The baseline's validation mean.
BASELINE = "baseline"
#: The best published validation figure of the table.
PUBLISHED = "published"


@dataclass(frozen=True)
class Targets:
    """Values of a table's validation metric, by name; the same for all of its rows."""

    metric: str
    direction: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Reached:
    """How many seeds of those whose clock is known reached a target.

    ``seconds`` is the median over the seeds that did, None if none did.
    """

    seconds: float | None
    reached: int
    seeds: int


def make_targets(
    metric: str, direction: str, baseline: float | None, published: Iterable[float | None]
) -> Targets:
    """Return the targets that there are: the baseline's figure, and the best published one."""
    known = [value for value in published if value is not None]
    best = (min if direction == "min" else max)(known, default=None)
    found = {BASELINE: baseline, PUBLISHED: best}
    values = {name: value for name, value in found.items() if value is not None}
    return Targets(metric, direction, values)


def times_to_targets(records: Sequence[Record], targets: Targets) -> dict[str, Reached]:
    """Return by target what became of it over a row's trials; no entry where nothing is known.

    Where a seed's trial was repeated, its time is the median over its trainings, in which
    one that did not reach the target took for ever.
    """
    clocks: dict[int, list[_Clock]] = defaultdict(list)
    for record in records:
        clock = _clock(record, targets.metric)
        if clock is not None:
            clocks[record.trial.seed].append(clock)
    return {
        name: _reached(clocks.values(), value, targets.direction)
        for name, value in targets.values.items()
        if clocks
    }


def time_to_target(record: Record, target: float, direction: str) -> float | None:
    """Return the seconds of training until the validation metric first reached a target.

    They count from the beginning of training, so that compilation and the scoring of each
    epoch are within. A model that is not trained by epochs reaches its target, or does
    not, when its fit is done.

    Args:
        record: Of a trial that is ok.
        target: In the unit of the task's own metric.
        direction: "min" or "max", which end is the best.

    Returns:
        None if it was not reached, or if the record does not tell when.
    """
    clock = _clock(record, record.data["metric"]["name"])
    return None if clock is None else _first(clock, target, direction)


def _clock(record: Record, metric: str) -> _Clock | None:
    """Return seconds and metric after each epoch; None where the record does not tell."""
    curves = record.metrics.get("curves", {})
    values, seconds = curves.get(f"validation_{metric}"), curves.get("elapsed_seconds")
    if values is None:
        return None
    if not values:
        fit, score = record.timing.get("fit"), record.metrics["validation"].get(metric)
        return None if fit is None or score is None else ([fit], [score])
    if seconds is None or len(seconds) != len(values) or None in seconds:
        return None
    return seconds, values


def _reached(seeds: Collection[Sequence[_Clock]], target: float, direction: str) -> Reached:
    """Sum up over seeds, each with its trial's training and the repeats of it."""

    def seconds(clock: _Clock) -> float:
        first = _first(clock, target, direction)
        return math.inf if first is None else first

    times = [median(seconds(clock) for clock in clocks) for clocks in seeds]
    reached = [time for time in times if time < math.inf]
    return Reached(median(reached) if reached else None, len(reached), len(times))


def _first(clock: _Clock, target: float, direction: str) -> float | None:
    seconds, values = clock
    reached = operator.le if direction == "min" else operator.ge
    for epoch, value in enumerate(values):
        # An epoch whose metric was no finite number has reached nothing.
        if value is not None and reached(value, target):
            return seconds[epoch]
    return None


@dataclass(frozen=True)
class Costs:
    """The costs of a row over its trials that are ok at one place: medians, in seconds and bytes.

    None is what no record tells. ``fit_seconds_range`` is the smallest and the largest
    over the trials. ``epoch_seconds`` is no metric of ``bench.metrics``, but what an epoch
    takes with all that holds it up: the median over all epochs of all trials but each one's
    first, ``epoch_seconds_interval`` that median's 95% confidence interval. ``reached`` maps
    targets to the time to reach them.

    Times are those of the ``quiet_trials`` alone, if there are any. If there are none,
    they are of the ``contended_trials``, and ``contended`` says why: such times are
    marked, and take no part in any comparison. Memory is of all trials of which it is known
    with the pages that they share with a fork server, see ``bench.metrics.ALL_PAGES``;
    ``other_peaks`` is how many have another one. Compiling, and the first epoch with it, is
    of trials that compiled, and did not find the code in a cache. ``place`` is where the
    trials were timed.
    """

    fit_seconds: float | None
    fit_seconds_range: tuple[float, float] | None
    start_seconds: float | None
    compile_seconds: float | None
    first_epoch_seconds: float | None
    epoch_seconds: float | None
    epoch_seconds_interval: tuple[float, float] | None
    predict_per_1000_seconds: float | None
    peak_rss_bytes: float | None
    reached: Mapping[str, Reached]
    contended: tuple[str, ...]
    quiet_trials: int
    contended_trials: int
    other_peaks: int = 0
    place: TimingPlace = field(default_factory=TimingPlace)


@dataclass(frozen=True)
class TableCosts:
    """What the rows of a table cost.

    ``rows`` are by label the costs at the one place whose times the table shows: times of
    two places are never put together, nor compared. ``elsewhere`` are those at all others.
    ``place`` is None where nothing was timed.
    """

    place: TimingPlace | None
    rows: Mapping[str, Costs]
    elsewhere: Mapping[str, tuple[Costs, ...]]


def table_costs(
    rows: Mapping[str, Mapping[TimingPlace, Sequence[Record]]], targets: Targets
) -> TableCosts:
    """Return the costs of each row of a table that has any.

    Args:
        rows: By label, then by place, the trials of the row that are ok: its seeds, and their
            repeats.
        targets: Of the table.
    """
    everything = [r for places in rows.values() for records in places.values() for r in records]
    usual = usual_references(everything)

    known: dict[int, Contention] = {}

    def disturbed(record: Record) -> Contention:
        if id(record) not in known:
            known[id(record)] = disturbance(record, usual.get(machine_of(record)))
        return known[id(record)]

    chosen = place_of_table(rows.values(), lambda record: not disturbed(record).reasons)
    found: dict[str, Costs] = {}
    elsewhere: dict[str, tuple[Costs, ...]] = {}
    for label, places in rows.items():
        costs = {
            place: _costs([(record, disturbed(record)) for record in records], targets, place)
            for place, records in places.items()
        }
        if chosen in costs:
            found[label] = costs.pop(chosen)
        if costs:
            elsewhere[label] = tuple(costs[each] for each in sorted(costs, key=_by_name))
    return TableCosts(chosen, found, elsewhere)


def _by_name(place: TimingPlace) -> tuple[str, str]:
    return place.name, place.machine


def _costs(
    trials: Sequence[tuple[Record, Contention]], targets: Targets, place: TimingPlace
) -> Costs:
    quiet = [record for record, disturbed in trials if not disturbed.reasons]
    timed = quiet or [record for record, _ in trials]
    fit = _known(record.timing.get("fit") for record in timed)
    epoch, interval = _steady_epoch(timed)
    peaks = [record for record, _ in trials if pages_counted(record.environment) == ALL_PAGES]

    compiled = [record for record in timed if not _read_compiled_code(record)]

    def middle(name: str, among: Sequence[Record] = timed) -> float | None:
        return _middle(_known(record.timing.get(name) for record in among))

    return Costs(
        fit_seconds=_middle(fit),
        fit_seconds_range=(min(fit), max(fit)) if fit else None,
        start_seconds=middle("start"),
        compile_seconds=middle("compile", compiled),
        first_epoch_seconds=middle("first_epoch", compiled),
        epoch_seconds=epoch,
        epoch_seconds_interval=interval,
        predict_per_1000_seconds=middle("predict_per_1000"),
        peak_rss_bytes=_middle(_known(record.memory.get("peak_rss") for record in peaks)),
        reached=times_to_targets(timed, targets),
        contended=() if quiet else worst(disturbed for _, disturbed in trials).reasons,
        quiet_trials=len(quiet),
        contended_trials=len(trials) - len(quiet),
        other_peaks=len(trials) - len(peaks),
        place=place,
    )


def _read_compiled_code(record: Record) -> bool:
    """Say whether a trial found code in a cache that it would have compiled otherwise."""
    compilation = record.environment.get("compilation")
    cache = compilation.get("cache") if isinstance(compilation, Mapping) else None
    return isinstance(cache, Mapping) and bool(cache.get("hits"))


def _steady_epoch(timed: Sequence[Record]) -> tuple[float | None, tuple[float, float] | None]:
    """Return the median of all epochs after the first, and its interval.

    Where each trial had but one epoch, the records tell what it took beyond compilation.
    """
    curves = (record.metrics.get("curves", {}).get("epoch_seconds", []) for record in timed)
    epochs = [seconds for curve in curves for seconds in curve[1:] if seconds is not None]
    if epochs:
        return median(epochs), median_interval(epochs)
    return _middle(_known(record.timing.get("steady_epoch") for record in timed)), None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _middle(values: Sequence[float]) -> float | None:
    return median_over_processes(values) if values else None


# How well a median is known


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return a confidence interval of the median that no distribution has to be assumed for.

    It reaches from the r-th smallest to the r-th largest value, with the largest r for
    which its coverage, 1 - 2 P(B < r) with B binomial (n, 1/2), is still at least
    ``level`` (Conover, Practical Nonparametric Statistics, 1999, section 3.2; Hahn and
    Meeker, Statistical Intervals, 1991, section 5.2). It holds for values that are
    independent and of one distribution.

    Args:
        values: Finite numbers, in any order.
        level: The least coverage, between 0 and 1.

    Returns:
        The lower and the upper end, or None where even the whole range covers less:
        at 95% with fewer than six values.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    rank = _rank(len(values), level)
    if rank == 0:
        return None
    ordered = sorted(values)
    return ordered[rank - 1], ordered[-rank]


@lru_cache
def _rank(count: int, level: float) -> int:
    """Return the largest r whose coverage is at least ``level``; 0 for none."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, give a number between 0 and 1")
    # In whole numbers: 2 sum(C(n, k), k < r) may be at most (1 - level) 2^n. As floats the
    # powers would overflow, and a coverage of exactly the level might be missed.
    allowed = (1 - Fraction(level)) * 2**count
    rank, term, tail = 0, 1, 1
    while 2 * tail <= allowed:
        rank += 1
        term = term * (count - rank + 1) // rank
        tail += term
    return rank
