"""A leaderboard as markdown that no name can break."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.formatting import one_line
from bench.leaderboard import Leaderboard, Table
from bench.render.columns import Column, all_columns, cells
from bench.render.comparison import compared
from bench.render.cost_table import cost_columns, reading_costs, with_costs
from bench.render.provenance import above, below, contended, left_out, reading, title

_LONGEST = 160
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: An underscore within a word is itself; elsewhere it would open or close emphasis.
_SPECIAL = re.compile(r"[\\|`*\[\]<>&$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(leaderboard: Leaderboard) -> str:
    """Return the whole document."""
    parts = ["# Leaderboard"]
    parts += [_table(table) for table in leaderboard.tables] or ["No records yet."]
    parts += [escape(left_out(leaderboard))] if leaderboard.left_out else []
    return "\n\n".join(parts) + "\n"


def escape(text: str, longest: int | None = None) -> str:
    """Return text that means itself, on one line; GitHub's dialect is the measure."""
    return _SPECIAL.sub(
        lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), one_line(text, longest)
    )


def _table(table: Table) -> str:
    about = [*compared(table), *below(table)]
    lines = [f"- {label}: {escape(text)}" for label, text in about]
    mark = [escape(contended(table))] if contended(table) else []
    return "\n\n".join(
        [
            f"## {escape(title(table))}",
            f"**{escape(above(table))}**",
            escape(reading(table)),
            _grid(table, all_columns(table)),
            *mark,
            *_costs(with_costs(table)),
            "\n".join(lines),
        ]
    )


def _costs(table: Table) -> list[str]:
    if not table.rows:
        return []
    return ["### Cost", escape(reading_costs(table)), _grid(table, cost_columns(table))]


def _grid(table: Table, columns: Sequence[Column]) -> str:
    import pandas as pd

    frame = pd.DataFrame(
        [[escape(cell, _LONGEST) for cell in row] for row in cells(table, columns)],
        columns=[escape(column.heading) for column in columns],
        dtype=object,
    )
    aligned = ["right" if column.is_number else "left" for column in columns]
    text: str = frame.to_markdown(index=False, disable_numparse=True, colalign=aligned)
    return text
