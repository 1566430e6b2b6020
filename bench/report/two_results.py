"""Two sets of records side by side, as a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.analysis.costs import Costs
from bench.analysis.leaderboard import Row, Table
from bench.analysis.two_results import RowChange, TableChange, TwoResults
from bench.formatting import metric_name
from bench.report.columns import marked, quality
from bench.report.document import (
    Bytes,
    Cell,
    Column,
    Document,
    EstimateCell,
    Exact,
    Field,
    Heading,
    Missing,
    Note,
    Notes,
    Paragraph,
    Section,
    Text,
    table_of,
)
from bench.report.provenance import about, title


def two_results_document(found: TwoResults) -> Document:
    """Return both results of every plugin, and whether the second is better than the first."""
    sections = [_section(found, change) for change in found.tables]
    if found.alone:
        lines = tuple(Note(name, f"alone has {title(table)}") for name, table in found.alone)
        sections.append(Section((Notes(lines),)))
    data = {"names": found.names, "tables": [_data(change) for change in found.tables]}
    return Document(f"{found.names[0]} and {found.names[1]}", tuple(sections), data)


def _section(found: TwoResults, change: TableChange) -> Section:
    table = change.second
    first, second = found.names
    return Section(
        (
            Heading(title(table)),
            Paragraph(
                f"1 is {first}, 2 is {second}. Difference: validation {metric_name(table.metric)} "
                "of 2 minus that of 1, on the same examples where both have their predictions, "
                "with half of its own 95% confidence interval; better and worse are said where "
                "that leaves out 0, of each plugin by itself. Times compare only where both are "
                "of one machine and nothing else ran; `check` judges both."
            ),
            table_of(_fields(change), change.rows, about=about(table)),
        )
    )


def _fields(change: TableChange) -> list[Field[RowChange]]:
    metric = change.second.metric
    name = metric_name(metric)
    return [
        Field(Column("plugin", "plugin", is_number=False), lambda line: Text(line.label)),
        *(
            Field(
                Column(f"validation {name}, {number}", f"validation_{number}"),
                _of(side, lambda row: quality(row.validation.get(metric), metric)),
            )
            for number, side in _SIDES
        ),
        Field(Column("difference", "difference"), lambda line: _difference(change.second, line)),
        Field(
            Column("2 is", "second_is", is_number=False),
            lambda line: Text(_verdict(change.second, line)),
        ),
        *(
            Field(
                Column(f"training, {number}", f"fit_seconds_{number}", importance=2),
                _of(side, _cost(lambda costs: marked(costs, costs.fit_seconds))),
            )
            for number, side in _SIDES
        ),
        *(
            Field(
                Column(f"peak memory, {number}", f"peak_rss_bytes_{number}", importance=1),
                _of(side, _cost(lambda costs: Bytes(costs.peak_rss_bytes))),
            )
            for number, side in _SIDES
        ),
        *(
            Field(
                Column(f"status, {number}", f"status_{number}", is_number=False, importance=3),
                _of(side, lambda row: Text(row.status)),
            )
            for number, side in _SIDES
        ),
    ]


_SIDES: tuple[tuple[int, Callable[[RowChange], Row | None]], ...] = (
    (1, lambda line: line.first),
    (2, lambda line: line.second),
)


def _of(
    side: Callable[[RowChange], Row | None], write: Callable[[Row], Cell]
) -> Callable[[RowChange], Cell]:
    def cell(line: RowChange) -> Cell:
        row = side(line)
        return Missing() if row is None else write(row)

    return cell


def _cost(write: Callable[[Costs], Cell]) -> Callable[[Row], Cell]:
    return lambda row: Missing() if row.costs is None else write(row.costs)


def _difference(table: Table, line: RowChange) -> Cell:
    if line.pair is not None:
        pair = line.pair
        half = (pair.high - pair.low) / 2
        values = {"": pair.difference, "_low": pair.low, "_high": pair.high}
        return Exact(EstimateCell(pair.difference, half, is_signed=True), values)
    spreads = [row.validation.get(table.metric) for row in (line.first, line.second) if row]
    known = [spread.mean for spread in spreads if spread]
    if len(known) < 2:
        return Exact(Missing(), {"": None, "_low": None, "_high": None})
    difference = known[1] - known[0]
    return Exact(EstimateCell(difference, None, is_signed=True), {"": difference})


def _verdict(table: Table, line: RowChange) -> str:
    if line.first is None or line.second is None:
        return "new" if line.first is None else "gone"
    if line.pair is None:
        return "not compared"
    if line.pair.low <= 0 <= line.pair.high:
        return "open" if line.pair.difference else "the same"
    return "better" if (line.pair.difference < 0) == (table.direction == "min") else "worse"


def _data(change: TableChange) -> dict[str, Any]:
    return {
        **about(change.second),
        "metric": change.second.metric,
        "direction": change.second.direction,
        "rows": [
            {
                "plugin": line.label,
                "first": line.first,
                "second": line.second,
                "pair": line.pair,
                "second_is": _verdict(change.second, line),
            }
            for line in change.rows
        ],
    }
