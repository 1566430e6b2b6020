"""The columns of a leaderboard: one place decides what is shown and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.costs import Costs
from bench.formatting import NOTHING, count, duration, metric_name, size
from bench.leaderboard import Row, Spread, Table
from bench.protocol import OK
from bench.records.repeats import verdict_text
from bench.targets import shows_published

#: Stands after a time that was taken beside other work.
CONTENDED = "*"
#: Stands after the ranks of the plugins that none is significantly better than.
BEST = "best"


@dataclass(frozen=True)
class Column:
    """A heading, how a row's cell is written, and whether cells line up as numbers do."""

    heading: str
    cell: Callable[[Row], str]
    is_number: bool = True


_TRAINING = Column("training", lambda row: timed(row, lambda costs: costs.fit_seconds))
PEAK_MEMORY = Column(
    "peak memory", lambda row: size(row.costs.peak_rss_bytes if row.costs else None)
)


def all_columns(table: Table) -> list[Column]:
    """Return every column, in order, for a document that has the room."""
    return [
        *_quality(table),
        _TRAINING,
        Column("per epoch", lambda row: timed(row, lambda costs: costs.epoch_seconds)),
        PEAK_MEMORY,
        Column("parameters", lambda row: count(row.parameters)),
        Column("seeds", lambda row: ", ".join(map(str, row.seeds)), is_number=False),
        Column("noise from", lambda row: noise(row, table.metric), is_number=False),
        *_repeatable(table),
        Column("status", status, is_number=False),
    ]


def few_columns(table: Table) -> list[Column]:
    """Return the columns that fit a terminal."""
    return [
        *_quality(table),
        _TRAINING,
        PEAK_MEMORY,
        *_repeatable(table),
        Column("status", status, is_number=False),
    ]


def cells(table: Table, columns: Sequence[Column]) -> list[list[str]]:
    """Write every cell of a table."""
    return [[column.cell(row) for column in columns] for row in table.rows]


def _quality(table: Table) -> list[Column]:
    columns = [
        Column("rank", rank),
        Column("plugin", lambda row: row.label, is_number=False),
        *(_figure("validation", name) for name in table.units),
        _figure("test", table.metric),
        Column("against baseline", difference),
    ]
    if shows_published(table.source):
        columns.append(Column("published", lambda row: published(row, table)))
    return columns


def _repeatable(table: Table) -> list[Column]:
    if not any(row.repeats for row in table.rows):
        return []
    return [Column("repeatable", repeatable, is_number=False)]


def _figure(split: str, name: str) -> Column:
    return Column(
        f"{split} {metric_name(name)}", lambda row: quality(getattr(row, split).get(name), name)
    )


def rank(row: Row) -> str:
    """Write the ranks that the data leave open to a row, and mark the best group."""
    if row.rank is None:
        return NOTHING
    return f"{row.rank} {BEST}" if row.is_best else str(row.rank)


def quality(value: Spread | None, metric: str) -> str:
    """Write a metric's mean, and half of its confidence interval where that is known."""
    if value is None:
        return NOTHING
    digits = 2 if metric.endswith("degC") else 4
    text = f"{value.mean:.{digits}f}"
    return text if value.interval is None else f"{text} ± {value.interval.half:.{digits}f}"


def over_seeds(value: Spread | None, metric: str) -> str:
    """Write a metric's mean, and its standard deviation over seeds where there is one."""
    text = quality(value and replace(value, interval=None), metric)
    if value is None or value.deviation is None:
        return text
    return f"{text} ± {quality(Spread(value.deviation, None, 1), metric)}"


def noise(row: Row, metric: str) -> str:
    """Write what the larger part of a figure's error comes from, with its share."""
    spread = row.validation.get(metric)
    interval = spread.interval if spread else None
    if interval is None:
        return NOTHING
    if interval.seed_error is None:
        return "one seed"
    seeds, examples = interval.seed_error**2, interval.example_error**2
    if seeds + examples == 0.0:
        return NOTHING
    share = seeds / (seeds + examples)
    return f"seeds {share:.0%}" if interval.more_seeds_help else f"examples {1 - share:.0%}"


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


def timed(row: Row, seconds: Callable[[Costs], float | None]) -> str:
    """Write a time of a row, with a mark if it was taken beside other work."""
    return NOTHING if row.costs is None else marked(row.costs, seconds(row.costs))


def marked(costs: Costs, seconds: float | None) -> str:
    """Write one of the costs' times, with a mark if it was taken beside other work."""
    mark = CONTENDED if costs.contended and seconds is not None else ""
    return f"{duration(seconds)}{mark}"


def repeatable(row: Row) -> str:
    """Write how far repeats gave the same result, and how many trials were repeated."""
    if row.repeats is None:
        return NOTHING
    trials = "1 trial" if row.repeats.trials == 1 else f"{row.repeats.trials} trials"
    return f"{verdict_text(row.repeats.verdict, row.repeats.largest)} ({trials})"
