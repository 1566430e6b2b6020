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
    without_cost,
)
from bench.analysis.leaderboard import Row, Table
from bench.formatting import few, metric_name, one_line

if TYPE_CHECKING:
    from bench.task import Array

Drawn = dict[str, Any]
Predictions = Mapping[str, found.Predicted]

#: Numbers of forecasts and truth in a page, of two bytes each.
MOST_NUMBERS = 1_000_000
_FARTHEST = 3.0
_STEPS = 32767


def drawn(table: Table, predictions: Predictions, most: int = MOST_NUMBERS) -> Drawn:
    """Return what is drawn of a table.

    Args:
        table: The table, judged or not.
        predictions: What its rows predicted for the test split, by label, as far as it is kept.
        most: How many numbers of forecasts there may be.
    """
    rows = [row for row in table.rows if table.metric in row.validation]
    return {
        "metric": metric_name(table.metric),
        "better": "lower" if table.direction == "min" else "higher",
        "baseline": {"label": table.baseline, "value": short(baseline(table))},
        "rows": [_row(table, row) for row in rows],
        "range": _range(table),
        "frontier": {cost: _frontier(table, cost) for cost in COSTS},
        "left_out": {cost: few(without_cost(table, cost)) for cost in COSTS},
        "curves": {
            "metric": {row.label: _curves(table, row, table.metric) for row in rows},
            "loss": {row.label: _curves(table, row, LOSS) for row in rows},
        },
        "curves_range": _curves_range(table),
        **_of_series(table, predictions, most),
        **_of_classes(predictions),
    }


def _row(table: Table, row: Row) -> Drawn:
    spread = row.validation[table.metric]
    return {
        "label": row.label,
        "mean": short(spread.mean),
        "low": short(spread.interval.low if spread.interval else None),
        "high": short(spread.interval.high if spread.interval else None),
        "costs": {name: short(cost(row)) for name, cost in COSTS.items()},
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
    return [short(whole.low), short(whole.high)]


def _curves_range(table: Table) -> list[float | None] | None:
    trained = [panel for panel in panels(table) if panel.curves]
    if not trained:
        return None
    span = shared_range(trained, table)
    return [short(span.low), short(span.high)]


def _curves(table: Table, row: Row, measure: str) -> list[Drawn]:
    return [
        {"seed": seed, "train": _values(curve.train), "validation": _values(curve.validation)}
        for seed, curve in curves_of(table, row, measure).items()
        if _is_curve(curve)
    ]


def _is_curve(curve: Curve) -> bool:
    return any(map(math.isfinite, (*curve.train, *curve.validation)))


def _values(values: Sequence[float | None]) -> list[float | None]:
    return [short(value) for value in values]


def short(value: float | None) -> float | None:
    """Return a number with five digits that count, which a picture does not exceed."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


# Predictions of a series: the forecasts, and when they are wrong


def _of_series(table: Table, predictions: Predictions, most: int) -> Drawn:
    series = [each for each in predictions.values() if table.in_time and not each.classes]
    if not series:
        return {}
    same = [each for each in series if _is_of(each, series[0])]
    errors = {each.label: errors_of(table, each) for each in same}
    made: Drawn = {"seasons": [*found.SEASONS]}
    if course := _abscissa(same[0]):
        made["forecast"] = _forecast(table, same, course, most)
    if any(each.by for each in errors.values()):
        made["errors_unit"] = errors[same[0].label].unit
        made["errors"] = {
            label: {name: [short(value) for value in means] for name, (_, means) in each.by.items()}
            for label, each in errors.items()
        }
    return made


def _is_of(one: found.Predicted, other: found.Predicted) -> bool:
    return one.targets.shape == other.targets.shape and bool((one.targets == other.targets).all())


@dataclass(frozen=True)
class _Abscissa:
    """Where the first targets of a series lie, shape (n,), and how far apart its steps are.

    That is in minutes since 1970, or in rows of the series. ``window`` is how much is shown.
    """

    unit: str
    x: Array
    step: int
    window: int


def _abscissa(each: found.Predicted) -> _Abscissa | None:
    times = times_of(each)
    if times is not None:
        interval = int(each.meta["interval_seconds"])
        window = max(_WEEK, _IN_SIGHT * interval // 60)
        return _Abscissa("minutes", times // 60, max(1, interval // 60), window)
    if (each.groups[1:] > each.groups[:-1]).all():
        return _Abscissa("rows", each.groups, 1, _IN_SIGHT)
    return None


_WEEK = 7 * 24 * 60
#: Targets that are shown at once of a series that has not as many in a week.
_IN_SIGHT = 150


def _forecast(table: Table, same: Sequence[found.Predicted], course: _Abscissa, most: int) -> Drawn:
    outputs, scales = found.outputs_of(same[0]), scales_of(table, same[0])
    examples = len(same[0].targets)
    chosen = _chosen(outputs, most // (examples * (len(same) + 1)))
    last = min(examples, max(1, most // (len(chosen) * (len(same) + 1))))
    steps = []
    lines: dict[str, list[str]] = {each.label: [] for each in same}
    for number in chosen:
        output = outputs[number]
        scale = scales[output.target]
        truth = scale.of(_output(same[0].targets, number)[-last:])
        # A forecast that is far off is drawn at the edge: whole numbers of 16 bits are enough.
        step = _FARTHEST * float(abs(truth).max()) / _STEPS or 1.0
        steps.append(
            {
                "name": _told(output, outputs),
                "unit": scale.unit or one_line(output.column),
                "step": step,
                "ahead": output.step * course.step,
                "truth": _packed(truth / step),
            }
        )
        for each in same:
            values = scale.of(_output(each.values[0], number)[-last:])
            lines[each.label].append(_packed(values / step))
    return {
        "unit_of_x": course.unit,
        "x": _packed(course.x[-last:], "<i4"),
        "window": course.window,
        "note": "" if last == examples else f"Of the last {last:,} of {examples:,} examples.",
        "outputs": steps,
        "rows": {each.label: {"seed": each.seeds[0], "values": lines[each.label]} for each in same},
    }


def _output(values: Array, number: int) -> Array:
    """Return one output of each example, shape (n,)."""
    return values if values.ndim == 1 else values[:, number]


def _chosen(outputs: Sequence[found.OutputName], most: int) -> list[int]:
    """Return the outputs of which the forecasts are drawn: some columns, near and far steps."""
    last = outputs[-1].step
    steps = sorted({0, last // 2, last})
    columns = max(1, _OUTPUTS // len(steps))
    numbers = [n for n, each in enumerate(outputs) if each.step in steps and each.target < columns]
    while len(numbers) > max(1, most):
        del numbers[len(numbers) // 2]
    return numbers


#: Outputs of which the forecasts are drawn, at most.
_OUTPUTS = 6


def _told(output: found.OutputName, outputs: Sequence[found.OutputName]) -> str:
    several = any(each.target for each in outputs)
    parts = [one_line(output.column)] if several and output.column else []
    parts += [f"step {output.step + 1}"] if outputs[-1].step else []
    return ", ".join(parts)


@dataclass(frozen=True)
class ErrorMeans:
    """Mean absolute errors of a series: by season, hour or step the names and the means of each."""

    unit: str
    by: Mapping[str, tuple[Sequence[str], Sequence[float | None]]]


def errors_of(table: Table, each: found.Predicted) -> ErrorMeans:
    """Return when a row errs, the means over its seeds; of several columns as they are scored."""
    scales, outputs = scales_of(table, each), found.outputs_of(each)
    is_alone = len(scales) == 1
    scale = scales[0] if is_alone else Scale(1.0, 0.0, str(table.units.get(table.metric, "")))
    errors = abs(each.values - each.targets).mean(axis=0) * scale.factor
    by: dict[str, tuple[Sequence[str], Sequence[float | None]]] = {}
    times = times_of(each)
    if times is not None:
        whole = errors if errors.ndim == 1 else errors.mean(axis=1)
        by["season"] = (found.SEASONS, found.by_season(times, whole))
        if each.meta["interval_seconds"] < found.DAY:
            names = [f"{hour:02}:00" for hour in range(24)]
            by["hour"] = (names, found.by_hour(times, whole))
    steps = outputs[-1].step + 1
    if steps > 1:
        of = [
            [n for n, output in enumerate(outputs) if output.step == step] for step in range(steps)
        ]
        means = [float(errors[:, numbers].mean()) for numbers in of]
        by["step"] = ([f"{step + 1}" for step in range(steps)], means)
    return ErrorMeans(scale.unit, by)


def times_of(each: found.Predicted) -> Array | None:
    """Return when the first targets of a series are; None where the records do not tell."""
    interval = each.meta.get("interval_seconds")
    if each.numbers is None or not isinstance(interval, int):
        return None
    return found.instants(each.groups, each.numbers, interval)


@dataclass(frozen=True)
class Scale:
    """How values as they are scored become those of a series: times ``factor``, plus ``offset``."""

    factor: float
    offset: float
    unit: str

    def of(self, values: Array) -> Array:
        """Return values of the series."""
        found: Array = values.astype("float64") * self.factor + self.offset
        return found


def scales_of(table: Table, each: found.Predicted) -> tuple[Scale, ...]:
    """Return how each column of a series is shown: in its unit where its mean and std are told.

    A task of the kind says them of each column, in a list, another of its one column.
    """
    columns = 1 + max(output.target for output in found.outputs_of(each))
    mean, std = (_numbers(each.meta.get(name), columns) for name in ("mean", "std"))
    further = [str(unit) for name, unit in table.units.items() if name != table.metric]
    is_of_kind = isinstance(each.meta.get("std"), list)
    if not mean or not std or not (further or is_of_kind):
        return (Scale(1.0, 0.0, str(table.units.get(table.metric, ""))),) * columns
    unit = further[0] if further and columns == 1 else ""
    return tuple(Scale(s or 1.0, m, unit) for m, s in zip(mean, std, strict=True))


def _numbers(value: Any, count: int) -> list[float]:
    """Return so many numbers that the data tell, which may be foreign; else none."""
    values = value if isinstance(value, list) else [value]
    known = all(isinstance(one, int | float) and math.isfinite(one) for one in values)
    return [float(one) for one in values] if known and len(values) == count else []


def _packed(values: Array, kind: str = "<i2") -> str:
    import numpy as np

    most = np.iinfo(kind).max
    return base64.b64encode(np.clip(np.round(values), -most, most).astype(kind).tobytes()).decode()


# Predictions of classes: what a probability means, and which are taken for which


def _of_classes(predictions: Predictions) -> Drawn:
    known = {label: each for label, each in predictions.items() if each.classes}
    if not known:
        return {}
    names = max((each.classes for each in known.values()), key=len)
    same = {label: each for label, each in known.items() if each.classes == names}
    made: Drawn = {
        "calibration_of": f"class {one_line(names[1])}" if len(names) == 2 else "",
        "calibration": {
            label: [
                [one.examples, short(one.predicted), short(one.share)] for one in each.calibrated()
            ]
            for label, each in same.items()
        },
    }
    if len(names) <= MOST_CLASSES:
        made["classes"] = [*map(one_line, names)]
        made["confusion"] = {
            label: [
                [short(count) for count in row]
                for row in found.confusion(each.targets, each.taken, len(names))
            ]
            for label, each in same.items()
        }
    return made


#: Of more classes no matrix is shown, which would be wider than a page.
MOST_CLASSES = 12
