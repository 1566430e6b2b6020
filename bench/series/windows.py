"""Open a prepared series under a view: windows are gathered when asked for, never stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.errors import BenchError, CannotRun
from bench.formatting import nearest
from bench.series.csv_file import Integers
from bench.series.prepare import DAY, LOOKBACK, SPLITS
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


# What a model sees of a series: options in time or rows, turned into rows of this series


REFERENCE_INTERVAL = 600  # seconds; a lookback or step given as a whole number counts these
_UNITS = {"d": DAY, "h": 3600, "min": 60}
_TIME = re.compile(r"\s*(\d+)\s*(d|h|min)\s*")


@dataclass(frozen=True)
class Window:
    """The inputs of one example: every ``step``-th of the ``lookback`` rows before its row.

    With ``calendar`` the columns of ``bench.series.windows`` follow those of the series.
    """

    lookback: int
    step: int
    step_seconds: int
    columns: tuple[int, ...]
    reverse: bool
    standardise: bool
    calendar: bool

    @property
    def offsets(self) -> range:
        """Rows of the window relative to the example's row, in the order the model sees."""
        offsets = range(-self.lookback, 0, self.step)
        return offsets[::-1] if self.reverse else offsets


def window_of(view: Mapping[str, Any], columns: Sequence[str], interval: int) -> Window:
    """Turn a view into rows of a series.

    Args:
        view: ``lookback`` and ``step`` (rows of ten minutes, or text like "10d", "24h",
            "30min"), ``columns`` (names, or None for all), ``reverse``, ``standardise``,
            ``calendar``.
        columns: The columns of the series.
        interval: Its sampling interval in seconds.

    Raises:
        BenchError: An option has no meaning, or a column is unknown.
        CannotRun: The series is sampled too coarsely for the step, or not in step with it.
    """
    lookback, step = _seconds(view, "lookback"), _seconds(view, "step")
    if lookback > LOOKBACK:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is longer than {LOOKBACK // DAY} days; "
            "every view is scored on the same examples, and these have no more before them: "
            f"use at most '{LOOKBACK // DAY}d'"
        )
    if lookback % step:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is not a multiple of "
            f"step={view['step']!r}; change one of them"
        )
    if step % interval:
        raise CannotRun(
            f"the data have a sample every {interval / 60:g} minutes, and the view takes one "
            f"every {step / 60:g}; set step to a multiple of '{interval / 60:g}min'"
        )
    return Window(
        lookback=lookback // interval,
        step=step // interval,
        step_seconds=step,
        columns=_columns(view["columns"], columns),
        reverse=bool(view["reverse"]),
        standardise=bool(view["standardise"]),
        calendar=bool(view["calendar"]),
    )


def _seconds(view: Mapping[str, Any], option: str) -> int:
    value = view[option]
    seconds = 0
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value * REFERENCE_INTERVAL
    elif isinstance(value, str) and (parts := _TIME.fullmatch(value)):
        seconds = int(parts[1]) * _UNITS[parts[2]]
    if seconds <= 0:
        raise BenchError(
            f"view option {option}={value!r} is no time; give rows of ten minutes (144) "
            "or a time with its unit ('10d', '24h', '30min')"
        )
    return seconds


def _columns(wanted: Any, columns: Sequence[str]) -> tuple[int, ...]:
    if wanted is None:
        return tuple(range(len(columns)))
    if isinstance(wanted, str) or not isinstance(wanted, Sequence) or not wanted:
        raise BenchError(
            f"view option columns={wanted!r} is no list of names; give one, or None for all"
        )
    for name in wanted:
        if name not in columns:
            raise BenchError(
                f"view option columns: the data have no column {name!r}"
                f"{nearest(str(name), columns)}; there are: {', '.join(columns)}"
            )
    if len(set(wanted)) < len(wanted):
        raise BenchError(f"view option columns={wanted!r} names a column twice; remove one")
    return tuple(columns.index(name) for name in wanted)


# The time of day and of the year as numbers that a model can take: points on circles


CALENDAR_COLUMNS = ("day sin", "day cos", "year sin", "year cos")
_YEAR = 365.2425 * DAY  # the mean year of the Gregorian calendar


def calendar(times: Integers) -> Array:
    """Return sine and cosine of the time of day and of the year, all in [-1, 1].

    On a circle the last minute of a day or year is next to the first of the next one.

    Args:
        times: Shape (n,), seconds since 1970-01-01 00:00 in the station's own clock.

    Returns:
        Shape (n, len(CALENDAR_COLUMNS)), float32.
    """
    turns = np.stack([times % DAY / DAY, times % _YEAR / _YEAR], axis=1)
    circles = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=2)
    return circles.reshape(len(times), len(CALENDAR_COLUMNS)).astype(np.float32)
