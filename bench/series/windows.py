"""Open a prepared series under a view: windows are gathered when asked for, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.series.calendar import CALENDAR_COLUMNS, calendar
from bench.series.split import SPLITS
from bench.series.view import Window, window_of
from bench.task import Array, Examples, Lookup, OpenTask, Prepared


def open_windows(prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Return a series under one view.

    The facts are ``columns`` (names along the window's last axis), ``target_column`` (where
    the temperature stands among them, or None), ``lookback`` (samples in a window),
    ``interval`` (seconds between them), and the ``mean`` and ``std`` of the temperature that
    standardised targets were made with, in degrees C.

    Raises:
        BenchError: An option of the view has no meaning here.
        CannotRun: The series is too coarse for the view.
    """
    meta = prepared.meta
    window = window_of(view, meta["columns"], meta["interval_seconds"])
    # A base-class view of the memory map: indexing it costs no subclass bookkeeping.
    series = np.asarray(prepared.arrays["standardised" if window.standardise else "values"])
    names = [*meta["columns"], *CALENDAR_COLUMNS]
    if window.calendar:
        further = tuple(range(len(meta["columns"]), len(names)))
        series = np.concatenate([series, calendar(prepared.arrays["times"])], axis=1)
        window = replace(window, columns=window.columns + further)
    if window.columns != tuple(range(series.shape[1])):
        series = series[:, window.columns]
    splits = {name: _examples(prepared, name, series, window) for name in SPLITS}
    target = meta["target_column"]
    return OpenTask(
        input_shape=(len(window.offsets), len(window.columns)),
        input_dtype="float32",
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={
            "columns": tuple(names[column] for column in window.columns),
            "target_column": window.columns.index(target) if target in window.columns else None,
            "lookback": len(window.offsets),
            "interval": window.step_seconds,
            "mean": meta["mean"],
            "std": meta["std"],
        },
        units={"mae_degC": meta["std"]},
    )


def _examples(prepared: Prepared, split: str, series: Array, window: Window) -> Examples:
    rows = np.asarray(prepared.arrays[f"rows_{split}"])
    lookup = Lookup(series, rows.astype(np.int64), np.array(window.offsets, dtype=np.int64))
    return Examples(
        targets=prepared.arrays[f"targets_{split}"],
        gather=lookup.rows,
        groups=prepared.arrays[f"groups_{split}"],
        lookup=lambda: lookup,
    )
