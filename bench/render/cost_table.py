"""The table of costs: where the time of each row goes, and what it buys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.costs import Costs
from bench.formatting import NOTHING, duration, metric_name
from bench.frontier import on_frontier
from bench.leaderboard import Row, Table
from bench.render.columns import PEAK_MEMORY, Column, marked, timed
from bench.targets import BASELINE, PUBLISHED, Reached

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
