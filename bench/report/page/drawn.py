"""What the pictures of a page are drawn from: numbers of a table, ready to be written as JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis import predicted as found
from bench.analysis.frontier import (
    COSTS,
    LOSS,
    Curve,
    Range,
    baseline,
    curves_of,
    frontier,
    panels,
    points,
    shared_range,
    visible,
)
from bench.analysis.leaderboard import Row, Table
from bench.formatting import metric_name

if TYPE_CHECKING:
    from bench.task import Array

Drawn = dict[str, Any]
Predictions = Mapping[str, found.Predicted]

_FARTHEST = 3.0
_STEPS = 32767


def drawn(table: Table, predictions: Predictions) -> Drawn:
    """Return what is drawn of a table.

    Args:
        table: The table, judged or not.
        predictions: What its rows predicted for the test split, by label, as far as it is kept.
    """
    rows = [row for row in table.rows if table.metric in row.validation]
    return {
        "metric": metric_name(table.metric),
        "better": "lower" if table.direction == "min" else "higher",
        "baseline": {"label": table.baseline, "value": _short(baseline(table))},
        "rows": [_row(table, row) for row in rows],
        "range": _range(table),
        "frontier": {cost: _frontier(table, cost) for cost in COSTS},
        "curves": {
            "metric": {row.label: _curves(table, row, table.metric) for row in rows},
            "loss": {row.label: _curves(table, row, LOSS) for row in rows},
        },
        "curves_range": _curves_range(table),
        **_of_series(table, predictions),
        **_of_classes(predictions),
    }


def _row(table: Table, row: Row) -> Drawn:
    spread = row.validation[table.metric]
    return {
        "label": row.label,
        "mean": _short(spread.mean),
        "low": _short(spread.interval.low if spread.interval else None),
        "high": _short(spread.interval.high if spread.interval else None),
        "costs": {name: _short(cost(row)) for name, cost in COSTS.items()},
        "contended": bool(row.costs and row.costs.contended),
    }


def _frontier(table: Table, cost: str) -> list[str]:
    return [point.label for point in frontier(points(table, cost), table.direction)]


def _range(table: Table) -> list[float | None]:
    """Return the ends of an axis for the means and their intervals, and for the baseline.

    Means that would flatten all others lie beyond, but for the baseline's.
    """
    found = [row.validation[table.metric] for row in table.rows if table.metric in row.validation]
    if not found:
        return [0.0, 1.0]
    span = visible([spread.mean for spread in found], table.direction).wider(0.1)
    ends = [span.low, span.high]
    for spread in found:
        if span.holds(spread.mean) and spread.interval:
            ends += [spread.interval.low, spread.interval.high]
    level = baseline(table)
    ends += [] if level is None else [level]
    whole = Range(min(ends), max(ends)).wider(0.03)
    return [_short(whole.low), _short(whole.high)]


def _curves_range(table: Table) -> list[float | None] | None:
    trained = [panel for panel in panels(table) if panel.curves]
    if not trained:
        return None
    span = shared_range(trained, table)
    return [_short(span.low), _short(span.high)]


def _curves(table: Table, row: Row, measure: str) -> list[Drawn]:
    return [
        {"seed": seed, "train": _values(curve.train), "validation": _values(curve.validation)}
        for seed, curve in curves_of(table, row, measure).items()
        if _is_curve(curve)
    ]


def _is_curve(curve: Curve) -> bool:
    return any(map(math.isfinite, (*curve.train, *curve.validation)))


def _values(values: Sequence[float]) -> list[float | None]:
    return [_short(value) for value in values]


def _short(value: float | None) -> float | None:
    """Return a number with five digits that count, which a picture does not exceed."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


# Predictions: of a series the forecasts and when they are wrong, of classes the calibration


def _of_series(table: Table, predictions: Predictions) -> Drawn:
    series = [each for each in predictions.values() if table.in_time and not each.are_classes]
    times = times_of(series[0]) if series else None
    if times is None:
        return {}
    same = [each for each in series if _is_of(each, series[0])]
    scale = scale_of(table, same[0])
    truth = same[0].targets * scale.factor + scale.offset
    values = {each.label: each.values[0] * scale.factor + scale.offset for each in same}
    # A forecast that is far off is drawn at the edge: whole numbers of 16 bits are enough.
    step = _FARTHEST * float(abs(truth).max()) / _STEPS or 1.0
    return {
        "forecast": {
            "unit": scale.unit,
            "step": step,
            "minutes": _packed(times // 60, "<i4"),
            "truth": _packed(truth / step, "<i2"),
            "rows": {
                each.label: {"seed": each.seeds[0], "values": _packed(values[each.label] / step)}
                for each in same
            },
        },
        "seasons": [*found.SEASONS],
        "errors": {each.label: _errors(each, times, scale) for each in same},
    }


def _is_of(one: found.Predicted, other: found.Predicted) -> bool:
    return one.targets.shape == other.targets.shape and bool((one.targets == other.targets).all())


def _errors(each: found.Predicted, times: Array, scale: Scale) -> Drawn:
    errors = abs(each.values - each.targets).mean(axis=0) * scale.factor
    return {
        "hour": [_short(value) for value in found.by_hour(times, errors)],
        "season": [_short(value) for value in found.by_season(times, errors)],
    }


def times_of(each: found.Predicted) -> Array | None:
    """Return when the targets of a series are; None where the records do not tell."""
    interval = each.meta.get("interval_seconds")
    if each.numbers is None or not isinstance(interval, int):
        return None
    return found.instants(each.groups, each.numbers, interval)


@dataclass(frozen=True)
class Scale:
    """How standardised values become those of a series: times ``factor``, plus ``offset``."""

    factor: float
    offset: float
    unit: str


def scale_of(table: Table, each: found.Predicted) -> Scale:
    """Return how a series is shown: in its own unit where its data say mean and deviation."""
    mean, std = each.meta.get("mean"), each.meta.get("std")
    further = [unit for name, unit in table.units.items() if name != table.metric]
    known = all(isinstance(one, int | float) and math.isfinite(one) for one in (mean, std))
    if known and std and further:
        return Scale(float(std), float(mean or 0.0), str(further[0]))
    return Scale(1.0, 0.0, str(table.units.get(table.metric, "")))


def _packed(values: Array, kind: str = "<i2") -> str:
    import numpy as np

    most = np.iinfo(kind).max
    return base64.b64encode(np.clip(np.round(values), -most, most).astype(kind).tobytes()).decode()


def _of_classes(predictions: Predictions) -> Drawn:
    bins = {
        label: found.calibration(each.targets, each.values)
        for label, each in predictions.items()
        if each.are_classes
    }
    if not bins:
        return {}
    return {
        "calibration": {
            label: [[one.examples, _short(one.predicted), _short(one.share)] for one in of_row]
            for label, of_row in bins.items()
        }
    }
