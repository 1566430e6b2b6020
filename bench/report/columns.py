"""The columns of a leaderboard: one place decides what is shown and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.costs import BASELINE, PUBLISHED, Costs, Reached, shows_published
from bench.analysis.frontier import on_frontier
from bench.analysis.leaderboard import Row, Spread, Table
from bench.formatting import NOTHING, count, duration, metric_name, size
from bench.protocol import OK
from bench.records.repeats import verdict_text

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


# The table of costs: where the time of each row goes, and what it buys


_TARGETS = {BASELINE: "the baseline's", PUBLISHED: "the best published"}
_HEADINGS = {BASELINE: "time to baseline", PUBLISHED: "time to published best"}


def with_costs(table: Table) -> Table:
    """Return the table with the rows alone that cost something, in their order."""
    return replace(table, rows=tuple(row for row in table.rows if row.costs is not None))


def cost_columns(table: Table) -> list[Column]:
    """Return the columns of the table of costs, in order.

    Args:
        table: Of rows with costs.
    """
    is_best = on_frontier(table)
    columns = [
        Column("plugin", lambda row: row.label, is_number=False),
        Column("training", lambda row: _of(row, _training)),
        Column("start", lambda row: timed(row, lambda costs: costs.start_seconds)),
        Column("compile", lambda row: timed(row, lambda costs: costs.compile_seconds)),
        Column("first epoch", lambda row: timed(row, lambda costs: costs.first_epoch_seconds)),
        Column("epoch", lambda row: _of(row, _epoch)),
        Column(
            "per 1,000 predictions",
            lambda row: timed(row, lambda costs: costs.predict_per_1000_seconds),
        ),
        PEAK_MEMORY,
        *(_time_to(name) for name in _HEADINGS if name in table.targets.values),
        Column("on the frontier", lambda row: _frontier(is_best.get(row.label)), is_number=False),
    ]
    if any(row.costs and row.costs.contended_trials for row in table.rows):
        columns.append(Column("other work", lambda row: _of(row, _other_work), is_number=False))
    return columns


def reading_costs(table: Table) -> str:
    """Say how the table of costs is to be read.

    Args:
        table: Of rows with costs.
    """
    costs = [row.costs for row in table.rows if row.costs is not None]
    said = ["Medians over the trials, in the order of the table above."]
    if any(one.quiet_trials + one.contended_trials > 1 for one in costs):
        said.append("Training: with the shortest and the longest.")
    if any(one.epoch_seconds_interval for one in costs):
        said.append(
            "Epoch: all but each seed's first, with the 95% confidence interval of the median."
        )
    targets = table.targets
    figures = " and ".join(
        f"{_TARGETS[name]} {value:.4f}" for name, value in targets.values.items()
    )
    if figures:
        said.append(
            f"Time to: seconds of training until validation {metric_name(targets.metric)} first "
            f"reaches {figures}; the median over the seeds that do."
        )
    said.append("On the frontier: no other row is both quicker to train and better.")
    if any(one.contended_trials for one in costs):
        said.append(
            "Other work: another run that trained on the machine, trials of the same run (--jobs), "
            "the share of its processors that others used, or a fixed piece of work that took "
            "longer than usual."
        )
    if any(one.quiet_trials and one.contended_trials for one in costs):
        said.append("Trials that ran beside other work are left out where others did not.")
    return " ".join(said)


def _of(row: Row, write: Callable[[Costs], str]) -> str:
    return NOTHING if row.costs is None else write(row.costs)


def _training(costs: Costs) -> str:
    return _with_ends(marked(costs, costs.fit_seconds), costs.fit_seconds_range)


def _epoch(costs: Costs) -> str:
    return _with_ends(marked(costs, costs.epoch_seconds), costs.epoch_seconds_interval)


def _with_ends(text: str, ends: tuple[float, float] | None) -> str:
    """Add the two ends of a range, unless they are written alike."""
    low, high = map(duration, ends or (0.0, 0.0))
    if low == high:
        return text
    number, _, unit = low.partition(" ")
    return f"{text} ({number if high.endswith(f' {unit}') else low}–{high})"


def _time_to(target: str) -> Column:
    def cell(row: Row) -> str:
        reached = row.costs.reached.get(target) if row.costs else None
        return NOTHING if row.costs is None or reached is None else _reached(row.costs, reached)

    return Column(_HEADINGS[target], cell)


def _reached(costs: Costs, reached: Reached) -> str:
    share = f"{reached.reached} of {reached.seeds} seed{'' if reached.seeds == 1 else 's'}"
    return f"{marked(costs, reached.seconds)}, {share}" if reached.reached else share


def _frontier(is_best: bool | None) -> str:
    return NOTHING if is_best is None else "yes" if is_best else ""


def _other_work(costs: Costs) -> str:
    if costs.contended:
        return "; ".join(costs.contended)
    if not costs.contended_trials:
        return ""
    trials = costs.quiet_trials + costs.contended_trials
    return f"{costs.contended_trials} of {trials} trials left out"
