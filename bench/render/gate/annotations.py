"""A report of the gate as GitHub's workflow commands, which mark files of a pull request.

Their form and escapes are those of the documentation of GitHub Actions ("Workflow commands")
and of its toolkit. GitHub shows ten errors, ten warnings and ten notices of a step.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.formatting import one_line
from bench.gate.verdicts import FAILED, NOT_COMPARABLE, NOT_MEASURED, WORSE, Finding, Report
from bench.render.gate.words import attention, is_allowed, labels, sentence

_LEVELS = {WORSE: "error", FAILED: "error", NOT_MEASURED: "warning", NOT_COMPARABLE: "warning"}
_IN_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_IN_PROPERTIES = (*_IN_DATA, (":", "%3A"), (",", "%2C"))


def to_annotations(report: Report, paths: Mapping[str, str] | None = None) -> str:
    """Return a line for each finding that is not unchanged, the most urgent first.

    Args:
        report: What a check found.
        paths: The plugins' files by label, relative to the repository's root.
    """
    names = labels(finding.key for finding in report.findings)
    lines = []
    for finding in attention(report):
        title = f"{finding.key.task} {names[finding.key]}: {finding.verdict}"
        properties = {"title": title}
        if path := (paths or {}).get(finding.key.label):
            properties = {"file": path, **properties}
        lines.append(_command(_level(finding, report), properties, sentence(finding, report)))
    return "\n".join(lines)


def _level(finding: Finding, report: Report) -> str:
    return "notice" if is_allowed(finding, report) else _LEVELS.get(finding.verdict, "notice")


def _command(level: str, properties: Mapping[str, str], message: str) -> str:
    written = ",".join(
        f"{name}={_escaped(one_line(text), _IN_PROPERTIES)}" for name, text in properties.items()
    )
    return f"::{level} {written}::{_escaped(one_line(message), _IN_DATA)}"


def _escaped(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for character, escape in replacements:
        text = text.replace(character, escape)
    return text
