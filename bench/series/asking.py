"""A window of a series that ends at a time of the user's choice, and the forecast it leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, DataError
from bench.registry.intervals import SamplingInterval, interval_of
from bench.series.csv_file import read_tables
from bench.series.forecasts import ticks
from bench.series.prepare import DAY, DELAY, clean, find_breaks
from bench.series.table import Floats, Integers, SeriesTable, iso
from bench.series.windows import open_forecasts, open_windows, window_of, window_of_rows
from bench.task import Array, Encoded, Prepared, Question

_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?")


def encode(prepared: Prepared, view: Mapping[str, Any], question: Question) -> Encoded:
    """Gather the window before a time, standardised as the training data are.

    Args:
        prepared: See ``bench.series.prepare.prepare``.
        view: The view of the model; all options.
        question: The forecast is made with what was measured before ``at``, or, without that,
            in all of ``files``. It is for a day after the sample that would come next.

    Raises:
        BenchError: The series has no whole window before that time, or something else is asked.
        DataError: A file cannot be read, or is no series like that of the training data.
    """
    _check_asked(question)
    meta = prepared.meta
    asked = _files(prepared, question.files) if question.files else prepared
    times = np.asarray(asked.arrays["times"])
    interval = int(meta["interval_seconds"])
    now = _seconds(question.at) if question.at else int(times[-1]) + interval
    row = int(np.searchsorted(times, now))
    window = window_of(view, meta["columns"], interval)
    _check_whole(times, now, row, window.lookback, interval)
    inputs = open_windows(_with_one(asked, row), view).test.gather(np.array([0]))
    first, last = (_shown(times[end]) for end in (row - window.lookback, row - 1))
    told = _window(inputs, first, last)
    values = np.asarray(asked.arrays["values"])[:, meta["target_column"]]
    target = int(times[row - 1]) + interval + DELAY
    answer = _Answer(
        _shown(target),
        float(meta["mean"]),
        float(meta["std"]),
        float(values[row - 1]),
        _measured(times, values, target, interval),
    )
    return Encoded(inputs, told, answer)


def _check_asked(question: Question) -> None:
    if question.text:
        raise BenchError("a sentence is for tasks of texts; give --at TIME or --data FILE")
    if not question.at and not question.files:
        raise BenchError("say what to forecast: --at TIME, --data FILE, or both")


def _with_one(prepared: Prepared, row: int) -> Prepared:
    """Return data whose test split has one example, the window before a row."""
    one = {
        "rows_test": np.array([row], dtype=np.int32),
        "targets_test": np.zeros(1, dtype=np.float32),
        "groups_test": np.zeros(1, dtype=np.int32),
    }
    return replace(prepared, arrays={**prepared.arrays, **one}, folder=None)


def _window(inputs: Array, first: str, last: str) -> dict[str, str]:
    told = f"{inputs.shape[1]} samples of {inputs.shape[2]} columns, {first} to {last}"
    return {"window": told}


@dataclass(frozen=True)
class _Answer:
    """Says a forecast in degrees: beside the newest temperature, and what was measured."""

    when: str
    mean: float
    std: float
    newest: float
    measured: float | None

    def __call__(self, numbers: Array) -> Mapping[str, str]:
        (number,) = numbers.tolist()
        forecast = number * self.std + self.mean
        told = {f"forecast for {self.when}": f"{forecast:.2f} °C"}
        if self.measured is None:
            return {**told, "naive forecast": f"{self.newest:.2f} °C", "measured": "not known"}
        off, naive = (abs(value - self.measured) for value in (forecast, self.newest))
        return {
            **told,
            "naive forecast": f"{self.newest:.2f} °C, the newest of the window",
            "measured": f"{self.measured:.2f} °C: {off:.2f} °C off, the naive one {naive:.2f} °C",
        }


def _files(prepared: Prepared, files: Sequence[Path]) -> Prepared:
    """Return the user's own series in place of a station's, standardised as that is."""
    name = ", ".join(map(str, files))
    table, _ = clean(read_tables(files), name)
    steps = np.diff(table.times)
    found, wanted = int(np.median(steps)) if len(steps) else 0, prepared.meta["interval_seconds"]
    if found != wanted:
        raise DataError(
            f"{name}: has a sample every {found / 60:g} minutes, and the model was trained on one "
            f"every {wanted / 60:g}; give a series of that interval"
        )
    return _in_place(prepared, table, name)


def _in_place(prepared: Prepared, table: SeriesTable, name: str) -> Prepared:
    """Return prepared data with another series, scaled as theirs is; its examples are not of it.

    Raises:
        DataError: It lacks a column.
    """
    columns = prepared.meta["columns"]
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise DataError(f"{name}: lacks {', '.join(lacking)}, which the model was trained on")
    values = table.values[:, [table.columns.index(column) for column in columns]]
    mean, std = _moments(prepared)
    arrays: dict[str, Array] = {
        "times": table.times,
        "values": values.astype(np.float32),
        "standardised": ((values - mean) / std).astype(np.float32),
    }
    return replace(prepared, arrays={**prepared.arrays, **arrays}, folder=None)


def _moments(prepared: Prepared) -> tuple[Floats, Floats]:
    """Return what each column is shifted and divided by: of targets what the data say."""
    values = np.asarray(prepared.arrays["values"])[: prepared.meta["training_rows"]]
    mean, std = values.mean(axis=0, dtype="float64"), values.std(axis=0, dtype="float64")
    std = np.where(values.min(axis=0) == values.max(axis=0), 1.0, std)
    meta = prepared.meta
    targets = meta.get("target_columns", meta.get("target_column"))
    mean[targets], std[targets] = meta["mean"], meta["std"]
    return mean, std


def _check_whole(times: Integers, now: int, row: int, lookback: int, interval: int) -> None:
    """Refuse a time without a whole window before it."""
    there = f"the series goes from {_shown(times[0])} to {_shown(times[-1])}"
    if row < lookback:
        days = lookback * interval / DAY
        raise BenchError(f"--at {_shown(now)}: needs {days:g} days before it, and {there}")
    if now - times[row - 1] > 1.1 * interval:
        raise BenchError(f"--at {_shown(now)}: has no sample just before it; {there}")
    lost = times[row - 1] - times[row - lookback] - (lookback - 1) * interval
    if abs(lost) > interval / 10:
        raise BenchError(
            f"--at {_shown(now)}: the window before it has a gap of {abs(lost) / 3600:.1f} hours; "
            "give another time"
        )


def _measured(times: Integers, values: Floats, when: int, interval: int) -> float | None:
    row = int(np.searchsorted(times, when - interval // 10))
    there = row < len(times) and abs(int(times[row]) - when) <= interval / 10
    return float(values[row]) if there else None


def _seconds(text: str) -> int:
    """Return a time as the series has it: seconds since 1970 in the station's own clock."""
    try:
        if _TIME.fullmatch(text.strip()):
            return int(np.datetime64(text.strip().replace(" ", "T"), "s").astype("int64"))
    except ValueError:
        pass  # There is no such day or hour.
    raise BenchError(f"--at {text}: is no time; give one like 2016-03-01T12:00")


def _shown(seconds: int) -> str:
    return iso(seconds)[:16].replace("T", " ")


# Tasks of the kind series


def encode_forecasts(
    prepared: Prepared,
    data: Mapping[str, Any],
    view: Mapping[str, Any],
    question: Question,
    read: Callable[[Sequence[Path]], SeriesTable],
) -> Encoded:
    """Gather the window before a time, scaled as the training data are; see ``encode``.

    Args:
        prepared: See ``bench.series.forecasts.prepare_forecasts``.
        data: DATA of the task, defaults filled in.
        view: The view of the model; all options.
        question: As ``encode`` has it.
        read: Reads the user's own files as DATA says.

    Raises:
        BenchError: The series has no whole window before that time, or something else is asked.
        DataError: A file cannot be read, or is no series like that of the training data.
    """
    _check_asked(question)
    interval = interval_of(prepared.meta["interval"])
    asked = prepared
    if question.files:
        name = ", ".join(map(str, question.files))
        table, _ = clean(read(question.files), name, is_station=False)
        _check_interval(table.times, interval, name)
        asked = _in_place(prepared, table, name)
    times = np.asarray(asked.arrays["times"])
    clock, now = ticks(times, interval), _seconds(question.at) if question.at else None
    row = len(times) if now is None else int(np.searchsorted(times, now))
    lookback = window_of_rows(view, data, prepared.meta).lookback
    _check_rows(times, clock, row, now, lookback, interval)
    inputs = open_forecasts(_with_one(asked, row), data, view).test.gather(np.array([0]))
    ends = (_when(int(times[end]), 0, interval) for end in (row - lookback, row - 1))
    aheads = range(data["delay"], data["delay"] + data["horizon"])
    values = np.asarray(asked.arrays["values"])[:, prepared.meta["target_columns"]]
    answer = _Forecasts(
        prepared.meta["targets"],
        [_when(int(times[row - 1]), ahead, interval) for ahead in aheads],
        np.array(prepared.meta["mean"]),
        np.array(prepared.meta["std"]),
        np.stack([_row_at(clock, values, row, ahead, interval) for ahead in aheads]),
    )
    return Encoded(inputs, _window(inputs, *ends), answer)


@dataclass(frozen=True)
class _Forecasts:
    """Says each target's forecast of each step in its unit, and what was measured.

    ``when`` names the steps; ``measured`` has shape (steps, targets), NaN where it is not known.
    """

    targets: Sequence[str]
    when: Sequence[str]
    mean: Array
    std: Array
    measured: Array

    def __call__(self, numbers: Array) -> Mapping[str, str]:
        found = numbers.reshape(self.measured.shape) * self.std + self.mean
        return {
            f"{target} at {when}": _beside(found[step, place], self.measured[step, place])
            for step, when in enumerate(self.when)
            for place, target in enumerate(self.targets)
        }


def _beside(forecast: float, measured: float) -> str:
    if np.isnan(measured):
        return f"{forecast:.6g}"
    return f"{forecast:.6g}; measured {measured:.6g}, {abs(forecast - measured):.4g} off"


def _check_interval(times: Integers, interval: SamplingInterval, name: str) -> None:
    steps = np.diff(ticks(times, interval))
    apart = abs(float(np.median(steps)) - interval.mean_seconds) if len(steps) else 0.0
    if apart > interval.mean_seconds / 10:
        raise DataError(
            f"{name}: has no row every {interval}, which the model was trained on; resample it"
        )


def _check_rows(
    times: Integers,
    clock: Integers,
    row: int,
    now: int | None,
    lookback: int,
    interval: SamplingInterval,
) -> None:
    """Refuse a time without a whole window before it."""
    there = f"the series goes from {_shown(times[0])} to {_shown(times[-1])}"
    when = "the end" if now is None else f"--at {_shown(now)}"
    if row < lookback:
        raise BenchError(f"{when}: needs {lookback} rows before it, and {there}")
    late = now is not None and not interval.is_row
    if late and int(now or 0) - times[row - 1] > 1.5 * interval.mean_seconds:
        raise BenchError(f"{when}: has no row just before it; {there}")
    if len(find_breaks(clock[row - lookback : row], interval.mean_seconds)[0]):
        raise BenchError(f"{when}: the window before it has a gap; give another time")


def _row_at(
    clock: Integers, values: Array, row: int, ahead: int, interval: SamplingInterval
) -> Array:
    """Return the targets so many rows after the newest of a window; NaN where there are none."""
    target = clock[row - 1] + ahead * interval.mean_seconds
    tolerance = interval.mean_seconds / 10
    found = int(np.searchsorted(clock, target - tolerance))
    there = found < len(clock) and abs(clock[found] - target) <= tolerance
    return values[found] if there else np.full(values.shape[1], np.nan)


def _when(newest: int, ahead: int, interval: SamplingInterval) -> str:
    """Name the time so many rows after a time."""
    if interval.is_row:
        return f"{_shown(newest)}{f', {ahead} rows on' if ahead else ''}"
    if interval.months:
        month = np.datetime64(newest, "s").astype("datetime64[M]")
        return str(month + np.timedelta64(ahead * interval.months, "M"))
    shown = _shown(newest + ahead * interval.seconds)
    return shown[:10] if interval.seconds % DAY == 0 else shown
