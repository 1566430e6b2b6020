"""What one side measured, as figures for those who keep their history elsewhere."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bench.formatting import measure_name, metric_name, one_line
from bench.gate.model import (
    CANNOT_TELL,
    FAILED,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Key,
    Measurement,
    Report,
    Side,
)
from bench.gate.report.people import (
    WHOLE,
    attention,
    cannot_tell_lines,
    check_document,
    is_allowed,
    labels,
    sentence,
    sides_line,
    to_comment,
    verdict_line,
)
from bench.metrics import METRICS, QUALITY, Metric, estimator
from bench.protocol import OK
from bench.report.writers import to_json, to_text


@dataclass(frozen=True)
class ExportedMetric:
    """One metric of one plugin.

    ``name`` is the plugin's; ``unit`` "s", "bytes", "" or the name of the task's metric;
    ``direction`` "min" or "max". ``value``, ``low``, ``high`` and ``count`` are those of
    ``Measurement.estimate``; ``about`` says of what, and by which estimator.
    """

    name: str
    metric: str
    unit: str
    direction: str
    value: float
    low: float
    high: float
    count: int
    about: str


def figures(side: Side) -> list[ExportedMetric]:
    """Return all finite figures of the plugins that are ok, by plugin and metric."""
    names = labels(side.plugins)
    return [
        figure
        for key, measured in sorted(side.plugins.items())
        if measured.status == OK
        for figure in _figures(f"{key.task} {names[key]}", measured)
        if all(map(math.isfinite, (figure.value, figure.low, figure.high)))
    ]


def _figures(name: str, measured: Measurement) -> Iterator[ExportedMetric]:
    for metric in METRICS.values():
        estimate = measured.estimate(metric.name)
        if estimate is None:
            continue
        quality = measured.quality if metric.name == QUALITY else None
        yield ExportedMetric(
            name,
            metric.name,
            quality.metric if quality else metric.unit,
            quality.direction if quality else metric.direction,
            estimate.value,
            estimate.low,
            estimate.high,
            estimate.count,
            _about(measured.key, metric, estimate.count),
        )


def _about(key: Key, metric: Metric, count: int) -> str:
    about = f"data: {key.source}, profile: {key.profile}, backend: {key.backend}"
    if metric.kind == "count":
        return about
    what = "seeds" if metric.kind == "quality" else "processes"
    return f"{about}, {what}: {count}, value: {estimator(metric.name)}"


# A report of the gate as JUnit XML, which CI systems show as tests


_ELEMENTS = {
    WORSE: "failure",
    FAILED: "error",
    NOT_MEASURED: "skipped",
    NOT_COMPARABLE: "skipped",
    CANNOT_TELL: "skipped",
}
_SUITE = "bench check"


def to_junit(report: Report) -> str:
    """Return a document with one test for each finding.

    Worse is a failure, and so is what the check was asked to fail by; failed is an error, what
    could not be compared or told a skipped test, and so is what would be a failure or an error
    and is allowed.
    """
    names = labels(finding.key for finding in report.findings)
    suite = Element("testsuite", name=_SUITE)
    kinds: list[str] = []
    for finding in report.findings:
        kinds.append(_add(suite, finding, names, report))
    counts = {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": "0",
    }
    suite.attrib.update(counts)
    about = [
        verdict_line(report),
        *cannot_tell_lines(report),
        sides_line(report),
        *report.notes,
    ]
    SubElement(suite, "system-out").text = "\n".join(map(one_line, about))
    root = Element("testsuites", {"name": _SUITE, **counts})
    root.append(suite)
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _add(suite: Element, finding: Finding, names: Mapping[Key, str], report: Report) -> str:
    """Add a finding's test and return the kind of what is in it."""
    test = SubElement(
        suite,
        "testcase",
        classname=one_line(f"{finding.key.task}.{names[finding.key]}"),
        name=one_line(finding.metric or WHOLE),
        time="0",
    )
    kind = _ELEMENTS.get(finding.verdict, "")
    message = one_line(sentence(finding, report))
    if finding.verdict in report.failing & {*report.refused} and kind != "error":
        kind = "failure"
    if kind and is_allowed(finding, report):
        kind = "skipped"
    if kind:
        inner = SubElement(test, kind, message=message)
        if kind != "skipped":
            # Some readers show the attribute, others the text.
            inner.set("type", finding.verdict)
            inner.text = message
    elif finding.verdict != UNCHANGED:
        SubElement(test, "system-out").text = message
    return kind


# A report of the gate as GitHub's workflow commands, which mark files of a pull request


_LEVELS = {
    WORSE: "error",
    FAILED: "error",
    NOT_MEASURED: "warning",
    NOT_COMPARABLE: "warning",
    CANNOT_TELL: "warning",
}
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
    if finding.verdict in report.failing & {*report.refused}:
        return "error"
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


# One side's figures in Bencher's format (BMF), to keep their history there


_NANOSECONDS = 1e9
_LONGEST_NAME = 1024
_LONGEST_SLUG = 64


def to_bmf(side: Side) -> str:
    """Return all figures of a side.

    A time is a benchmark of its own with Bencher's built-in measure, latency in nanoseconds.
    Peak memory in bytes, parameters and the task's metric are measures of the plugin; Bencher
    makes those that it does not know. The limits are the least and the largest of processes
    or seeds.
    """
    document: dict[str, dict[str, dict[str, float]]] = {}
    for figure in figures(side):
        is_time = figure.unit == "s"
        name = f"{figure.name} {figure.metric}" if is_time else figure.name
        measures = document.setdefault(name[:_LONGEST_NAME], {})
        factor = _NANOSECONDS if is_time else 1.0
        limits = {"lower_value": figure.low * factor, "upper_value": figure.high * factor}
        metric = {"value": figure.value * factor, **(limits if figure.count > 1 else {})}
        measures["latency" if is_time else _slug(figure)] = metric
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _slug(figure: ExportedMetric) -> str:
    name = figure.unit if figure.metric == QUALITY else figure.metric
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_SLUG]


# One side's figures for github-action-benchmark, which charts them over commits


_UNITS = {"s": ("ms", 1e3), "bytes": ("MiB", 1 / 1024**2)}


def to_github_action_benchmark(side: Side, direction: str) -> str:
    """Return the figures of one direction: a document of that tool can hold no other.

    The action refuses an empty list, so do not give it one.

    Args:
        side: What was measured.
        direction: "min" (times, memory, parameters, errors) or "max" (accuracy).
    """
    entries = [_entry(figure) for figure in figures(side) if figure.direction == direction]
    return json.dumps(entries, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _entry(figure: ExportedMetric) -> dict[str, str | float]:
    is_quality = figure.metric == QUALITY
    unit, factor = _UNITS.get(figure.unit, (metric_name(figure.unit), 1.0))
    name = unit if is_quality else measure_name(figure.metric)
    entry: dict[str, str | float] = {
        "name": f"{figure.name}: {name}",
        # The charts have an axis for each unit; a count has to call itself something.
        "unit": unit or "weights",
        "value": _rounded(figure.value * factor),
        "extra": figure.about,
    }
    if figure.count > 1:
        low, high = _rounded(figure.low * factor), _rounded(figure.high * factor)
        entry["range"] = f"{low:g} to {high:g}"
    return entry


def _rounded(number: float) -> float:
    """Return six digits that count: whole numbers stay exact."""
    return number if number.is_integer() else float(f"{number:.6g}")


# The forms in which a check is told, by the names that the command line gives them


@dataclass(frozen=True)
class RenderInput:
    """All that the forms tell of a check.

    ``candidate`` is the side that was judged. ``paths`` are the plugins' files by label,
    relative to the repository's root. ``verbose`` lists what is unchanged too, ``name`` is that
    of the check, "" where there is but one.
    """

    report: Report
    candidate: Side
    paths: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False
    name: str = ""


FORMATS: Mapping[str, Callable[[RenderInput], str]] = {
    "text": lambda told: to_text(check_document(told.report, told.verbose)),
    "md": lambda told: to_comment(told.report, told.name),
    "annotations": lambda told: to_annotations(told.report, told.paths),
    "junit": lambda told: to_junit(told.report),
    "json": lambda told: to_json(check_document(told.report)),
    "github-action-benchmark": lambda told: to_github_action_benchmark(told.candidate, "min"),
    "github-action-benchmark-bigger": lambda told: to_github_action_benchmark(
        told.candidate, "max"
    ),
    "bmf": lambda told: to_bmf(told.candidate),
}
