"""The columns of a leaderboard: one place decides what is shown, and what programs get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bench.analysis.costs import BASELINE, PUBLISHED, Costs, shows_published
from bench.analysis.frontier import on_frontier
from bench.analysis.leaderboard import Row, Spread, Table
from bench.formatting import NOTHING, metric_name
from bench.protocol import OK
from bench.records.repeats import verdict_text
from bench.report.document import (
    Answer,
    Bytes,
    Cell,
    Column,
    Count,
    Duration,
    EstimateCell,
    Exact,
    Field,
    Marked,
    Missing,
    Number,
    Place,
    Scalar,
    Text,
)

#: Stands after a time that is contended: other work ran on the machine.
CONTENDED = "*"
#: Stands after the ranks of the plugins that none is significantly better than.
BEST = "best"
#: Stands after the ranks of those of which that is only unknown, for lack of seeds.
UNKNOWN = "?"

_ON_PAGES = Place.PAGE | Place.DATA
_further = partial(Column, on=_ON_PAGES, importance=0)
_PARTS = ("start_seconds", "compile_seconds", "first_epoch_seconds", "predict_per_1000_seconds")


def board_fields(table: Table) -> list[Field[Row]]:
    """Return the columns of the table of ranks, with all that programs get of a row."""
    return [
        *_quality_fields(table),
        *_cost_values(table),
        Field(_further("parameters", "parameters"), lambda row: Count(row.parameters)),
        _values("published", lambda row: {f"_{name}": v for name, v in row.published.items()}),
        Field(_further("seeds", "seeds", is_number=False), _seeds),
        Field(
            Column("noise from", is_number=False, on=Place.PAGE, importance=0),
            lambda row: Text(noise(row, table.metric)),
        ),
        Field(Column("reused", "reused", on=Place.DATA), lambda row: Answer(row.reused)),
        *_repeatable_fields(table),
        Field(Column("status", is_number=False, shortest=16), status),
    ]


def _quality_fields(table: Table) -> list[Field[Row]]:
    fields = [
        Field(Column("order" if has_order_alone(table) else "rank", "rank"), rank),
        Field(Column("is best", "is_best", on=Place.DATA), lambda row: Answer(row.is_best)),
        Field(
            Column("is unknown", "is_unknown", on=Place.DATA),
            lambda row: Answer(row.unknown is not None),
        ),
        Field(
            Column("seeds to know", "seeds_to_know", on=Place.DATA),
            lambda row: Count(row.unknown.seeds if row.unknown else None),
        ),
        Field(Column("plugin", "plugin", is_number=False), lambda row: Text(row.label)),
        Field(Column("backend", "backend", on=Place.DATA), lambda row: Text(row.backend)),
        *_points_fields(table),
        *(
            _figure("validation", name, importance=None if name == table.metric else 1)
            for name in table.units
        ),
        *(
            _figure("test", name, Place.EVERYWHERE if name == table.metric else Place.DATA, 4)
            for name in dict.fromkeys([*table.units, table.metric])
        ),
        Field(Column("against baseline", "difference", importance=5), difference),
    ]
    if shows_published(table.source, table.fingerprint):
        shown = Column("published", on=Place.PEOPLE, importance=3)
        fields.append(Field(shown, lambda row: published(row, table)))
    return fields


def _cost_values(table: Table) -> list[Field[Row]]:
    """Return the columns of times and memory: few for people, all parts for programs."""
    is_best = on_frontier(table)
    return [
        Field(Column("training", "fit_seconds", importance=6), _fit),
        Field(_further("per epoch", "epoch_seconds"), _per_epoch),
        *(_part(name) for name in _PARTS),
        PEAK_MEMORY,
        *(_number_of(name) for name in ("quiet_trials", "contended_trials")),
        _values("contended", _contended),
        *(_values(f"to_{name}", partial(_reached_values, name)) for name in table.targets.values),
        Field(
            Column("on the frontier", "on_frontier", on=Place.DATA),
            lambda row: Answer(is_best.get(row.label)),
        ),
    ]


def _repeatable_fields(table: Table) -> list[Field[Row]]:
    if not any(row.repeats for row in table.rows):
        return []
    return [Field(Column("repeatable", is_number=False, importance=3), repeatable)]


def _points_fields(table: Table) -> list[Field[Row]]:
    if not table.points:
        return []
    return [Field(Column("best of", "points"), lambda row: Count(table.points.get(row.label)))]


def _figure(
    split: str, name: str, on: Place = Place.EVERYWHERE, importance: int | None = None
) -> Field[Row]:
    column = Column(f"{split} {metric_name(name)}", f"{split}_{name}", on=on, importance=importance)
    return Field(column, lambda row: quality(getattr(row, split).get(name), name))


def _values(key: str, values: Callable[[Row], dict[str, Scalar]]) -> Field[Row]:
    """Return a column that is for programs alone."""
    return Field(Column("", key, on=Place.DATA), lambda row: Exact(Missing(), values(row)))


def _part(name: str) -> Field[Row]:
    return Field(
        Column("", name, on=Place.DATA), lambda row: Duration(getattr(row.costs, name, None))
    )


def _number_of(name: str) -> Field[Row]:
    return Field(Column("", name, on=Place.DATA), lambda row: Count(getattr(row.costs, name, None)))


def _seeds(row: Row) -> Cell:
    return Exact(Text(", ".join(map(str, row.seeds))), {"": " ".join(map(str, row.seeds))})


def _fit(row: Row) -> Cell:
    low, high = (row.costs and row.costs.fit_seconds_range) or (None, None)
    cell = timed(row, lambda costs: costs.fit_seconds)
    return Exact(cell, {**cell.values, "_min": low, "_max": high})


def _per_epoch(row: Row) -> Cell:
    low, high = (row.costs and row.costs.epoch_seconds_interval) or (None, None)
    cell = timed(row, lambda costs: costs.epoch_seconds)
    return Exact(cell, {**cell.values, "_low": low, "_high": high})


def _contended(row: Row) -> dict[str, Scalar]:
    return {"": "; ".join(row.costs.contended) if row.costs else None}


def _reached_values(target: str, row: Row) -> dict[str, Scalar]:
    reached = row.costs.reached.get(target) if row.costs else None
    names = ("seconds", "reached", "seeds")
    return {f"_{name}": getattr(reached, name, None) for name in names}


def has_order_alone(table: Table) -> bool:
    """Say whether every row has one seed, which gives an order and no ranks."""
    found = table.ranking.validation if table.ranking else None
    return found is not None and found.one_seed


def rank(row: Row) -> Cell:
    """Write the ranks that the data leave open to a row, and mark the best group.

    Without a rank it is the place in the order of the means, if there is one.
    """
    if row.rank is None:
        order = Missing() if row.place is None else Text(f"{row.place}.")
        return Exact(order, {"": None, "_low": None, "_high": None})
    mark = BEST if row.is_best else UNKNOWN if row.unknown else ""
    shown = Marked(Text(str(row.rank)), f" {mark}".rstrip())
    return Exact(shown, {"": str(row.rank), "_low": row.rank.low, "_high": row.rank.high})


def digits(metric: str) -> int:
    """Return how many digits after the point people are shown of a metric."""
    return {"parameters": 0, "epoch_seconds": 1}.get(metric, 2 if metric.endswith("degC") else 4)


def quality(value: Spread | None, metric: str) -> Cell:
    """Write a metric's mean, and half of its confidence interval where that is known."""
    if value is None:
        return Exact(Missing(), {})
    interval = value.interval
    return Exact(
        EstimateCell(value.mean, interval.half if interval else None, digits(metric)),
        {
            "": value.mean,
            "_sd": value.deviation,
            "_low": interval.low if interval else None,
            "_high": interval.high if interval else None,
        },
    )


def over_seeds(value: Spread | None, metric: str) -> Cell:
    """Write a metric's mean, and its standard deviation over seeds where there is one."""
    mean, deviation = (value.mean, value.deviation) if value else (None, None)
    return Exact(EstimateCell(mean, deviation, digits(metric)), {"": mean, "_sd": deviation})


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


def difference(row: Row) -> Cell:
    """Write the difference from the baseline with its sign; the baseline's own is its name.

    Where both were judged, half of the difference's own interval stands beside it.
    """
    low, high = row.difference_ends or (None, None)
    values: dict[str, Scalar] = {"": row.difference, "_low": low, "_high": high}
    if row.is_baseline:
        return Exact(Text("baseline"), values)
    margin = None if low is None or high is None else (high - low) / 2
    return Exact(EstimateCell(row.difference, margin, is_signed=True), values)


def published(row: Row, table: Table) -> Cell:
    """Write the reference figure that compares best: validation, else test (and say so)."""
    for prefix, note in (("val", ""), ("test", " (test)")):
        value = row.published.get(f"{prefix}_{table.metric}")
        if value is not None:
            return Marked(Number(value), note)
    return Missing()


def status(row: Row) -> Cell:
    """Write the status, with the reason where there is one."""
    text = f"{row.status}, reused" if row.reused and row.status == OK else row.status
    shown = Text(f"{text}: {row.reason}" if row.reason else text)
    return Exact(shown, {"status": row.status, "reason": row.reason})


def timed(row: Row, seconds: Callable[[Costs], float | None]) -> Cell:
    """Write a time of a row, with a mark if it is contended."""
    return Duration(None) if row.costs is None else marked(row.costs, seconds(row.costs))


def marked(
    costs: Costs, seconds: float | None, ends: tuple[float, float] | None = None
) -> Duration:
    """Write one of the costs' times, with a mark if it is contended, and its range if any."""
    return Duration(seconds, CONTENDED if costs.contended and seconds is not None else "", ends)


def repeatable(row: Row) -> Cell:
    """Write how far repeats gave the same result, and how many trials were repeated."""
    repeats = row.repeats
    if repeats is None:
        return Exact(Missing(), {})
    trials = "1 trial" if repeats.trials == 1 else f"{repeats.trials} trials"
    return Exact(
        Text(f"{verdict_text(repeats.verdict, repeats.largest)} ({trials})"),
        {
            "repeatable": repeats.verdict,
            "repeated_trials": repeats.trials,
            "largest_difference": repeats.largest,
        },
    )


PEAK_MEMORY: Field[Row] = Field(
    Column("peak memory", "peak_rss_bytes", importance=2),
    lambda row: Bytes(row.costs.peak_rss_bytes if row.costs else None),
)


# The table of costs: where the time of each row goes, and what it buys


_TARGETS = {BASELINE: "the baseline's", PUBLISHED: "the best published"}
_HEADINGS = {BASELINE: "time to baseline", PUBLISHED: "time to published best"}


def with_costs(table: Table) -> Table:
    """Return the table with the rows alone that cost something, in their order."""
    return replace(table, rows=tuple(row for row in table.rows if row.costs is not None))


def cost_fields(table: Table) -> list[Field[Row]]:
    """Return the columns of the table of costs, in order; programs get them with the ranks.

    Args:
        table: Of rows with costs.
    """
    is_best = on_frontier(table)
    fields = [
        Field(Column("plugin", is_number=False), lambda row: Text(row.label)),
        _cost("training", lambda costs: marked(costs, costs.fit_seconds, costs.fit_seconds_range)),
        _cost("start", lambda costs: marked(costs, costs.start_seconds), importance=1),
        _cost("compile", lambda costs: marked(costs, costs.compile_seconds), importance=1),
        _cost("first epoch", lambda costs: marked(costs, costs.first_epoch_seconds), importance=1),
        _cost(
            "epoch",
            lambda costs: marked(costs, costs.epoch_seconds, costs.epoch_seconds_interval),
            importance=6,
        ),
        _cost(
            "per 1,000 predictions",
            lambda costs: marked(costs, costs.predict_per_1000_seconds),
            importance=4,
        ),
        PEAK_MEMORY,
        *(
            _cost(heading, partial(_time_to, name), importance=2)
            for name, heading in _HEADINGS.items()
            if name in table.targets.values
        ),
        Field(
            Column("on the frontier", is_number=False, importance=5),
            lambda row: Answer(is_best.get(row.label)),
        ),
    ]
    if any(row.costs and row.costs.contended_trials for row in table.rows):
        column = Column("other work", is_number=False, shortest=12, importance=3)
        fields.append(_cost(column, lambda costs: Text(_other_work(costs))))
    return fields


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
        said.append("Contended trials are left out of rows that have quiet ones.")
    return " ".join(said)


def _cost(
    column: str | Column, write: Callable[[Costs], Cell], importance: int | None = None
) -> Field[Row]:
    if isinstance(column, str):
        column = Column(column, importance=importance)
    return Field(column, lambda row: Missing() if row.costs is None else write(row.costs))


def _time_to(target: str, costs: Costs) -> Cell:
    reached = costs.reached.get(target)
    if reached is None:
        return Missing()
    share = f"{reached.reached} of {reached.seeds} seed{'' if reached.seeds == 1 else 's'}"
    return Marked(marked(costs, reached.seconds), f", {share}") if reached.reached else Text(share)


def _other_work(costs: Costs) -> str:
    if costs.contended:
        return "; ".join(costs.contended)
    if not costs.contended_trials:
        return ""
    trials = costs.quiet_trials + costs.contended_trials
    return f"{costs.contended_trials} of {trials} trials left out"
