"""A series as people want to see it: its first rows, its columns, a window, its course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.registry.intervals import SamplingInterval, interval_of
from bench.series.prepare import DAY
from bench.series.windows import open_forecasts, open_windows
from bench.task import Array, Look, OpenTask, Picture, Prepared

Row = dict[str, str | float | None]

#: Points of a long line: more than a picture has places for, each the lowest or highest of some.
_POINTS = 4000


def look(prepared: Prepared, view: Mapping[str, Any], split: str, number: int) -> Look:
    """Return what `data show` and `data plot` tell of a prepared series.

    Args:
        prepared: See ``bench.series.prepare.prepare``.
        view: The view under which the example is shown.
        split: One of train, validation and test.
        number: Which example of the split, from 0.
    """
    opened = open_windows(prepared, view)
    minutes = opened.facts["interval"] / 60
    return Look(
        _tables(prepared),
        _example(prepared, opened, view, split, number, f"{minutes:g} minutes", "°C"),
        _pictures(prepared),
    )


def look_at_forecasts(
    prepared: Prepared, data: Mapping[str, Any], view: Mapping[str, Any], split: str, number: int
) -> Look:
    """Return the same of a task of the kind.

    Args:
        prepared: See ``bench.series.forecasts.prepare_forecasts``.
        data: DATA of the task, defaults filled in.
        view: As in ``look``.
        split: As in ``look``.
        number: As in ``look``.
    """
    opened = open_forecasts(prepared, data, view)
    step = round(opened.facts["interval"] / prepared.meta["interval_seconds"])
    row = interval_of(prepared.meta["interval"])
    apart = SamplingInterval(step * row.months, step * row.seconds)
    every = f"{step} rows" if row.is_row else apart.told
    return Look(
        _tables(prepared),
        _example(prepared, opened, view, split, number, every, data["unit"]),
        _pictures_of_targets(prepared, 3 * data["lookback"]),
    )


def _tables(prepared: Prepared) -> dict[str, list[Row]]:
    times = np.asarray(prepared.arrays["times"]).astype("datetime64[s]")
    values = np.asarray(prepared.arrays["values"])
    names = [str(name) for name in prepared.meta["columns"]]
    head: list[Row] = [
        {"time": _time(when), **dict(zip(names, map(float, row), strict=True))}
        for when, row in zip(times[:3], values[:3], strict=True)
    ]
    described = pd.DataFrame(values, columns=names).describe().to_dict()
    columns: list[Row] = [
        {"column": name, **described[name], "count": int(described[name]["count"])}
        for name in names
    ]
    return {"first rows": head, "columns": columns}


def _example(
    prepared: Prepared,
    opened: OpenTask,
    view: Mapping[str, Any],
    split: str,
    number: int,
    every: str,
    unit: str,
) -> dict[str, str]:
    """Tell of one example; of several targets and steps of the first target's first step."""
    facts = opened.facts
    examples = getattr(opened, split)
    row = int(prepared.arrays[f"rows_{split}"][number])
    times = np.asarray(prepared.arrays["times"]).astype("datetime64[s]")
    lookup = examples.lookup()
    rows = row + lookup.offsets
    mean, std = (float(np.ravel(facts[fact])[0]) for fact in ("mean", "std"))
    targets = np.ravel(examples.targets[number])
    target = float(targets[0])
    told = {
        "window": (
            f"{facts['lookback']} samples of {len(facts['columns'])} columns, from "
            f"{_time(times[rows.min()])} to {_time(times[rows.max()])}, one every {every}"
        ),
        "target": f"{_number(target * std + mean, unit)} ({target:+.4f} standardised)",
    }
    if len(targets) > 1:
        told["target"] += f", the first of {len(targets)} numbers"
    if facts.get("target_column") is not None:
        window = lookup.rows(np.array([number]))[0]
        newest = window[int(np.argmax(rows)), facts["target_column"]]
        last = newest * std + mean if view["standardise"] else newest
        told["naive forecast"] = (
            f"{_number(last, unit)}, the newest of the window: "
            f"{_number(abs(target * std + mean - last), unit)} off"
        )
    return told


def _number(value: float, unit: str) -> str:
    return f"{value:.2f} °C" if unit == "°C" else f"{value:.6g} {unit}".strip()


def _pictures(prepared: Prepared) -> list[Picture]:
    column = int(prepared.meta["target_column"])
    name = str(prepared.meta["columns"][column])
    times, target = _line(prepared, column)
    pictures = [_course("series", "the whole series", times, target, name)]
    for days in (10, 20):
        kept = times < times[0] + np.timedelta64(days * DAY, "s")
        title = f"the first {days} days"
        pictures.append(_course(f"first-{days}-days", title, times[kept], target[kept], name))
    return pictures


def _pictures_of_targets(prepared: Prepared, rows: int) -> list[Picture]:
    """Draw each target, the whole of it and its first rows."""
    pictures = []
    for number, column in enumerate(prepared.meta["target_columns"], 1):
        name = str(prepared.meta["columns"][column])
        times, target = _line(prepared, column)
        part = f"-{number}" if len(prepared.meta["target_columns"]) > 1 else ""
        pictures += [
            _course(f"series{part}", "the whole series", times, target, name),
            _course(
                f"first-rows{part}", f"the first {rows} rows", times[:rows], target[:rows], name
            ),
        ]
    return pictures


def _line(prepared: Prepared, column: int) -> tuple[Array, Array]:
    times = np.asarray(prepared.arrays["times"]).astype("datetime64[s]")
    return times, np.asarray(prepared.arrays["values"])[:, column]


def _course(name: str, title: str, times: Array, values: Array, column: str) -> Picture:
    x, y = thinned(times, values, _POINTS)
    return Picture(name, title, "line", y, x, y_label=column)


def thinned(x: Array, y: Array, points: int) -> tuple[Array, Array]:
    """Return a line of fewer points that looks the same: the extremes of each stretch.

    Args:
        x: Shape (n,), in order.
        y: Shape (n,).
        points: The most points of the line that is returned.
    """
    if len(y) <= points:
        return x, y
    stretches = np.array_split(np.arange(len(y)), points // 2)
    extremes = [(part[np.argmin(y[part])], part[np.argmax(y[part])]) for part in stretches]
    kept = np.unique(np.array(extremes))
    return x[kept], y[kept]


def _time(when: Any) -> str:
    return str(when.astype("datetime64[m]")).replace("T", " ")
