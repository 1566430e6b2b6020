"""A window of a series that ends at a time of the user's choice, and the forecast it leads to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, DataError
from bench.series.csv_file import Floats, Integers, iso, read_tables
from bench.series.prepare import DAY, DELAY, clean
from bench.series.windows import open_windows, window_of
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
    if question.text:
        raise BenchError("a sentence is for tasks of texts; give --at TIME or --data FILE")
    if not question.at and not question.files:
        raise BenchError("say what to forecast: --at TIME, --data FILE, or both")
    meta = prepared.meta
    asked = _files(prepared, question.files) if question.files else prepared
    times = np.asarray(asked.arrays["times"])
    interval = int(meta["interval_seconds"])
    now = _seconds(question.at) if question.at else int(times[-1]) + interval
    row = int(np.searchsorted(times, now))
    window = window_of(view, meta["columns"], interval)
    _check_whole(times, now, row, window.lookback, interval)
    one = {
        "rows_test": np.array([row], dtype=np.int32),
        "targets_test": np.zeros(1, dtype=np.float32),
        "groups_test": np.zeros(1, dtype=np.int32),
    }
    opened = open_windows(replace(asked, arrays={**asked.arrays, **one}, folder=None), view)
    inputs = opened.test.gather(np.array([0]))
    first, last = (_shown(times[end]) for end in (row - window.lookback, row - 1))
    told = {"window": f"{inputs.shape[1]} samples of {inputs.shape[2]} columns, {first} to {last}"}
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
    """Return the user's own series in place of the data's, standardised as the data are."""
    meta, name = prepared.meta, ", ".join(map(str, files))
    table, _ = clean(read_tables(files), name)
    lacking = [column for column in meta["columns"] if column not in table.columns]
    if lacking:
        raise DataError(f"{name}: lacks {', '.join(lacking)}, which the model was trained on")
    steps = np.diff(table.times)
    found = int(np.median(steps)) if len(steps) else 0
    if found != meta["interval_seconds"]:
        raise DataError(
            f"{name}: has a sample every {found / 60:g} minutes, and the model was trained on one "
            f"every {meta['interval_seconds'] / 60:g}; give a series of that interval"
        )
    values = table.values[:, [table.columns.index(column) for column in meta["columns"]]]
    mean, std = _moments(prepared)
    arrays: dict[str, Array] = {
        "times": table.times,
        "values": values.astype(np.float32),
        "standardised": ((values - mean) / std).astype(np.float32),
    }
    return replace(prepared, arrays={**prepared.arrays, **arrays}, folder=None)


def _moments(prepared: Prepared) -> tuple[Floats, Floats]:
    """Return mean and deviation of each column over the training rows; 1 where one is constant."""
    values = np.asarray(prepared.arrays["values"])[: prepared.meta["training_rows"]]
    mean, std = values.mean(axis=0, dtype="float64"), values.std(axis=0, dtype="float64")
    constant = values.min(axis=0) == values.max(axis=0)
    return mean, np.where(constant, 1.0, std)


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
