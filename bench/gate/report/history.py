"""The history of a metric for the terminal, and for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from tabulate import tabulate

from bench.formatting import NOTHING, count, duration, metric_name, one_line, size, sparkline
from bench.gate.history import Segment, Series
from bench.metrics import METRICS

_LONGEST = 44
#: More blocks than this are hard to read; what is older is in the segments.
_BLOCKS = 30


def to_text(found: Sequence[Series]) -> str:
    """Return a table with a line for each segment of each series.

    Args:
        found: Series of one metric, at least one.
    """
    headings = ("plugin", "from", "to", "baselines", "median", "change", "history")
    rows = [
        row for name, series in zip(names(found), found, strict=True) for row in _rows(name, series)
    ]
    body = tabulate(
        rows,
        headings,
        colalign=("left", "left", "left", "right", "right", "left", "left"),
        disable_numparse=True,
    )
    metric = METRICS[found[0].metric]
    changed = sum(len(series.segments) - 1 for series in found)
    told = {0: "no change point", 1: "1 change point"}.get(changed, f"{changed} change points")
    below = "\n".join([f"{told} in {len(found)} series", *machines_text(found)])
    return f"{metric.name}: {metric.about}\n\n{body}\n\n{below}"


def to_json(found: Sequence[Series]) -> str:
    """Return series with their points and segments; seconds, bytes and shares as numbers."""
    return json.dumps({"series": [asdict(series) for series in found]}, indent=1) + "\n"


def names(found: Sequence[Series]) -> list[str]:
    """Return a name for each series: the plugin, and in what it differs from the others."""
    machines, data = _numbers(s.machine for s in found), _numbers(s.data for s in found)
    parts = [
        (
            *(s.key.source, s.key.profile, s.key.backend),
            f"machine {machines[s.machine]}",
            f"data {data[s.data]}",
        )
        for s in found
    ]
    # Each task has data of its own: numbers tell something only where one task's differ.
    tasks = {(s.key.task, s.key.source, s.data) for s in found}
    several = len(tasks) > len({(task, source) for task, source, _ in tasks})
    differing = [len({*values}) > 1 for values in zip(*parts, strict=True)]
    differing[-1] = several
    return [
        " · ".join(
            [str(series.key), *(p for p, differs in zip(own, differing, strict=True) if differs)]
        )
        for series, own in zip(found, parts, strict=True)
    ]


def machines_text(found: Sequence[Series]) -> list[str]:
    """Return what the numbers of machines in ``names`` stand for, a line each; none for one."""
    machines = _numbers(series.machine for series in found)
    lines = [one_line(f"machine {number}: {machine}") for machine, number in machines.items()]
    return lines if len(lines) > 1 else []


def value_text(value: float, series: Series) -> str:
    """Write a value of a series with its unit."""
    if series.unit == "s":
        return duration(value)
    if series.unit == "bytes":
        return size(value)
    return f"{value:.4f} {metric_name(series.unit)}" if series.unit else count(round(value))


def change_text(change: float | None, series: Series) -> str:
    """Write by how much a segment differs from the one before, and whether that is worse."""
    if change is None:
        return NOTHING
    shown = f"{change:+.4f}" if series.metric == "quality" else f"{change:+.1%}"
    if change == 0:
        return shown
    return f"{shown} {'worse' if series.is_worse(change) else 'better'}"


def commit_text(series: Series, number: int) -> str:
    """Write which baseline a point is of: its commit, else when it was written."""
    point = series.points[number]
    return one_line(point.commit, 18) or point.written[:16]


def _numbers(texts: Iterable[str]) -> dict[str, int]:
    return {text: number for number, text in enumerate(dict.fromkeys(texts), 1)}


def _rows(name: str, series: Series) -> list[list[str]]:
    shown = sparkline([point.value for point in series.points[-_BLOCKS:]])
    return [
        _row(segment, series, *(("", "") if number else (one_line(name, _LONGEST), shown)))
        for number, segment in enumerate(series.segments)
    ]


def _row(segment: Segment, series: Series, name: str, shown: str) -> list[str]:
    return [
        name,
        commit_text(series, segment.first),
        commit_text(series, segment.last),
        str(segment.last - segment.first + 1),
        value_text(segment.median, series),
        change_text(segment.change, series),
        shown,
    ]
