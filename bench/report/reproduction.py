"""Published and measured figures for the terminal, for people, and for other programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from bench.analysis.leaderboard import Spread, Table
from bench.analysis.reproduction import (
    LEAST_SEEDS,
    TOLERANCE,
    VERDICTS,
    WORSE,
    PublishedFigure,
    Reproduction,
    ReproductionTable,
)
from bench.formatting import NOTHING, metric_name, one_line
from bench.report.columns import over_seeds, quality
from bench.report.notes import above, below, title
from bench.report.writers import escape_markdown

_HEADINGS = ("plugin", "figure", "published", "measured", "difference", "verdict", "why")
_ALIGNED = ("left", "left", "right", "right", "right", "left", "left")
_LONGEST_ON_TERMINAL = 60
_LONGEST_IN_DOCUMENT = 300


def to_text(reproduction: Reproduction) -> str:
    """Return the comparisons as tables for the terminal."""
    parts = []
    for comparison in reproduction.comparisons:
        body = tabulate(
            _cells(comparison, lambda text: one_line(text, _LONGEST_ON_TERMINAL)),
            headers=_HEADINGS,
            colalign=_ALIGNED,
            disable_numparse=True,
        )
        heading = one_line(title(comparison.table))
        data = one_line(above(comparison.table))
        parts.append(f"{heading}\n{data}\n\n{body}\n\n{summary(comparison)}")
    parts += [f"Left out: {one_line(line)}." for line in left_out(reproduction)]
    return "\n\n".join(parts)


def to_markdown(reproduction: Reproduction) -> str:
    """Return the comparisons as a document, with provenance and what was left out."""
    parts = ["# Published figures beside measured ones", _reading()]
    parts += [_section(comparison) for comparison in reproduction.comparisons]
    parts += [f"Left out: {escape_markdown(line)}." for line in left_out(reproduction)]
    return "\n\n".join(parts) + "\n"


def to_json(reproduction: Reproduction) -> str:
    """Return every comparison as one JSON document."""
    tables = [
        {
            **_table(comparison.table),
            "why": comparison.table.why,
            "direction": comparison.table.direction,
            "provenance": dict(below(comparison.table)),
            "figures": [asdict(figure) for figure in comparison.figures],
        }
        for comparison in reproduction.comparisons
    ]
    document = {"tables": tables, "left_out": left_out(reproduction)}
    return json.dumps(document, indent=1) + "\n"


def to_csv(reproduction: Reproduction) -> str:
    """Return one line a published figure; the mean and the deviation in columns of their own."""
    import pandas as pd

    lines = [
        {**_table(comparison.table), **_flat(figure)}
        for comparison in reproduction.comparisons
        for figure in comparison.figures
    ]
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def left_out(reproduction: Reproduction) -> list[str]:
    """Name the tables that published figures do not speak of, and say why."""
    return [f"{title(table)}: {why}" for table, why in reproduction.left_out]


def summary(comparison: ReproductionTable) -> str:
    """Count the verdicts, and the figures that are worse for no known reason."""
    found = Counter(figure.verdict for figure in comparison.figures)
    counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if found[verdict])
    unexplained = sum(f.verdict == WORSE and not f.why for f in comparison.figures)
    remark = f" ({unexplained} for no known reason)" if unexplained else ""
    number = len(comparison.figures)
    return f"{number} published figure{'s' if number > 1 else ''}: {counts}{remark}."


def _reading() -> str:
    return (
        "Published figures are of one run each, without a fixed seed, on the official data. "
        "Measured is the mean over seeds; ± is their standard deviation. Within tolerance is a "
        f"difference of at most {TOLERANCE:.3f} in the task's own metric, or of the standard "
        f"deviation where that is larger. Fewer than {LEAST_SEEDS} seeds are not judged."
    )


def _section(comparison: ReproductionTable) -> str:
    table = comparison.table
    body = tabulate(
        _cells(comparison, lambda text: escape_markdown(text, _LONGEST_IN_DOCUMENT)),
        headers=_HEADINGS,
        tablefmt="pipe",
        colalign=_ALIGNED,
        disable_numparse=True,
    )
    lines = "\n".join(f"- {label}: {escape_markdown(text)}" for label, text in below(table))
    heading, data = f"## {escape_markdown(title(table))}", f"**{escape_markdown(above(table))}**"
    return "\n\n".join([heading, data, summary(comparison), body, lines])


def _cells(comparison: ReproductionTable, safe: Callable[[str], str]) -> list[list[str]]:
    return [[safe(text) for text in _line(figure)] for figure in comparison.figures]


def _line(figure: PublishedFigure) -> list[str]:
    name = f"{figure.split} {metric_name(figure.metric)}" if figure.split else figure.metric
    return [
        figure.plugin,
        name,
        _number(figure.published, figure.metric),
        over_seeds(figure.measured, figure.metric),
        _difference(figure),
        figure.verdict,
        figure.why,
    ]


def _number(value: float, metric: str) -> str:
    return quality(Spread(value, None, 1), metric)


def _difference(figure: PublishedFigure) -> str:
    if figure.difference is None:
        return NOTHING
    sign = "" if figure.difference < 0 else "+"
    return sign + _number(figure.difference, figure.metric)


def _table(table: Table) -> dict[str, Any]:
    names = ("task", "source", "fingerprint", "profile", "task_version", "scored_examples")
    return {name: getattr(table, name) for name in names}


def _flat(figure: PublishedFigure) -> dict[str, Any]:
    measured = figure.measured
    return {
        "plugin": one_line(figure.plugin),
        "split": figure.split,
        "metric": one_line(figure.metric),
        "published": figure.published,
        "measured": measured.mean if measured else None,
        "measured_sd": measured.deviation if measured else None,
        "seeds": measured.count if measured else None,
        "difference": figure.difference,
        "verdict": figure.verdict,
        "why": one_line(figure.why),
    }
