"""What the gate tells people: the report of a check, and what a baseline holds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any, TypeGuard

from bench.formatting import NOTHING, measure_name, metric_name
from bench.gate.model import (
    BETTER,
    BISECT_BAD,
    BISECT_GOOD,
    BISECT_SKIP,
    CANNOT_TELL,
    FAILED,
    FAILING,
    GONE,
    NEW,
    NOT_COMPARABLE,
    NOT_MEASURED,
    STATUSES,
    UNCHANGED,
    VERDICTS,
    WORSE,
    Finding,
    Key,
    Measurement,
    Report,
    Side,
)
from bench.metrics import METRICS, PEAK_MEMORY, PREDICT, QUALITY, TRAIN_STEP, estimator
from bench.report.document import (
    Block,
    Bytes,
    Cell,
    CellTable,
    Column,
    Count,
    Document,
    Duration,
    Field,
    Fold,
    IntervalCell,
    Marked,
    Missing,
    Note,
    Notes,
    Number,
    Paragraph,
    Percentage,
    Place,
    Quantity,
    Section,
    Text,
    table_of,
)
from bench.report.writers import to_markdown

SCHEMA_VERSION = 1

#: What a reader sees first.
_URGENCY = (
    *(WORSE, FAILED, NOT_MEASURED, NOT_COMPARABLE, CANNOT_TELL),
    *(GONE, NEW, BETTER, UNCHANGED),
)
_OF_BISECT = {BISECT_GOOD: "good", BISECT_BAD: "bad", BISECT_SKIP: "not judged, to be skipped"}
#: So many seeds are named one by one.
_MOST_SEEDS = 10
#: The name of a finding on a plugin as a whole.
WHOLE = "all"
_LONGEST_ON_TERMINAL = 120
_LONGEST_ON_PAGE = 300

#: GitHub refuses a comment of more than 65,536 characters. Bytes are what a workflow can count.
LONGEST = 60_000


def check_document(report: Report, verbose: bool = False) -> Document:
    """Return the verdict, what changed or needs attention, and how small a change shows.

    Args:
        report: What a check found.
        verbose: List what is unchanged on a terminal too.
    """
    return _document(report, attention(report), unchanged(report), verbose)


def marker(name: str = "") -> str:
    """Return the first line of a comment, unseen by readers.

    A workflow finds its own comment by it, and replaces that one.

    Args:
        name: Of the check, where a repository has several; see ``check --name``.
    """
    return f"<!-- {_title(name)} -->"


def to_comment(report: Report, name: str = "", longest: int = LONGEST) -> str:
    """Return a comment on a pull request: the document in markdown, which notifies nobody.

    What does not fit is left out and counted: first what is unchanged, then the findings
    that are the least urgent.

    Args:
        report: What a check found.
        name: Of the check, as ``marker`` has it.
        longest: Bytes that the comment may have.
    """
    shown = attention(report)
    text = _comment(report, name, shown, unchanged(report))
    if len(text.encode()) > longest:
        text = _comment(report, name, shown, [])
    while len(text.encode()) > longest and shown:
        shown = shown[: len(shown) * 3 // 4]
        text = _comment(report, name, shown, [])
    return text


def _comment(report: Report, name: str, shown: Sequence[Finding], rest: Sequence[Finding]) -> str:
    document = replace(_document(report, shown, rest, verbose=False), title=_title(name))
    return f"{marker(name)}\n{to_markdown(document, in_comment=True)}"


def _title(name: str) -> str:
    return f"bench check: {name}" if name else "bench check"


def _document(
    report: Report, shown: Sequence[Finding], rest: Sequence[Finding], verbose: bool
) -> Document:
    left_out = len(attention(report)) - len(shown)
    opening = (
        Paragraph(verdict_line(report), is_strong=True),
        *(Paragraph(line, is_strong=True) for line in cannot_tell_lines(report)),
        Paragraph(sides_line(report)),
    )
    lines = [Note("sensitivity", line) for line in detectable_lines(report)]
    lines += [Note("note", note, longest=_LONGEST_ON_PAGE) for note in report.notes]
    missing = f"{left_out:,} more verdicts did not fit this comment."
    sections = (
        Section(opening),
        Section((_findings(shown, report),) if shown else ()),
        Section((Paragraph(missing, on=Place.PAGE),) if left_out else ()),
        Section(_unchanged(rest, report, verbose)),
        Section((Notes(tuple(lines)),) if lines else ()),
    )
    return Document(_title(""), sections, _data(report), level=3)


def _unchanged(rest: Sequence[Finding], report: Report, verbose: bool) -> tuple[Block, ...]:
    """Count what is unchanged; ``rest`` of it is folded on a page, for which there is room."""
    line = fold_line(report)
    if not unchanged(report):
        return ()
    on_page = Fold(line, _findings(rest, report)) if rest else Paragraph(f"{line}.", on=Place.PAGE)
    if verbose:
        return _findings(unchanged(report), report, Place.TERMINAL), on_page
    return Paragraph(f"{line}; --verbose lists them", on=Place.TERMINAL), on_page


def _findings(
    findings: Sequence[Finding], report: Report, on: Place = Place.EVERYWHERE
) -> CellTable:
    """Return a table of findings; with their reasons if any has one."""
    fields = _fields(labels(finding.key for finding in report.findings), report)
    # Most tables have no reasons, and without their column they fit a terminal.
    if any(finding.reason for finding in findings):
        fields.append(Field(_words("why"), lambda finding: Text(finding.reason)))
    return table_of(
        fields,
        findings,
        on=on,
        longest_on_terminal=_LONGEST_ON_TERMINAL,
        longest_on_page=_LONGEST_ON_PAGE,
    )


def _fields(names: Mapping[Key, str], report: Report) -> list[Field[Finding]]:
    def verdict(finding: Finding) -> Cell:
        return Marked(Text(finding.verdict), ", allowed" if is_allowed(finding, report) else "")

    return [
        Field(_words("verdict"), verdict),
        Field(_words("plugin"), lambda found: Text(f"{found.key.task} {names[found.key]}")),
        Field(_words("metric"), lambda found: Text(metric_of(found))),
        Field(Column("base", "base"), lambda found: _value(found.base, found)),
        Field(Column("candidate", "candidate"), lambda found: _value(found.candidate, found)),
        Field(Column("change", "change"), lambda found: _change(found.change, found.metric)),
        Field(Column("interval", "interval"), _interval),
        Field(Column("threshold", "threshold"), lambda found: _size(found.threshold, found.metric)),
    ]


def _words(heading: str) -> Column:
    return Column(heading, heading, is_number=False)


def _value(value: float | None, finding: Finding) -> Cell:
    return Quantity(value, finding.unit)


def _change(change: float | None, metric: str) -> Cell:
    """Write a change with its sign: of quality as it is, of all else in per cent."""
    if metric != QUALITY:
        return Percentage(change, is_signed=True)
    return Number(0.0) if change == 0 else Number(change, is_signed=True)


def _size(change: float | None, metric: str) -> Cell:
    """Write a change without a sign."""
    return Number(change) if metric == QUALITY else Percentage(change)


def _interval(finding: Finding) -> Cell:
    low, high = finding.interval or (None, None)
    return IntervalCell(_change(low, finding.metric), _change(high, finding.metric))


def _data(report: Report) -> dict[str, Any]:
    verdicts = [finding.verdict for finding in report.findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "base": report.base,
        "candidate": report.candidate,
        "status": report.status,
        "allowed": sorted(report.allowed),
        "fail_on": sorted(report.refused),
        "counts": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
        "estimators": {
            name: estimator(name)
            for name in METRICS
            if any(finding.metric == name for finding in report.findings)
        },
        "findings": [_finding(finding, report) for finding in report.findings],
        "notes": report.notes,
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    flat = asdict(finding)
    return {**flat.pop("key"), **flat, "is_allowed": is_allowed(finding, report)}


# How the parts of a report are written, and which findings need a reader's eye


def verdict_line(report: Report) -> str:
    """Say what was found and the exit status, on one line."""
    total = _many(len(report.findings), "verdict")
    plugins = _many(len({finding.key for finding in report.findings}), "plugin")
    if report.is_bisect:
        said = f"{_OF_BISECT[report.status]}: {_counts(report.findings) or 'nothing was compared'}"
    elif not report.findings:
        said = "nothing was compared"
    elif report.status in STATUSES:
        name, kinds = STATUSES[report.status]
        failing = [f.verdict for f in report.findings if f.verdict in report.failing & {*kinds}]
        name = name or " or ".join(kind for kind in kinds if kind in failing)
        said = f"{name}: {len(failing):,} of {total} on {plugins}"
    else:
        said = f"nothing worse: {total} on {plugins}"
    passed = _counts(finding for finding in report.findings if is_allowed(finding, report))
    allowed = f"; allowed: {passed}" if passed else ""
    return f"{said}{allowed}; exit status {report.status}"


def cannot_tell_lines(report: Report) -> list[str]:
    """Say of how much it cannot be told whether it is worse, and what it would take; or nothing."""
    found = [finding for finding in report.findings if finding.verdict == CANNOT_TELL]
    if not found:
        return []
    needed: dict[str, int] = {}
    for finding in found:
        if finding.needed is not None:
            of, count = finding.needed.of, finding.needed.count
            needed[of] = max(count, needed.get(of, 0))
    said = f"cannot tell: {len(found):,} of {_many(len(report.findings), 'verdict')}"
    takes = " and ".join(_needed(count, of) for of, count in needed.items())
    return [f"{said}; it takes {takes}" if takes else said]


def _needed(count: int, of: str) -> str:
    """Write how many of something are needed, and how to ask for them."""
    if of == "seeds a side" and count <= _MOST_SEEDS:
        return f"{count} {of} (--seeds {','.join(map(str, range(count)))})"
    return f"{count:,} {of}" + (f" (--pairs {count})" if of == "rounds" else "")


def sides_line(report: Report) -> str:
    """Name the two sides."""
    return f"base: {report.base}; candidate: {report.candidate}"


def is_allowed(finding: Finding, report: Report) -> bool:
    """Say whether a verdict that is counted elsewhere is tolerated in this check."""
    return finding.verdict in FAILING and finding.verdict in report.allowed


def attention(report: Report) -> list[Finding]:
    """Return the findings that changed or need attention, the most urgent first."""
    found = [finding for finding in report.findings if finding.verdict != UNCHANGED]
    return sorted(found, key=lambda finding: _URGENCY.index(finding.verdict))


def unchanged(report: Report) -> list[Finding]:
    """Return the others, in the order of the report."""
    return [finding for finding in report.findings if finding.verdict == UNCHANGED]


def labels(keys: Iterable[Key]) -> dict[Key, str]:
    """Write each plugin's label; with its source, profile and backend where these differ.

    Args:
        keys: Of all plugins that are shown together.
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


def sentence(finding: Finding, report: Report) -> str:
    """Tell a finding without its plugin: the verdict, the figures, the reason."""
    verdict = f"{finding.verdict} (allowed)" if is_allowed(finding, report) else finding.verdict
    said = f"{metric_of(finding)}: {verdict}" if finding.metric else verdict
    if finding.base is not None and finding.candidate is not None:
        base, candidate = _value(finding.base, finding), _value(finding.candidate, finding)
        said += f", {base.text} to {candidate.text}"
    if _is_known(finding.change):
        range_, limit = _interval(finding).text, _size(finding.threshold, finding.metric).text
        within = "" if range_ == NOTHING else f", interval {range_}"
        beyond = "" if limit == NOTHING else f", threshold {limit}"
        said += f" ({_change(finding.change, finding.metric).text}{within}{beyond})"
    # The reason of a failure begins with its status, which may be the verdict's own word.
    reason = finding.reason.removeprefix(f"{finding.verdict}: ")
    return f"{said}: {reason}" if reason else said


def metric_of(finding: Finding) -> str:
    """Write the name of a finding's metric as people do: "train step", "MAE (°C)"."""
    if finding.metric == QUALITY and finding.unit:
        return metric_name(finding.unit)
    return measure_name(finding.metric) or WHOLE


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
    names = labels(finding.key for finding in report.findings)
    return [_detectable(kind, unit, found, names) for (kind, unit), found in known.items()]


def _detectable(kind: str, unit: str, findings: Sequence[Finding], names: Mapping[Key, str]) -> str:
    sizes = [finding.detectable or 0.0 for finding in findings]
    metric = findings[0].metric
    what = {"time": "a slowdown of", "memory": "more memory by"}.get(kind, f"a loss in {unit} of")
    size = _size(median(sizes), metric).text
    said = f"{what} {size} would have been found with 95% power"
    if len(findings) == 1:
        return said
    worst = max(findings, key=lambda finding: finding.detectable or 0.0)
    return (
        f"{said} (the median of {len(findings):,}; the largest is "
        f"{_size(worst.detectable, metric).text}, {worst.key.task} {names[worst.key]} "
        f"{metric_of(worst)})"
    )


def _is_known(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)


def _counts(findings: Iterable[Finding]) -> str:
    found = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{found[verdict]:,} {verdict}" for verdict in _URGENCY if found[verdict])


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# What a baseline holds


def baseline_document(side: Side) -> Document:
    """Return a table with a line for each plugin."""
    names = labels(side.plugins)
    fields: list[Field[Measurement]] = [
        Field(_words("plugin"), lambda found: Text(f"{found.key.task} {names[found.key]}")),
        Field(Column("quality", "quality"), _quality),
        Field(
            Column("seeds", "seeds"),
            lambda found: Count(len(found.quality.seeds)) if found.quality else Missing(),
        ),
        Field(Column("train step", TRAIN_STEP), lambda found: Duration(found.value(TRAIN_STEP))),
        Field(Column("prediction", PREDICT), lambda found: Duration(found.value(PREDICT))),
        Field(Column("memory", PEAK_MEMORY), lambda found: Bytes(found.value(PEAK_MEMORY))),
        Field(_words("status"), _status),
    ]
    table = table_of(fields, side.plugins.values(), is_narrow=False)
    about = f"quality: {estimator(QUALITY)}; times and memory: {estimator(TRAIN_STEP)}"
    return Document("Baseline", (Section((table, Paragraph(about))),))


def _quality(measured: Measurement) -> Cell:
    if measured.quality is None or not measured.quality.seeds:
        return Missing()
    name = metric_name(measured.quality.metric)
    return Marked(Number(measured.value(QUALITY)), f" {name}")


def _status(measured: Measurement) -> Cell:
    status = ": ".join(filter(None, (measured.status, measured.reason)))
    return Text(f"{status}, times contended" if measured.disturbed else status)
