"""A series as people want to see it: its first rows, its columns, a window, its course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.series.prepare import DAY
from bench.series.windows import open_windows
from bench.task import Array, Look, Picture, Prepared

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
    meta, arrays = prepared.meta, prepared.arrays
    times = np.asarray(arrays["times"]).astype("datetime64[s]")
    values = np.asarray(arrays["values"])
    names = [str(name) for name in meta["columns"]]
    head: list[Row] = [
        {"time": _time(when), **dict(zip(names, map(float, row), strict=True))}
        for when, row in zip(times[:3], values[:3], strict=True)
    ]
    described = pd.DataFrame(values, columns=names).describe().to_dict()
    columns: list[Row] = [{"column": name, **described[name]} for name in names]
    tables = {"first rows": head, "columns": columns}
    target = int(meta["target_column"])
    return Look(
        tables,
        _example(prepared, view, split, number),
        _pictures(times, values[:, target], str(meta["columns"][target])),
    )


def _example(
    prepared: Prepared, view: Mapping[str, Any], split: str, number: int
) -> dict[str, str]:
    opened = open_windows(prepared, view)
    facts = opened.facts
    examples = getattr(opened, split)
    row = int(prepared.arrays[f"rows_{split}"][number])
    times = np.asarray(prepared.arrays["times"]).astype("datetime64[s]")
    lookup = examples.lookup()
    rows = row + lookup.offsets
    mean, std = facts["mean"], facts["std"]
    target = float(examples.targets[number])
    told = {
        "window": (
            f"{facts['lookback']} samples of {len(facts['columns'])} columns, from "
            f"{_time(times[rows.min()])} to {_time(times[rows.max()])}, one every "
            f"{facts['interval'] / 60:g} minutes"
        ),
        "target": f"{target * std + mean:.2f} °C ({target:+.4f} standardised)",
    }
    if facts["target_column"] is not None:
        window = lookup.rows(np.array([number]))[0]
        newest = window[int(np.argmax(rows)), facts["target_column"]]
        last = newest * std + mean if view["standardise"] else newest
        told["naive forecast"] = (
            f"{last:.2f} °C, the newest of the window: {abs(target * std + mean - last):.2f} °C off"
        )
    return told


def _pictures(times: Array, target: Array, name: str) -> list[Picture]:
    pictures = [_course("series", "the whole series", times, target, name)]
    for days in (10, 20):
        kept = times < times[0] + np.timedelta64(days * DAY, "s")
        title = f"the first {days} days"
        pictures.append(_course(f"first-{days}-days", title, times[kept], target[kept], name))
    return pictures


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
