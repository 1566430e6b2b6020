"""A leaderboard as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bench.formatting import one_line
from bench.leaderboard import Leaderboard, Table
from bench.render.columns import Column, all_columns, cells
from bench.render.comparison import compared
from bench.render.cost_table import cost_columns, reading_costs, with_costs
from bench.render.provenance import above, below, contended, left_out, reading, title

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: left; }
th { border-bottom: 2px solid #888; vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; }
ul { color: #555; }
"""


def to_html(leaderboard: Leaderboard) -> str:
    """Return the page; every name in it is escaped."""
    parts = [_table(table) for table in leaderboard.tables] or ["<p>No records yet.</p>"]
    if leaderboard.left_out:
        parts.append(f"<p>{_safe(left_out(leaderboard))}</p>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Leaderboard</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Leaderboard</h1>\n{body}\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    mark = f"<p>{_safe(contended(table))}</p>\n" if contended(table) else ""
    about = [*compared(table), *below(table)]
    lines = "".join(f"<li>{_safe(label)}: {_safe(text)}</li>" for label, text in about)
    return (
        f"<h2>{_safe(title(table))}</h2>\n<p><strong>{_safe(above(table))}</strong></p>\n"
        f"<p>{_safe(reading(table))}</p>\n"
        f"{_grid(table, all_columns(table))}{mark}{_costs(with_costs(table))}"
        f"<ul>{lines}</ul>"
    )


def _costs(table: Table) -> str:
    if not table.rows:
        return ""
    reading = f"<h3>Cost</h3>\n<p>{_safe(reading_costs(table))}</p>\n"
    return reading + _grid(table, cost_columns(table))


def _grid(table: Table, columns: Sequence[Column]) -> str:
    head = _line("th", columns, (column.heading for column in columns))
    rows = "\n".join(_line("td", columns, row) for row in cells(table, columns))
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"


def _line(tag: str, columns: Iterable[Column], texts: Iterable[str]) -> str:
    found = []
    for column, text in zip(columns, texts, strict=True):
        kind = ' class="number"' if column.is_number else ""
        found.append(f"<{tag}{kind}>{_safe(text)}</{tag}>")
    return f"<tr>{''.join(found)}</tr>"


def _safe(text: str) -> str:
    return escape(one_line(text))
