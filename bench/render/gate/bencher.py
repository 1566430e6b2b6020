"""One side's figures in Bencher's format (BMF), to keep their history there.

The form is that of Bencher's reference, "Bencher Metric Format": benchmarks by name, in
each its measures, with a value and its limits.
"""

from __future__ import annotations

import json
import re

from bench.gate.side import Side
from bench.metrics import QUALITY
from bench.render.gate.figures import Figure, figures

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


def _slug(figure: Figure) -> str:
    name = figure.unit if figure.metric == QUALITY else figure.metric
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_SLUG]
