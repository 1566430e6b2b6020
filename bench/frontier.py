"""The speed-quality frontier of a table: what nothing else beats in training time and quality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.leaderboard import Spread, Table


@dataclass(frozen=True)
class Point:
    """One model's validation metric, and the seconds of its training.

    ``contended`` says that it was timed beside other work, so that its time compares
    with no other.
    """

    label: str
    seconds: float
    quality: Spread
    contended: bool = False


def points(table: Table) -> list[Point]:
    """Return one point for each row that was measured and timed, best first."""
    return [
        Point(
            row.label,
            row.costs.fit_seconds,
            row.validation[table.metric],
            contended=bool(row.costs.contended),
        )
        for row in table.rows
        if table.metric in row.validation and row.costs and row.costs.fit_seconds is not None
    ]


def frontier(found: Iterable[Point], direction: str) -> list[Point]:
    """Return the points that no other one beats in time and quality, the quickest first.

    One point beats another if it is at least as good in both and better in one. Points
    that were timed beside other work neither beat others nor are on the frontier.
    """
    sign = 1 if direction == "min" else -1
    quiet = [point for point in found if not point.contended]
    ordered = sorted(quiet, key=lambda p: (p.seconds, sign * p.quality.mean, p.label))
    front: list[Point] = []
    for point in ordered:
        last = front[-1] if front else None
        if (
            last is None
            or sign * point.quality.mean < sign * last.quality.mean
            or _place(point) == _place(last)
        ):
            front.append(point)
    return front


def on_frontier(table: Table) -> dict[str, bool | None]:
    """Say by label whether a row is on the frontier; None for what was timed beside other work.

    Rows that were not measured, or not timed, are left out.
    """
    found = points(table)
    best = {point.label for point in frontier(found, table.direction)}
    return {point.label: None if point.contended else point.label in best for point in found}


def _place(point: Point) -> tuple[float, float]:
    return point.seconds, point.quality.mean
