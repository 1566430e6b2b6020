"""A leaderboard as markdown that no name can break."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from tabulate import tabulate

from bench.analysis.costs import Costs
from bench.analysis.frontier import on_frontier
from bench.analysis.leaderboard import Leaderboard, Row, Table
from bench.formatting import one_line
from bench.report.columns import (
    Column,
    all_columns,
    cells,
    cost_columns,
    few_columns,
    reading_costs,
    with_costs,
)
from bench.report.notes import (
    above,
    as_numbers,
    below,
    compared,
    contended,
    left_out,
    reading,
    title,
)

_LONGEST = 160
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: An underscore within a word is itself; elsewhere it would open or close emphasis.
_SPECIAL = re.compile(r"[\\|`*\[\]<>&$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(leaderboard: Leaderboard) -> str:
    """Return the whole document."""
    parts = ["# Leaderboard"]
    parts += [_markdown_table(table) for table in leaderboard.tables] or ["No records yet."]
    parts += [escape_markdown(left_out(leaderboard))] if leaderboard.left_out else []
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: str, longest: int | None = None) -> str:
    """Return text that means itself, on one line; GitHub's dialect is the measure."""
    return _SPECIAL.sub(
        lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), one_line(text, longest)
    )


def _markdown_table(table: Table) -> str:
    about = [*compared(table), *below(table)]
    lines = [f"- {label}: {escape_markdown(text)}" for label, text in about]
    mark = [escape_markdown(contended(table))] if contended(table) else []
    return "\n\n".join(
        [
            f"## {escape_markdown(title(table))}",
            f"**{escape_markdown(above(table))}**",
            escape_markdown(reading(table)),
            _markdown_grid(table, all_columns(table)),
            *mark,
            *_markdown_costs(with_costs(table)),
            "\n".join(lines),
        ]
    )


def _markdown_costs(table: Table) -> list[str]:
    if not table.rows:
        return []
    return [
        "### Cost",
        escape_markdown(reading_costs(table)),
        _markdown_grid(table, cost_columns(table)),
    ]


def _markdown_grid(table: Table, columns: Sequence[Column]) -> str:
    import pandas as pd

    frame = pd.DataFrame(
        [[escape_markdown(cell, _LONGEST) for cell in row] for row in cells(table, columns)],
        columns=[escape_markdown(column.heading) for column in columns],
        dtype=object,
    )
    aligned = ["right" if column.is_number else "left" for column in columns]
    text: str = frame.to_markdown(index=False, disable_numparse=True, colalign=aligned)
    return text


# A leaderboard as one self-contained HTML page


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
    parts = [_html_table(table) for table in leaderboard.tables] or ["<p>No records yet.</p>"]
    if leaderboard.left_out:
        parts.append(f"<p>{_safe(left_out(leaderboard))}</p>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Leaderboard</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Leaderboard</h1>\n{body}\n</body>\n</html>\n"
    )


def _html_table(table: Table) -> str:
    mark = f"<p>{_safe(contended(table))}</p>\n" if contended(table) else ""
    about = [*compared(table), *below(table)]
    lines = "".join(f"<li>{_safe(label)}: {_safe(text)}</li>" for label, text in about)
    return (
        f"<h2>{_safe(title(table))}</h2>\n<p><strong>{_safe(above(table))}</strong></p>\n"
        f"<p>{_safe(reading(table))}</p>\n"
        f"{_html_grid(table, all_columns(table))}{mark}{_html_costs(with_costs(table))}"
        f"<ul>{lines}</ul>"
    )


def _html_costs(table: Table) -> str:
    if not table.rows:
        return ""
    reading = f"<h3>Cost</h3>\n<p>{_safe(reading_costs(table))}</p>\n"
    return reading + _html_grid(table, cost_columns(table))


def _html_grid(table: Table, columns: Sequence[Column]) -> str:
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


# A leaderboard for the terminal


_LONGEST_PLAIN = 60


def to_text(leaderboard: Leaderboard) -> str:
    """Return the tables with the columns that fit a terminal."""
    parts = [_plain_table(table) for table in leaderboard.tables]
    parts += [left_out(leaderboard)] if leaderboard.left_out else []
    return "\n\n".join(parts)


def _plain_table(table: Table) -> str:
    columns = few_columns(table)
    body = tabulate(
        [[one_line(cell, _LONGEST_PLAIN) for cell in row] for row in cells(table, columns)],
        # A heading over two lines keeps a column of short numbers narrow.
        headers=[one_line(column.heading).replace(" ", "\n", 1) for column in columns],
        colalign=["right" if column.is_number else "left" for column in columns],
        disable_numparse=True,
    )
    lines = [f"{label}: {text}" for label, text in compared(table)]
    notes = [contended(table)] if contended(table) else []
    about = "\n".join(map(one_line, [*notes, reading(table), *lines]))
    return f"{one_line(title(table))}\n{one_line(above(table))}\n\n{body}\n\n{about}"


# A leaderboard as CSV and JSON, for other programs


_PLAIN_COSTS = (
    *("start_seconds", "compile_seconds", "first_epoch_seconds", "predict_per_1000_seconds"),
    *("peak_rss_bytes", "quiet_trials", "contended_trials"),
)


def to_json(leaderboard: Leaderboard) -> str:
    """Return every table with its rows as one JSON document; seconds and bytes as numbers."""
    tables = [
        {
            "task": table.task,
            "task_version": table.task_version,
            "source": table.source,
            "why": table.why,
            "fingerprint": table.fingerprint,
            "profile": table.profile,
            "metric": table.metric,
            "direction": table.direction,
            "units": dict(table.units),
            "baseline": table.baseline,
            "scored_examples": table.scored_examples,
            "targets": dict(table.targets.values),
            "comparison": as_numbers(table),
            "provenance": dict(below(table)),
            "rows": _rows(table),
        }
        for table in leaderboard.tables
    ]
    document = {"tables": tables, "left_out": dict(leaderboard.left_out)}
    return json.dumps(document, indent=1) + "\n"


def _rows(table: Table) -> list[dict[str, Any]]:
    is_best = on_frontier(table)
    return [{**asdict(row), "on_frontier": is_best.get(row.label)} for row in table.rows]


def to_csv(leaderboard: Leaderboard) -> str:
    """Return one line a row of all tables; each part of a figure has a column of its own."""
    import pandas as pd

    lines = [line for table in leaderboard.tables for line in _lines(table)]
    # As objects, whole numbers stay whole in columns that have gaps.
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def _lines(table: Table) -> list[dict[str, Any]]:
    is_best = on_frontier(table)
    return [_flat(table, row, is_best.get(row.label)) for row in table.rows]


def _flat(table: Table, row: Row, is_best: bool | None) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "task": table.task,
        "source": table.source,
        "fingerprint": table.fingerprint,
        "profile": table.profile,
        "task_version": table.task_version,
        "scored_examples": table.scored_examples,
        "rank": str(row.rank) if row.rank else None,
        "rank_low": row.rank.low if row.rank else None,
        "rank_high": row.rank.high if row.rank else None,
        "is_best": row.is_best,
        "plugin": one_line(row.label),
        "backend": row.backend,
    }
    for split in ("validation", "test"):
        for name, spread in getattr(row, split).items():
            flat[f"{split}_{name}"] = spread.mean
            flat[f"{split}_{name}_sd"] = spread.deviation
            interval = spread.interval
            flat[f"{split}_{name}_low"] = interval.low if interval else None
            flat[f"{split}_{name}_high"] = interval.high if interval else None
    flat |= {"difference": row.difference, **_flat_costs(row.costs, table.targets.values)}
    flat |= {"on_frontier": is_best, "parameters": row.parameters}
    flat |= {f"published_{name}": value for name, value in row.published.items()}
    flat |= {"seeds": " ".join(map(str, row.seeds)), "reused": row.reused}
    if row.repeats:
        flat |= {"repeatable": row.repeats.verdict, "repeated_trials": row.repeats.trials}
        flat |= {"largest_difference": row.repeats.largest}
    return flat | {"status": row.status, "reason": one_line(row.reason)}


def _flat_costs(costs: Costs | None, targets: Iterable[str]) -> dict[str, Any]:
    """Return costs as columns, the same ones for every row of a table."""
    smallest, largest = (costs and costs.fit_seconds_range) or (None, None)
    low, high = (costs and costs.epoch_seconds_interval) or (None, None)
    flat: dict[str, Any] = {
        "fit_seconds": costs and costs.fit_seconds,
        "fit_seconds_min": smallest,
        "fit_seconds_max": largest,
        "epoch_seconds": costs and costs.epoch_seconds,
        "epoch_seconds_low": low,
        "epoch_seconds_high": high,
        **{name: getattr(costs, name, None) for name in _PLAIN_COSTS},
        "contended": "; ".join(costs.contended) if costs else None,
    }
    for target in targets:
        reached = costs.reached.get(target) if costs else None
        for name in ("seconds", "reached", "seeds"):
            flat[f"to_{target}_{name}"] = getattr(reached, name, None)
    return flat
