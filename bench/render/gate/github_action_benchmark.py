"""One side's figures for github-action-benchmark, which charts them over commits.

The form is that of its tools ``customSmallerIsBetter`` and ``customBiggerIsBetter``: a list
of objects with name, unit and value, and the texts range and extra.
"""

from __future__ import annotations

import json

from bench.formatting import metric_name
from bench.gate.side import Side
from bench.metrics import QUALITY
from bench.render.gate.figures import Figure, figures

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


def _entry(figure: Figure) -> dict[str, str | float]:
    is_quality = figure.metric == QUALITY
    unit, factor = _UNITS.get(figure.unit, (metric_name(figure.unit), 1.0))
    name = unit if is_quality else figure.metric.replace("_", " ")
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
