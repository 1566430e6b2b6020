"""A report of the gate for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from bench.formatting import one_line
from bench.gate.model import Finding, Report
from bench.gate.report.words import (
    attention,
    detectable_lines,
    fold_line,
    grid,
    sides_line,
    unchanged,
    verdict_line,
)
from bench.report.writers import escape_markdown

_LONGEST = 120


def to_text(report: Report, verbose: bool = False) -> str:
    """Return the verdict, what changed or needs attention, and how small a change shows.

    Args:
        report: What a check found.
        verbose: List what is unchanged too.
    """
    parts = [f"{verdict_line(report)}\n{one_line(sides_line(report))}"]
    parts += _text_table(attention(report), report)
    if rest := unchanged(report):
        parts += (
            _text_table(rest, report) if verbose else [f"{fold_line(report)}; --verbose lists them"]
        )
    lines = [f"sensitivity: {line}" for line in detectable_lines(report)]
    lines += [f"note: {note}" for note in report.notes]
    parts += ["\n".join(map(one_line, lines))] if lines else []
    return "\n\n".join(parts)


def _text_table(findings: Sequence[Finding], report: Report) -> list[str]:
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


# A report of the gate as a comment on a pull request

#: The first line, unseen by readers: a workflow finds its own comment by it, and replaces it.
MARKER = "<!-- bench check -->"
#: GitHub refuses a comment of more than 65,536 characters.
LONGEST = 60_000
_LONGEST_CELL = 300


def to_markdown(report: Report, longest: int = LONGEST) -> str:
    """Return a comment: the verdict, a table of what changed, and the rest folded away.

    What does not fit is left out and counted: first what is unchanged, then the findings
    that are the least urgent.

    Args:
        report: What a check found.
        longest: Characters that the comment may have.
    """
    shown, rest = attention(report), unchanged(report)
    text = _comment(report, shown, rest)
    if len(text) > longest:
        text = _comment(report, shown, [])
    while len(text) > longest and shown:
        shown = shown[: len(shown) * 3 // 4]
        text = _comment(report, shown, [])
    return text


def _comment(report: Report, shown: Sequence[Finding], rest: Sequence[Finding]) -> str:
    parts = [
        f"{MARKER}\n### bench check",
        f"**{_safe(verdict_line(report))}**",
        _safe(sides_line(report)),
    ]
    parts += [_markdown_table(shown, report)] if shown else []
    left_out = len(attention(report)) - len(shown)
    parts += [f"{left_out:,} more verdicts did not fit this comment."] if left_out else []
    if rest:
        parts.append(_folded(fold_line(report), _markdown_table(rest, report)))
    elif unchanged(report):
        parts.append(f"{fold_line(report)}.")
    lines = [f"- sensitivity: {_safe(line)}" for line in detectable_lines(report)]
    lines += [f"- note: {_safe(note, _LONGEST_CELL)}" for note in report.notes]
    parts += ["\n".join(lines)] if lines else []
    return "\n\n".join(parts) + "\n"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _markdown_table(findings: Sequence[Finding], report: Report) -> str:
    table = grid(findings, report)
    return tabulate(
        [[_safe(cell, _LONGEST_CELL) for cell in row] for row in table.rows],
        headers=table.headings,
        tablefmt="pipe",
        colalign=table.aligned,
        disable_numparse=True,
    )


def _safe(text: str, longest: int | None = None) -> str:
    # A name in an error message is no reason to notify its owner.
    return escape_markdown(text, longest).replace("@", "@<!-- -->")
