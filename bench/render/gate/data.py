"""A report of the gate as JSON, for other programs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from bench.gate.verdicts import VERDICTS, Finding, Report
from bench.render.gate.words import is_allowed

SCHEMA_VERSION = 1


def to_json(report: Report) -> str:
    """Return the report as one JSON document; what is not known, or not a number, is null."""
    verdicts = [finding.verdict for finding in report.findings]
    document = {
        "schema_version": SCHEMA_VERSION,
        "base": report.base,
        "candidate": report.candidate,
        "status": report.status,
        "allowed": sorted(report.allowed),
        "counts": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
        "findings": [_finding(finding, report) for finding in report.findings],
        "notes": list(report.notes),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    flat = asdict(finding)
    flat = {**flat.pop("key"), **flat, "is_allowed": is_allowed(finding, report)}
    return {name: _numbers_only(part) for name, part in flat.items()}


def _numbers_only(part: Any) -> Any:
    if isinstance(part, tuple):
        return [_numbers_only(each) for each in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part
