"""Time to target: how long a model trains until it is first as good as something known."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.records.record import Record

_Clock = list[tuple[float, float]]

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


def shows_published(source: str) -> bool:
    """Say whether published figures belong beside results: never beside those of made data."""
    return source != "synthetic"


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
        return None if fit is None or score is None else [(fit, score)]
    if seconds is None or len(seconds) != len(values) or None in seconds:
        return None
    # An epoch whose metric was no finite number has reached nothing.
    return [(at, v) for at, v in zip(seconds, values, strict=True) if v is not None]


def _reached(seeds: Collection[Sequence[_Clock]], target: float, direction: str) -> Reached:
    """Sum up over seeds, each with its trial's training and the repeats of it."""

    def seconds(clock: _Clock) -> float:
        first = _first(clock, target, direction)
        return math.inf if first is None else first

    times = [median(seconds(clock) for clock in clocks) for clocks in seeds]
    reached = [time for time in times if time < math.inf]
    return Reached(median(reached) if reached else None, len(reached), len(times))


def _first(clock: _Clock, target: float, direction: str) -> float | None:
    sign = 1 if direction == "min" else -1
    return next((at for at, value in clock if sign * value <= sign * target), None)
