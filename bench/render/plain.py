"""A leaderboard for the terminal."""

from __future__ import annotations

from tabulate import tabulate

from bench.formatting import one_line
from bench.leaderboard import Leaderboard, Table
from bench.render.columns import cells, few_columns
from bench.render.comparison import compared
from bench.render.provenance import above, contended, left_out, reading, title

_LONGEST = 60


def to_text(leaderboard: Leaderboard) -> str:
    """Return the tables with the columns that fit a terminal."""
    parts = [_table(table) for table in leaderboard.tables]
    parts += [left_out(leaderboard)] if leaderboard.left_out else []
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    columns = few_columns(table)
    body = tabulate(
        [[one_line(cell, _LONGEST) for cell in row] for row in cells(table, columns)],
        # A heading over two lines keeps a column of short numbers narrow.
        headers=[one_line(column.heading).replace(" ", "\n", 1) for column in columns],
        colalign=["right" if column.is_number else "left" for column in columns],
        disable_numparse=True,
    )
    lines = [f"{label}: {text}" for label, text in compared(table)]
    notes = [contended(table)] if contended(table) else []
    about = "\n".join(map(one_line, [*notes, reading(table), *lines]))
    return f"{one_line(title(table))}\n{one_line(above(table))}\n\n{body}\n\n{about}"
