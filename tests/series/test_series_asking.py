"""A forecast at a time of the user's choice: the window before it, and what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from series_kind_world import data as data_of
from series_kind_world import monthly, prepared, view_of, written

from bench.errors import BenchError, DataError
from bench.series import kind
from bench.series.asking import encode
from bench.series.prepare import prepare
from bench.series.table import SeriesTable
from bench.series.windows import open_windows
from bench.task import Encoded, Prepared, Question

HOUR = 3600
COLUMNS = ("p (mbar)", "T (degC)", "rh (%)")
VIEW = {
    "lookback": 1440,
    "step": 6,
    "reverse": False,
    "columns": None,
    "standardise": True,
    "calendar": False,
}
ROWS = 1200


def values(rows: int, first: int = 0) -> np.ndarray[Any, Any]:
    hours = np.arange(first, first + rows)
    return np.stack([1000 + hours % 7, 10 + 5 * np.sin(hours / 4), hours % 50], axis=1)


@pytest.fixture(scope="module")
def data() -> Prepared:
    """An hourly series from 1970 on."""
    table = SeriesTable(HOUR * np.arange(ROWS), COLUMNS, values(ROWS))
    return prepare(table, "s", as_published=False)


def file_of(folder: Path, first: int, rows: int, columns: tuple[str, ...] = COLUMNS) -> Path:
    """Write the same hours of the same series as a user's file."""
    path = folder / "own.csv"
    lines = [",".join(f'"{name}"' for name in ("Date Time", *columns))]
    for hour, row in zip(range(first, first + rows), values(rows, first).tolist(), strict=True):
        when = np.datetime64(hour * HOUR, "s").astype(object)
        cells = [repr(row[COLUMNS.index(name)]) for name in columns]
        lines.append(",".join([when.strftime("%d.%m.%Y %H:%M:%S"), *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def asked(data: Prepared, at: str = "", *files: Path, **view: Any) -> Encoded:
    return encode(data, {**VIEW, **view}, Question(at=at, files=files))


@pytest.mark.parametrize("view", [{}, {"lookback": "2d", "reverse": True}, {"calendar": True}])
def test_the_window_before_a_time_is_the_one_of_the_example_at_that_time(data, view):
    number = 5
    row = int(data.arrays["rows_test"][number])
    when = str(np.datetime64(int(data.arrays["times"][row]), "s"))
    example = open_windows(data, {**VIEW, **view}).test.gather(np.array([number]))
    assert np.array_equal(asked(data, when, **view).inputs, example)


def test_a_forecast_is_told_in_degrees_beside_what_was_measured(data):
    found = asked(data, "1970-01-21 00:00")
    hour = 20 * 24
    newest, measured = values(1, hour - 1)[0, 1], values(1, hour + 24)[0, 1]
    number = (measured + 0.5 - data.meta["mean"]) / data.meta["std"]
    assert found.told == {
        "window": "240 samples of 3 columns, 1970-01-11 00:00 to 1970-01-20 23:00"
    }
    assert found.answer(np.array([number])) == {
        "forecast for 1970-01-22 00:00": f"{measured + 0.5:.2f} °C",
        "naive forecast": f"{newest:.2f} °C, the newest of the window",
        "measured": f"{measured:.2f} °C: 0.50 °C off, the naive one "
        f"{abs(newest - measured):.2f} °C",
    }


def test_a_time_between_two_samples_is_that_of_the_next_one(data):
    found = asked(data, "1970-01-20 23:20")
    assert "forecast for 1970-01-22 00:00" in found.answer(np.zeros(1))
    assert "off" in found.answer(np.zeros(1))["measured"]


def test_a_file_of_the_users_own_is_standardised_as_the_training_data_are(data, tmp_path):
    """The same hours, read off a file in which the columns stand in another order."""
    first, rows = 300, 260
    file = file_of(tmp_path, first, rows, ("rh (%)", "T (degC)", "p (mbar)"))
    found = asked(data, "", file)
    end = str(np.datetime64((first + rows) * HOUR, "s"))
    assert np.allclose(found.inputs, asked(data, end).inputs, atol=1e-5)
    assert found.answer(np.zeros(1))["measured"] == "not known"
    earlier = asked(data, str(np.datetime64((first + 241) * HOUR, "s")), file)
    assert earlier.told["window"].endswith("1970-01-13 13:00 to 1970-01-23 12:00")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("1970-01-05", "needs 10 days before it, and the series goes from 1970-01-01 00:00 to"),
        ("1970-03-05", "has no sample just before it"),
        ("tomorrow", "--at tomorrow: is no time; give one like 2016-03-01T12:00"),
        ("2016-02-31T00:00", "is no time"),
    ],
)
def test_a_time_without_a_window_is_refused(data, at, said):
    with pytest.raises(BenchError, match=said):
        asked(data, at)


def test_a_window_with_a_gap_is_refused(data):
    times = HOUR * (np.arange(ROWS) + 10 * (np.arange(ROWS) >= 800))
    broken = replace(data, arrays={**data.arrays, "times": times})
    with pytest.raises(BenchError, match=r"the window before it has a gap of 10\.0 hours"):
        asked(broken, str(np.datetime64(850 * HOUR, "s")))


def test_a_file_that_is_no_such_series_is_refused(data, tmp_path):
    lacking = file_of(tmp_path, 0, 300, ("p (mbar)", "T (degC)"))
    with pytest.raises(DataError, match=r"lacks rh \(%\), which the model was trained on"):
        asked(data, "", lacking)
    with pytest.raises(BenchError, match="say what to forecast"):
        asked(data)
    with pytest.raises(BenchError, match="a sentence is for tasks of texts"):
        encode(data, VIEW, Question("warm?"))


# Tasks of the kind series


def test_a_task_of_the_kind_forecasts_each_step_beside_what_was_measured(tmp_path):
    frame, said = monthly(), data_of(horizon=3, delay=2)
    prepared_ = prepared(written(tmp_path, frame), said)
    view = view_of(said)
    number = 1
    row = int(prepared_.arrays["rows_test"][number])
    found = kind.encode(said, prepared_, view, Question(at=f"{frame['month'][row]}-01"))

    example = kind.open_view(said, prepared_, view).test
    assert np.array_equal(found.inputs, example.gather(np.array([number])))
    # What is measured is what the example's targets say.
    told = found.answer(example.targets[number])
    months = frame["month"][row + 1 : row + 4]
    assert [*told] == [f"sales at {month}" for month in months]
    sales = frame["sales"][row + 1 : row + 4]
    for said_, value in zip(told.values(), sales, strict=True):
        assert said_.startswith(f"{value:.6g}; measured {value:.6g}, ")


def test_a_file_that_goes_on_is_forecast_at_its_end_by_the_calendar(tmp_path):
    said = data_of()
    prepared_ = prepared(written(tmp_path, monthly()), said)
    own = written(tmp_path, monthly(24, "1960-03"), "own.csv")
    found = kind.encode(said, prepared_, view_of(said), Question(files=[own]))
    (when,) = found.answer(np.zeros(1))
    assert when == "sales at 1962-03"
    mean, std = prepared_.meta["mean"][0], prepared_.meta["std"][0]
    newest = (monthly(24)["sales"].iloc[-1] - mean) / std
    place = prepared_.meta["target_columns"][0]
    assert found.inputs[0, -1, place] == pytest.approx(newest, abs=1e-5)
    short = written(tmp_path, monthly(5), "short.csv")
    with pytest.raises(BenchError, match="needs 12 rows before it"):
        kind.encode(said, prepared_, view_of(said), Question(files=[short]))
