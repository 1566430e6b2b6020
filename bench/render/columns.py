"""The columns of a leaderboard: one place decides what is shown and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.leaderboard import Row, Spread, Table
from bench.record import OK

NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """A heading, how a row's cell is written, and whether cells line up as numbers do."""

    heading: str
    cell: Callable[[Row], str]
    is_number: bool = True


def all_columns(table: Table) -> list[Column]:
    """Return every column, in order, for a document that has the room."""
    return [
        *_quality(table),
        Column("training", lambda row: duration(row.fit_seconds)),
        Column("per epoch", lambda row: duration(row.epoch_seconds)),
        Column("per 1,000 predictions", lambda row: duration(row.predict_per_1000)),
        Column("peak memory", lambda row: size(row.peak_rss)),
        Column("parameters", lambda row: count(row.parameters)),
        Column("seeds", lambda row: ", ".join(map(str, row.seeds)), is_number=False),
        Column("status", status, is_number=False),
    ]


def few_columns(table: Table) -> list[Column]:
    """Return the columns that fit a terminal."""
    return [
        *_quality(table),
        Column("training", lambda row: duration(row.fit_seconds)),
        Column("peak memory", lambda row: size(row.peak_rss)),
        Column("status", status, is_number=False),
    ]


def cells(table: Table, columns: Sequence[Column]) -> list[list[str]]:
    """Write every cell of a table."""
    return [[column.cell(row) for column in columns] for row in table.rows]


def _quality(table: Table) -> list[Column]:
    columns = [
        Column("rank", lambda row: str(row.rank) if row.rank else NOTHING),
        Column("plugin", lambda row: row.label, is_number=False),
        *(_figure("validation", name) for name in table.units),
        _figure("test", table.metric),
        Column("against baseline", difference),
    ]
    if shows_published(table):
        columns.append(Column("published", lambda row: published(row, table)))
    return columns


def shows_published(table: Table) -> bool:
    """Say whether published figures belong in a table: never beside those of made data."""
    return table.source != "synthetic"


def _figure(split: str, name: str) -> Column:
    return Column(
        f"{split} {metric_name(name)}", lambda row: quality(getattr(row, split).get(name), name)
    )


def metric_name(metric: str) -> str:
    """Write a metric's name as people do: "mae_degC" is "MAE (°C)"."""
    name, _, unit = metric.partition("_")
    known = {"mae": "MAE", "degC": "°C"}
    shown = known.get(name, name)
    return f"{shown} ({known.get(unit, unit)})" if unit else shown


def quality(value: Spread | None, metric: str) -> str:
    """Write a metric's mean, and its spread over seeds where there is one."""
    if value is None:
        return NOTHING
    digits = 2 if metric.endswith("degC") else 4
    text = f"{value.mean:.{digits}f}"
    return text if value.deviation is None else f"{text} ± {value.deviation:.{digits}f}"


def difference(row: Row) -> str:
    """Write the difference from the baseline with its sign; the baseline's own is its name."""
    if row.is_baseline:
        return "baseline"
    return NOTHING if row.difference is None else f"{row.difference:+.4f}"


def published(row: Row, table: Table) -> str:
    """Write the reference figure that compares best: validation, else test (and say so)."""
    for prefix, note in (("val", ""), ("test", " (test)")):
        value = row.published.get(f"{prefix}_{table.metric}")
        if value is not None:
            return f"{value:.4f}{note}"
    return NOTHING


def status(row: Row) -> str:
    """Write the status, with the reason where there is one."""
    text = f"{row.status}, reused" if row.reused and row.status == OK else row.status
    return f"{text}: {row.reason}" if row.reason else text


def duration(seconds: float | None) -> str:
    """Write seconds with a unit that a person can read."""
    if seconds is None:
        return NOTHING
    milliseconds = 1000 * seconds
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if seconds < 119.95:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7197 else f"{seconds / 3600:.1f} h"


def size(number: float | None) -> str:
    """Write bytes in GiB or MiB."""
    if number is None:
        return NOTHING
    gib = number / 1024**3
    return f"{gib:.2f} GiB" if gib >= 1 else f"{number / 1024**2:.0f} MiB"


def count(number: int | None) -> str:
    """Write a whole number with thousands separated."""
    return NOTHING if number is None else f"{number:,}"
