"""A report of the gate for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from bench.formatting import one_line
from bench.gate.verdicts import Finding, Report
from bench.render.gate.words import (
    attention,
    detectable_lines,
    fold_line,
    grid,
    sides_line,
    unchanged,
    verdict_line,
)

_LONGEST = 120


def to_text(report: Report, verbose: bool = False) -> str:
    """Return the verdict, what changed or needs attention, and how small a change shows.

    Args:
        report: What a check found.
        verbose: List what is unchanged too.
    """
    parts = [f"{verdict_line(report)}\n{one_line(sides_line(report))}"]
    parts += _table(attention(report), report)
    if rest := unchanged(report):
        parts += _table(rest, report) if verbose else [f"{fold_line(report)}; --verbose lists them"]
    lines = [f"sensitivity: {line}" for line in detectable_lines(report)]
    lines += [f"note: {note}" for note in report.notes]
    parts += ["\n".join(map(one_line, lines))] if lines else []
    return "\n\n".join(parts)


def _table(findings: Sequence[Finding], report: Report) -> list[str]:
    if not findings:
        return []
    table = grid(findings, report)
    body = tabulate(
        [[one_line(cell, _LONGEST) for cell in row] for row in table.rows],
        headers=table.headings,
        colalign=table.aligned,
        disable_numparse=True,
    )
    return [body]
