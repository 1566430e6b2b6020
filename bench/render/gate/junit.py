"""A report of the gate as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bench.formatting import one_line
from bench.gate.side import Key
from bench.gate.verdicts import (
    FAILED,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Report,
)
from bench.render.gate.words import WHOLE, is_allowed, labels, sentence, sides_line, verdict_line

_ELEMENTS = {WORSE: "failure", FAILED: "error", NOT_MEASURED: "skipped", NOT_COMPARABLE: "skipped"}
_SUITE = "bench check"


def to_junit(report: Report) -> str:
    """Return a document with one test for each finding.

    Worse is a failure, failed an error, what could not be compared a skipped test; so is
    what would be a failure or an error and is allowed.
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
    about = [verdict_line(report), sides_line(report), *report.notes]
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
