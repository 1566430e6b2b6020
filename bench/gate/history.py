"""A metric over kept baselines: one series a plugin, cut where it changes."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.analysis.places import place
from bench.errors import BenchError
from bench.gate import baseline
from bench.gate.model import Key, Measurement, Side
from bench.metrics import ALL_PAGES, METRICS, QUALITY, pages_counted
from bench.protocol import OK

_MEASURED = ("time", "memory")


@dataclass(frozen=True)
class HistoryPoint:
    """What a baseline was the first to hold of one commit ("" if unknown): a metric's value.

    ``measured`` is the ISO time of the last of its measurements; where the baseline does not
    tell, that at which it was written. ``count`` is how many processes or seeds it is over.
    """

    commit: str
    measured: str
    value: float
    count: int


@dataclass(frozen=True)
class Segment:
    """Points ``first`` to ``last`` of a series, whose values have one distribution.

    ``change`` is the median's difference from that of the segment before: of quality in the
    unit of the task's metric, else as a share. It is None for the first segment, or where
    the median before was 0.
    """

    first: int
    last: int
    median: float
    change: float | None


@dataclass(frozen=True)
class Series:
    """A metric of one plugin from commit to commit, in the order in which they were measured.

    ``unit`` is "s", "bytes", "" or the name of the task's metric; ``direction`` is "min" or
    "max". ``machine`` describes where times and memory were measured, "" for other metrics;
    ``data`` is the fingerprint of the data.
    """

    key: Key
    metric: str
    unit: str
    direction: str
    machine: str
    data: str
    points: tuple[HistoryPoint, ...]
    segments: tuple[Segment, ...]

    def is_worse(self, change: float) -> bool:
        """Say whether a change of the median is one for the worse."""
        return change > 0 if self.direction == "min" else change < 0


def read_folder(folder: Path, say: Callable[[str], None]) -> list[Side]:
    """Return the baselines of a folder in the order in which they were written.

    Args:
        folder: Each ``*.json`` in it that has a schema version should be a baseline.
        say: Told of each that cannot be read, and of other documents.

    Raises:
        BenchError: There is no such folder, or no baseline in it.
    """
    if not folder.is_dir():
        raise BenchError(f"{folder}: is not a folder; give one with baselines")
    sides = []
    for path in sorted(folder.glob("*.json")):
        try:
            sides.append(baseline.read(path))
        except BenchError as error:
            say(f"left out {error}")
    if not sides:
        raise BenchError(
            f"{folder}: has no baselines; keep one for each commit with "
            "`python -m bench baseline --output FILE`"
        )
    return sorted(sides, key=lambda side: (datetime.fromisoformat(side.written), side.name))


def history(
    sides: Iterable[Side], metric: str, level: float, patterns: Sequence[str] = ()
) -> list[Series]:
    """Return a metric's series of each plugin, ordered by plugin, then by time.

    A measurement is a point once, however many baselines hold it, at the commit of the tree
    that was measured: a baseline adds to a plugin what was measured since those before it.
    Values that were measured on another machine, with other threads, or on other data belong
    to a series of their own. A baseline adds nothing to the series of a plugin that failed,
    or whose times were disturbed.

    Args:
        sides: In the order of time.
        metric: Of ``bench.metrics.METRICS``.
        level: Of the tests for change points; see ``bench.statistics.change_points``.
        patterns: Names or globs of plugins, or of their labels; all for none.
    """
    found: dict[tuple[Key, str], _Course] = {}
    for side in sides:
        for key in sorted(side.plugins):
            measured = side.plugins[key]
            if _is_usable(measured, metric) and is_named(key, patterns):
                place = key, _circumstances(side, measured, metric)
                found.setdefault(place, _Course(metric)).add(side, measured)
    # Sorting is stable, so that the series of one plugin stay in the order of time.
    ordered = sorted(found.items(), key=lambda each: each[0][0])
    return [course.series(level) for _, course in ordered]


def is_named(key: Key, patterns: Sequence[str]) -> bool:
    """Say whether a plugin's name or label matches one of some patterns, or there are none."""
    names = (key.label, key.label.partition(" (")[0])
    return not patterns or any(fnmatch.fnmatchcase(n, p) for n in names for p in patterns)


def _is_usable(measured: Measurement, metric: str) -> bool:
    disturbed = measured.disturbed and METRICS[metric].kind == "time"
    return measured.status == OK and not disturbed and measured.value(metric) is not None


class _Course:
    """One series while its baselines are read, at least one, oldest first."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._points: list[HistoryPoint] = []
        self._known: set[object] = set()

    def add(self, side: Side, measured: Measurement) -> None:
        """Add what no baseline before has held: a point for each commit that it is of."""
        self._last = side, measured
        origins = measured.origins.get(self._metric, ())
        if not origins:
            self._add_whole(side, measured)
            return
        new: dict[str, list[int]] = {}
        for number, origin in enumerate(origins):
            if origin not in self._known:
                new.setdefault(origin.commit, []).append(number)
        self._known.update(origins)
        for commit, numbers in new.items():
            at = max((origins[n].finished for n in numbers), key=datetime.fromisoformat)
            self._append(_part(measured, self._metric, numbers), commit, at)

    def series(self, level: float) -> Series:
        """Return the series, cut where it changes; the newest baseline says what it is of."""
        side, measured = self._last
        about = METRICS[self._metric]
        quality = measured.quality if self._metric == QUALITY else None
        points = sorted(self._points, key=lambda point: datetime.fromisoformat(point.measured))
        return Series(
            key=measured.key,
            metric=self._metric,
            unit=quality.metric if quality else about.unit,
            direction=quality.direction if quality else about.direction,
            machine=_machine(side.machine, measured, about.name) if about.kind in _MEASURED else "",
            data=measured.data,
            points=tuple(points),
            segments=_segments([point.value for point in points], self._metric, level),
        )

    def _add_whole(self, side: Side, measured: Measurement) -> None:
        """Add what a baseline of the first version holds, unless one before has the same rounds.

        No two measurements take the same times to the last digit; scores may well be the same.
        """
        content = tuple(sorted(measured.rounds.items()))
        if not content or content not in self._known:
            self._known.add(content)
            self._append(measured, side.commit, side.written)

    def _append(self, measured: Measurement, commit: str, at: str) -> None:
        estimate = measured.estimate(self._metric)
        if estimate is not None:
            self._points.append(HistoryPoint(commit, at, estimate.value, estimate.count))


def _part(measured: Measurement, metric: str, numbers: Sequence[int]) -> Measurement:
    """Return a measurement with some processes, or seeds, of a metric alone."""
    if metric == QUALITY and measured.quality is not None:
        seeds = tuple(measured.quality.seeds[number] for number in numbers)
        return replace(measured, quality=replace(measured.quality, seeds=seeds))
    if metric in measured.rounds:
        processes = tuple(measured.rounds[metric][number] for number in numbers)
        return replace(measured, rounds={metric: processes})
    return measured


def _circumstances(side: Side, measured: Measurement, metric: str) -> str:
    """Return what has to be the same for values to be of one series."""
    same: dict[str, Any] = {"data": measured.data}
    if METRICS[metric].kind in _MEASURED:
        same["place"] = repr(place(side.machine, measured.settings))
        same["start"] = _start(measured, metric)
    elif measured.quality is not None and metric == QUALITY:
        same["examples"] = measured.quality.examples
        same["metric"] = measured.quality.metric
    return json.dumps(same, sort_keys=True)


def _start(measured: Measurement, metric: str) -> str | None:
    """Return what of the way in which processes are started makes other values of a metric."""
    if METRICS[metric].kind == "memory":
        return None if pages_counted(measured.settings) == ALL_PAGES else "resident pages alone"
    return measured.settings.get("start")


def _segments(values: Sequence[float], metric: str, level: float) -> tuple[Segment, ...]:
    from bench.statistics.change_points import change_points

    found: list[Segment] = []
    for first, end in pairwise([0, *change_points(values, level), len(values)]):
        middle = median(values[first:end])
        change = _change(found[-1].median, middle, metric) if found else None
        found.append(Segment(first, end - 1, middle, change))
    return tuple(found)


def _change(before: float, after: float, metric: str) -> float | None:
    if metric == QUALITY:
        return after - before
    return after / before - 1 if before else None


def _machine(machine: Mapping[str, Any], measured: Measurement, metric: str) -> str:
    """Describe all that tells one place of measuring from another."""
    settings = measured.settings
    known = {
        "": machine.get("processor") or "unknown processor",
        "cores": machine.get("cores"),
        "bytes of memory": machine.get("memory"),
        "thread" if settings.get("threads") == 1 else "threads": settings.get("threads"),
    }
    parts = [f"{value} {what}".strip() for what, value in known.items() if value is not None]
    others = (machine.get("system"), settings.get("device"), _start(measured, metric))
    return ", ".join([*parts, *(str(value) for value in others if value is not None)])
