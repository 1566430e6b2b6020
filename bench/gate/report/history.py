"""The history of a metric, as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.formatting import NOTHING, measure_name, metric_name, one_line, sparkline
from bench.gate.history import Segment, Series
from bench.gate.report.people import labels
from bench.metrics import METRICS, estimator
from bench.report.document import (
    Bytes,
    Cell,
    Column,
    Count,
    Document,
    Duration,
    Exact,
    Field,
    Marked,
    Note,
    Notes,
    Number,
    Paragraph,
    Section,
    Text,
    table_of,
)

_LONGEST = 44
#: More blocks than this are hard to read; what is older is in the segments.
_BLOCKS = 30


@dataclass(frozen=True)
class _HistoryLine:
    """A segment of a series; name and curve of the series stand with its first."""

    series: Series
    segment: Segment
    name: str
    curve: str


def history_document(found: Sequence[Series]) -> Document:
    """Return a table with a line for each segment of each series.

    Args:
        found: Series of one metric, at least one.
    """
    changed = sum(len(series.segments) - 1 for series in found)
    how = estimator(found[0].metric)
    told = {0: "no change point", 1: "1 change point"}.get(changed, f"{changed} change points")
    sections = (
        Section(
            (
                Paragraph(heading(found)),
                table_of(_FIELDS, _lines(found)),
                Paragraph(f"each value: {how}"),
                Paragraph(f"{told} in {len(found)} series"),
                Notes(tuple(Note("", line) for line in machines_text(found))),
            )
        ),
    )
    return Document("History", sections, {"estimator": how, "series": found})


def heading(found: Sequence[Series]) -> str:
    """Name the metric that series are of, and say what it is."""
    metric = METRICS[found[0].metric]
    return f"{measure_name(metric.name)}: {metric.about}"


def names(found: Sequence[Series]) -> list[str]:
    """Return a name for each series: the plugin, and in what it differs from the others."""
    plugins = labels(series.key for series in found)
    machines, data = _numbers(s.machine for s in found), _numbers(s.data for s in found)
    # Each task has data of its own: numbers tell something only where one task's differ.
    tasks = {(s.key.task, s.key.source, s.data) for s in found}
    several = len(tasks) > len({(task, source) for task, source, _ in tasks})
    return [
        " · ".join(
            [
                f"{series.key.task} {plugins[series.key]}",
                *([f"machine {machines[series.machine]}"] if len(machines) > 1 else []),
                *([f"data {data[series.data]}"] if several else []),
            ]
        )
        for series in found
    ]


def machines_text(found: Sequence[Series]) -> list[str]:
    """Return what the numbers of machines in ``names`` stand for, a line each; none for one."""
    machines = _numbers(series.machine for series in found)
    lines = [one_line(f"machine {number}: {machine}") for machine, number in machines.items()]
    return lines if len(lines) > 1 else []


def change_text(change: float | None, series: Series) -> str:
    """Write by how much a segment differs from the one before, and whether that is worse."""
    if change is None:
        return NOTHING
    shown = f"{change:+.4f}" if series.metric == "quality" else f"{change:+.1%}"
    if change == 0:
        return shown
    return f"{shown} {'worse' if series.is_worse(change) else 'better'}"


def commit_text(series: Series, number: int) -> str:
    """Write what a point is of: its commit, else when it was measured."""
    point = series.points[number]
    return one_line(point.commit, 18) or point.measured[:16]


def _numbers(texts: Iterable[str]) -> dict[str, int]:
    return {text: number for number, text in enumerate(dict.fromkeys(texts), 1)}


def _lines(found: Sequence[Series]) -> list[_HistoryLine]:
    lines = []
    for name, series in zip(names(found), found, strict=True):
        curve = sparkline([point.value for point in series.points[-_BLOCKS:]])
        for number, segment in enumerate(series.segments):
            lines.append(_HistoryLine(series, segment, *(("", "") if number else (name, curve))))
    return lines


def _value(value: float, series: Series) -> Cell:
    """Write a value of a series with its unit."""
    if series.unit == "s":
        return Duration(value)
    if series.unit == "bytes":
        return Bytes(value)
    return Marked(Number(value), f" {metric_name(series.unit)}") if series.unit else Count(value)


def _change(line: _HistoryLine) -> Cell:
    change = line.segment.change
    return Exact(Text(change_text(change, line.series)), {"": change})


def _many(line: _HistoryLine) -> Cell:
    return Count(line.segment.last - line.segment.first + 1)


_FIELDS: tuple[Field[_HistoryLine], ...] = (
    Field(
        Column("plugin", "plugin", is_number=False, longest=_LONGEST),
        lambda line: Exact(Text(line.name), {"": str(line.series.key)}),
    ),
    Field(
        Column("from", "from", is_number=False),
        lambda line: Text(commit_text(line.series, line.segment.first)),
    ),
    Field(
        Column("to", "to", is_number=False),
        lambda line: Text(commit_text(line.series, line.segment.last)),
    ),
    Field(Column("points", "points"), _many),
    Field(Column("median", "median"), lambda line: _value(line.segment.median, line.series)),
    Field(Column("change", "change", is_number=False), _change),
    Field(Column("history", is_number=False), lambda line: Text(line.curve)),
)
