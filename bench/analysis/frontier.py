"""The frontier of a table: what nothing else beats in quality and a cost, such as time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, median_low

from bench.analysis.leaderboard import Leaderboard, Row, Spread, Table, records_of
from bench.protocol import OK


@dataclass(frozen=True)
class FrontierPoint:
    """One model's validation metric, and what it costs: seconds, bytes or a number of weights.

    ``contended`` says that it was timed while contended, so that its time compares
    with no other.
    """

    label: str
    cost: float
    quality: Spread
    contended: bool = False


#: What quality is set against, by name: from a row to the cost, None where it is not known.
COSTS: Mapping[str, Callable[[Row], float | None]] = {
    "training time": lambda row: row.costs.fit_seconds if row.costs else None,
    "peak memory": lambda row: row.costs.peak_rss_bytes if row.costs else None,
    "parameters": lambda row: row.parameters,
}
TRAINING = "training time"


def points(table: Table, cost: str = TRAINING) -> list[FrontierPoint]:
    """Return one point for each row that was measured and of which the cost is known, best first.

    Args:
        table: Where the rows stand.
        cost: One of ``COSTS``; only of times it matters what else the machine did.
    """
    found = [(row, COSTS[cost](row)) for row in table.rows if table.metric in row.validation]
    return [
        FrontierPoint(
            row.label,
            value,
            row.validation[table.metric],
            contended=bool(cost == TRAINING and row.costs and row.costs.contended),
        )
        for row, value in found
        if value is not None
    ]


def without_cost(table: Table, cost: str = TRAINING) -> list[str]:
    """Return which rows have a score and no point, as those that were timed on another machine."""
    known = {point.label for point in points(table, cost)}
    scored = [row.label for row in table.rows if table.metric in row.validation]
    return [label for label in scored if label not in known]


def frontier(found: Iterable[FrontierPoint], direction: str) -> list[FrontierPoint]:
    """Return the points that no other one beats in cost and quality, the cheapest first.

    One point beats another if it is at least as good in both and better in one. Points
    that were timed while contended are not on the frontier, but beat others: alone they
    would have been quicker still.
    """
    sign = 1 if direction == "min" else -1
    ordered = sorted(found, key=lambda p: (p.cost, sign * p.quality.mean, p.label))
    front: list[FrontierPoint] = []
    for point in ordered:
        last = front[-1] if front else None
        if (
            last is None
            or sign * point.quality.mean < sign * last.quality.mean
            or _place(point) == _place(last)
        ):
            front.append(point)
    return [point for point in front if not point.contended]


def on_frontier(table: Table) -> dict[str, bool | None]:
    """Say by label whether a row is on the frontier; None for what was timed while contended.

    Rows that were not measured, or not timed, are left out.
    """
    found = points(table)
    best = {point.label for point in frontier(found, table.direction)}
    return {point.label: None if point.contended else point.label in best for point in found}


def _place(point: FrontierPoint) -> tuple[float, float]:
    return point.cost, point.quality.mean


# What the pictures of a table show: a pure function of its rows and records

#: Kinds of pictures: learning curves, and quality against training time.
CURVES = "curves"
LOSS = "loss"
TIME = "time"

#: Values farther from the best than the usual value by this factor would flatten all others.
_FARTHEST = 6.0


@dataclass(frozen=True)
class Curve:
    """One seed's metric after each epoch; NaN where it was no finite number."""

    train: tuple[float, ...]
    validation: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One model's learning: a curve a seed, none for what is not trained by epochs."""

    label: str
    mean: float
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Range:
    """An axis from ``low`` to ``high``."""

    low: float
    high: float

    def wider(self, share: float) -> Range:
        """Return a range with room at both ends, a share of its length, and never empty."""
        margin = share * (self.high - self.low) or 0.05 * abs(self.high) or 1.0
        return Range(self.low - margin, self.high + margin)

    def holds(self, value: float) -> bool:
        """Say whether a value is shown."""
        return self.low <= value <= self.high

    def clipped(self, value: float) -> float:
        """Return the shown value that is nearest."""
        return min(max(value, self.low), self.high)


def panels(table: Table) -> list[Panel]:
    """Return one panel for each row that was measured, best first."""
    return [
        Panel(row.label, row.validation[table.metric].mean, _curves(table, row))
        for row in table.rows
        if table.metric in row.validation
    ]


def baseline(table: Table) -> float | None:
    """Return the baseline's validation metric, if it was measured."""
    found = [row.validation for row in table.rows if row.is_baseline]
    return next((spreads[table.metric].mean for spreads in found if table.metric in spreads), None)


def visible(values: Sequence[float], direction: str) -> Range:
    """Return the range that shows all values but those that would flatten the others.

    Args:
        values: At least one.
        direction: "min" or "max", which end is the best.
    """
    best = min(values) if direction == "min" else max(values)
    distances = [abs(value - best) for value in values]
    usual = median_low(distances)
    reach = max(d for d in distances if d <= _FARTHEST * usual or usual == 0)
    return Range(best, best + reach) if direction == "min" else Range(best - reach, best)


def shared_range(found: Sequence[Panel], table: Table) -> Range:
    """Return the range that the panels share: their means, and half of each curve or more.

    A curve so far away that it would flatten the others is left out.

    Args:
        found: At least one panel.
        table: Where they are from.
    """
    level = baseline(table)
    means = [panel.mean for panel in found] + ([] if level is None else [level])
    seen = visible(means, table.direction)
    inside = [panel for panel in found if seen.holds(panel.mean)]
    validation = [_finite(c.validation for c in panel.curves) for panel in inside]
    # Models whose best epochs are alike may have most of their curves far from them.
    best = seen.low if table.direction == "min" else seen.high
    halves = [median(values) for values in validation if values]
    reached = visible([best, *halves], table.direction)
    seen = Range(min(seen.low, reached.low), max(seen.high, reached.high))
    margin = (seen.high - seen.low) or abs(seen.high) or 1.0
    trained = [v for panel in inside for v in _finite(c.train for c in panel.curves)]
    # First epochs come from far away, and by heart a model may know everything: beyond
    # these margins curves are cut off.
    if table.direction == "min":
        lowest = max(min([seen.low, *trained]), seen.low - margin)
        return Range(lowest - 0.1 * margin, seen.high + 0.6 * margin)
    highest = min(max([seen.high, *trained]), seen.high + margin)
    return Range(seen.low - 0.6 * margin, highest + 0.1 * margin)


def own_range(panel: Panel) -> Range:
    """Return the range of a panel that the shared one would not show."""
    values = [panel.mean, *_finite(curve.validation for curve in panel.curves)]
    return Range(min(values), max(values)).wider(0.1)


def pictures(board: Leaderboard) -> dict[str, tuple[str, Table]]:
    """Return which pictures a leaderboard has, by file name: the kind, and what of.

    Names are safe whatever a record from elsewhere holds, and made different where they would
    be the same. Models that train nothing have curves too: flat ones.
    """
    stems: dict[str, Table] = {}
    for table in board.tables:
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", f"{table.task}-{table.source}-{table.profile}")
        name, number = stem, 1
        while name in stems:
            number += 1
            name = f"{stem}-{number}"
        stems[name] = table
    shown: Mapping[str, Callable[[Table], Sequence[object]]] = {CURVES: panels, TIME: points}
    return {
        f"{stem}-{kind}.svg": (kind, table)
        for stem, table in stems.items()
        for kind, find in shown.items()
        if find(table)
    }


def _curves(table: Table, row: Row) -> tuple[Curve, ...]:
    return tuple(curves_of(table, row, table.metric).values())


def curves_of(table: Table, row: Row, measure: str) -> dict[int, Curve]:
    """Return what a row's seeds measured epoch by epoch, by seed.

    Args:
        table: Where the row stands.
        row: One of its rows.
        measure: The table's metric, or "loss"; of that, older records have no validation.
    """
    found = {}
    for record in records_of(table, row):
        curves = record.metrics.get("curves", {}) if record.status == OK else {}
        train, validation = (
            tuple(math.nan if value is None else float(value) for value in values)
            for values in (curves.get(f"{s}_{measure}", ()) for s in ("train", "validation"))
        )
        if validation or (train and measure == LOSS):
            found[record.trial.seed] = Curve(train, validation)
    return found


def _finite(series: Iterable[Sequence[float]]) -> list[float]:
    return [value for values in series for value in values if math.isfinite(value)]
