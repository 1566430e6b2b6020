"""The rows of a table in the order of one of its columns."""

from __future__ import annotations

from dataclasses import replace

from bench.analysis.leaderboard import Table
from bench.errors import BenchError
from bench.formatting import nearest
from bench.report.columns import board_fields
from bench.report.document import Scalar


def in_order_of(table: Table, column: str) -> Table:
    """Return a table with its rows in the order of a column, what has no value last.

    Args:
        table: Of which the ranks stay what they are.
        column: As a program calls it, such as fit_seconds; with "-" before it the largest first.

    Raises:
        BenchError: There is no such column; names the nearest.
    """
    key = column.removeprefix("-")
    fields = board_fields(table)
    values: dict[str, Scalar] = {}
    known: set[str] = set()
    for row in table.rows:
        for field in fields:
            for part, value in field.cell(row).values.items():
                known.add(name := f"{field.column.key}{part}")
                if name == key:
                    values[row.label] = value
    if key not in known:
        raise BenchError(f"--sort {column}: there is no such column{nearest(key, known)}")
    found = [row for row in table.rows if values.get(row.label) is not None]
    ordered = sorted(found, key=lambda row: _sortable(values[row.label]), reverse=key != column)
    rest = [row for row in table.rows if values.get(row.label) is None]
    return replace(table, rows=(*ordered, *rest), ordered_by=column)


def _sortable(value: Scalar) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (float(value or 0.0), "")
