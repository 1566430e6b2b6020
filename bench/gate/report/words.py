"""How the parts of a finding are written, and which findings need a reader's eye."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeGuard

from bench.formatting import NOTHING, metric_name
from bench.gate.model import (
    BETTER,
    FAILED,
    GONE,
    NEW,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Key,
    Report,
)
from bench.metrics import METRICS, QUALITY

#: What a reader sees first.
_URGENCY = (WORSE, FAILED, NOT_MEASURED, NOT_COMPARABLE, GONE, NEW, BETTER, UNCHANGED)
#: What each exit status counts, as the first line says it.
_STATUSES = {
    1: ("worse", (WORSE,)),
    3: ("failed or not measured", (FAILED, NOT_MEASURED)),
    5: ("not comparable", (NOT_COMPARABLE,)),
}
#: The name of a finding on a plugin as a whole.
WHOLE = "all"
_HEADINGS = ("verdict", "plugin", "metric", "base", "candidate", "change", "interval", "threshold")
_ALIGNED = ("left", "left", "left", "right", "right", "right", "right", "right")


@dataclass(frozen=True)
class Grid:
    """A table as text: its headings, how its columns are aligned, and a row a finding."""

    headings: Sequence[str]
    aligned: Sequence[str]
    rows: Sequence[Sequence[str]]


def verdict_line(report: Report) -> str:
    """Say what was found and the exit status, on one line."""
    total = _many(len(report.findings), "verdict")
    plugins = _many(len({finding.key for finding in report.findings}), "plugin")
    if not report.findings:
        said = "nothing was compared"
    elif report.status in _STATUSES:
        name, kinds = _STATUSES[report.status]
        number = sum(f.verdict in kinds and not is_allowed(f, report) for f in report.findings)
        said = f"{name}: {number:,} of {total} on {plugins}"
    else:
        said = f"nothing worse: {total} on {plugins}"
    passed = _counts(finding for finding in report.findings if is_allowed(finding, report))
    allowed = f"; allowed: {passed}" if passed else ""
    return f"{said}{allowed}; exit status {report.status}"


def sides_line(report: Report) -> str:
    """Name the two sides."""
    return f"base: {report.base}; candidate: {report.candidate}"


def is_allowed(finding: Finding, report: Report) -> bool:
    """Say whether a verdict that is counted elsewhere is let pass in this check."""
    counted = any(finding.verdict in kinds for _, kinds in _STATUSES.values())
    return counted and finding.verdict in report.allowed


def attention(report: Report) -> list[Finding]:
    """Return the findings that changed or need attention, the most urgent first."""
    found = [finding for finding in report.findings if finding.verdict != UNCHANGED]
    return sorted(found, key=lambda finding: _URGENCY.index(finding.verdict))


def unchanged(report: Report) -> list[Finding]:
    """Return the others, in the order of the report."""
    return [finding for finding in report.findings if finding.verdict == UNCHANGED]


def labels(keys: Iterable[Key]) -> dict[Key, str]:
    """Write each plugin's label; with its source, profile and backend where they tell it apart.

    Args:
        keys: Of all plugins that are told of together.
    """
    alike: dict[tuple[str, str], dict[Key, tuple[str, ...]]] = defaultdict(dict)
    for key in keys:
        alike[key.task, key.label][key] = (key.source, key.profile, key.backend)
    written = {}
    for parts in alike.values():
        differs = [len({*each}) > 1 for each in zip(*parts.values(), strict=True)]
        for key, each in parts.items():
            more = ", ".join(part for part, tells in zip(each, differs, strict=True) if tells)
            written[key] = f"{key.label} ({more})" if more else key.label
    return written


def grid(findings: Sequence[Finding], report: Report) -> Grid:
    """Write findings of a report as a table; with their reasons if any has one."""
    names = labels(finding.key for finding in report.findings)
    rows = [_cells(finding, names, report) for finding in findings]
    # Most tables have no reasons, and without their column they fit a terminal.
    if not any(finding.reason for finding in findings):
        return Grid(_HEADINGS, _ALIGNED, rows)
    told = [[*row, finding.reason] for row, finding in zip(rows, findings, strict=True)]
    return Grid((*_HEADINGS, "why"), (*_ALIGNED, "left"), told)


def sentence(finding: Finding, report: Report) -> str:
    """Tell a finding without its plugin: the verdict, the figures, the reason."""
    verdict = f"{finding.verdict} (allowed)" if is_allowed(finding, report) else finding.verdict
    said = f"{metric_of(finding)}: {verdict}" if finding.metric else verdict
    if finding.base is not None and finding.candidate is not None:
        said += f", {value(finding.base, finding.unit)} to {value(finding.candidate, finding.unit)}"
    if _is_known(finding.change):
        range_ = interval(finding)
        within = "" if range_ == NOTHING else f", interval {range_}"
        limit = _size_of_change(finding.threshold, finding.metric)
        beyond = "" if limit == NOTHING else f", threshold {limit}"
        said += f" ({change(finding.change, finding.metric)}{within}{beyond})"
    return f"{said}: {finding.reason}" if finding.reason else said


def metric_of(finding: Finding) -> str:
    """Write the name of a finding's metric as people do: "train step", "MAE (°C)"."""
    if finding.metric == QUALITY and finding.unit:
        return metric_name(finding.unit)
    return finding.metric.replace("_", " ") or WHOLE


def value(number: float | None, unit: str) -> str:
    """Write a value with three digits that count, so that a change of some per cent shows.

    Args:
        number: In the unit; None or NaN is written as nothing.
        unit: "s", "bytes", "" for a count, or the name of a task's metric.
    """
    if number is None or not math.isfinite(number):
        return NOTHING
    if unit == "s":
        return next(
            f"{_three_digits(number * factor)} {name}"
            for name, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
            if abs(number) * factor >= 0.9995 or name == "µs"
        )
    if unit == "bytes":
        gib = number / 1024**3
        in_gib = abs(gib) >= 0.9995
        return f"{_three_digits(gib)} GiB" if in_gib else f"{_three_digits(number / 1024**2)} MiB"
    return f"{number:.4f}" if unit else f"{number:,.0f}"


def change(number: float | None, metric: str) -> str:
    """Write a change with its sign: of quality as it is, of all else in per cent."""
    if not _is_known(number):
        return NOTHING
    sign = "-" if number < 0 else "+" if number > 0 else ""
    return sign + _size_of_change(abs(number), metric)


def interval(finding: Finding) -> str:
    """Write the interval of a change; one that is open on a side by the side it has."""
    low, high = finding.interval or (math.nan, math.nan)
    lower, upper = change(low, finding.metric), change(high, finding.metric)
    if NOTHING not in (lower, upper):
        return f"{lower} to {upper}"
    if lower != NOTHING:
        return f"from {lower}"
    return NOTHING if upper == NOTHING else f"up to {upper}"


def fold_line(report: Report) -> str:
    """Count what is unchanged."""
    return f"{len(unchanged(report)):,} unchanged"


def detectable_lines(report: Report) -> list[str]:
    """Say how small a change for the worse would have been found, for each kind of metric."""
    known: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        metric = METRICS.get(finding.metric)
        if metric is not None and metric.kind != "count" and _is_known(finding.detectable):
            unit = metric_name(finding.unit) if metric.kind == "quality" else ""
            known[metric.kind, unit].append(finding)
    return [_detectable(kind, unit, found) for (kind, unit), found in known.items()]


def _cells(finding: Finding, names: Mapping[Key, str], report: Report) -> list[str]:
    verdict = f"{finding.verdict}, allowed" if is_allowed(finding, report) else finding.verdict
    return [
        verdict,
        f"{finding.key.task} {names[finding.key]}",
        metric_of(finding),
        value(finding.base, finding.unit),
        value(finding.candidate, finding.unit),
        change(finding.change, finding.metric),
        interval(finding),
        _size_of_change(finding.threshold, finding.metric),
    ]


def _detectable(kind: str, unit: str, findings: Sequence[Finding]) -> str:
    sizes = [finding.detectable or 0.0 for finding in findings]
    metric = findings[0].metric
    what = {"time": "a slowdown of", "memory": "more memory by"}.get(kind, f"a loss in {unit} of")
    said = f"{what} {_size_of_change(median(sizes), metric)} would have been found with 95% power"
    if len(findings) == 1:
        return said
    worst = max(findings, key=lambda finding: finding.detectable or 0.0)
    return (
        f"{said} (the median of {len(findings):,}; the largest is "
        f"{_size_of_change(worst.detectable, metric)}, {worst.key} {metric_of(worst)})"
    )


def _is_known(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)


def _size_of_change(number: float | None, metric: str) -> str:
    """Write a change without a sign; one too small for the usual digits with two that count."""
    if not _is_known(number):
        return NOTHING
    if metric == QUALITY:
        return f"{number:.4f}"
    usual = f"{100 * number:.1f}"
    return f"{100 * number:.2g}%" if number and float(usual) == 0.0 else f"{usual}%"


def _three_digits(number: float) -> str:
    """Write 0.812, 8.12, 81.2, 812 and 8,120."""
    size = abs(number)
    digits = 3 if size < 0.9995 else 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{number:,.{digits}f}"


def _counts(findings: Iterable[Finding]) -> str:
    found = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{found[verdict]:,} {verdict}" for verdict in _URGENCY if found[verdict])


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
