"""A file that nobody has described, and the task that is made of it without a question."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from series_kind_world import monthly, view_of, written

from bench.errors import BenchError, DataError
from bench.registry.tasks import TaskInfo, read_task
from bench.series import kind
from bench.series.proposal import propose

RANDOM = np.random.default_rng(3)


def task_from(path: Path) -> TaskInfo:
    """Have a task file written for a data file, read it, and see that it runs as it is."""
    folder = path.parent / "datasets"
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(propose(path, f"../{path.name}"), encoding="utf-8")
    task = read_task(folder / "mine.py")
    prepared = kind.read(task.data, [path], False)
    opened = kind.open_view(task.data, prepared, view_of(dict(task.data)))
    assert opened.train.gather(np.array([0])).shape == (1, *opened.input_shape)
    return task


def electricity(days: int = 100) -> pd.DataFrame:
    """Quarters of an hour of a load that knows the time of day and the week."""
    rows = 96 * days
    number, noise = np.arange(rows), RANDOM.normal(0, 50, rows)
    weekend = np.where(number // 96 % 7 >= 5, -600, 0)
    load = 6000 + 900 * np.sin(2 * np.pi * number / 96) + weekend + noise
    times = pd.date_range("2023-01-01", periods=rows, freq="15min").strftime("%d.%m.%Y %H:%M")
    wind = RANDOM.normal(8, 2, rows)
    return pd.DataFrame({"Zeit": times, "Wind [m/s]": wind.round(2), "Last (MW)": load.round(1)})


# What is found out


def test_an_electricity_file_is_forecast_a_day_ahead_from_a_week(tmp_path):
    path = written(tmp_path, electricity(), "netz.csv", sep=";", decimal=",")
    task = task_from(path)

    assert task.description == ("Last (MW), a day ahead: 9,600 rows of netz.csv, one every 15min.")
    assert task.data == {
        "file": "../netz.csv",
        "time": "Zeit",
        "time_format": "%d.%m.%Y %H:%M",
        "targets": ["Last (MW)"],
        "inputs": ["Wind [m/s]", "Last (MW)"],
        "delimiter": ";",
        "decimal": ",",
        "missing": [],
        "unit": "MW",
        "interval": "15min",
        "lookback": 672,
        "step": 4,
        "delay": 96,
        "horizon": 1,
        "season": 672,
        "split": {"train": 0.5, "validation": 0.25},
        "metric": "mae",
    }
    assert (task.baseline, task.groups) == ("series_naive", "days")
    assert task.units == {"mae": "std of Last (MW)", "mae_MW": "MW"}


def test_every_choice_has_a_comment_that_says_what_it_means(tmp_path):
    lines = propose(written(tmp_path, electricity(20)), "x.csv").splitlines()

    keys = [number for number, line in enumerate(lines) if line.startswith('    "')]
    assert len(keys) == 17
    assert all(lines[number - 1].startswith("    # ") for number in keys)
    assert max(map(len, lines)) <= 100
    assert "    # what is predicted, one column or more; it could also be Wind [m/s]" in lines


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (monthly(144), ("1month", 24, 1, 1, 12)),
        (monthly(96), ("1month", 12, 1, 1, 12)),
        (monthly(235 * 12, "1749-01"), ("1month", 48, 1, 1, 12)),
        (
            pd.DataFrame({"date": pd.date_range("2020-01-01", periods=800), "sales": range(800)}),
            ("1d", 28, 1, 1, 7),
        ),
        (
            pd.DataFrame({"Year": range(1700, 1989), "spots": RANDOM.normal(50, 9, 289)}),
            ("1year", 48, 1, 1, None),
        ),
        (
            pd.DataFrame(
                {"t": pd.date_range("2020-01-01", periods=4000, freq="h"), "y": range(4000)}
            ),
            ("1h", 168, 1, 24, 24),
        ),
        (
            pd.DataFrame({"t": pd.bdate_range("2020-01-01", periods=500), "price": range(500)}),
            ("row", 48, 1, 1, None),
        ),
    ],
    ids=["airline", "eight years", "sunspots", "daily", "yearly", "hourly", "business days"],
)
def test_the_reach_follows_from_how_often_and_how_long_there_are_rows(tmp_path, frame, expected):
    found = task_from(written(tmp_path, frame)).data

    keys = ("interval", "lookback", "step", "delay", "season")
    assert tuple(found[key] for key in keys) == expected


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"),
        ("%Y-%m-%dT%H:%M:%SZ", None),
        ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M"),
        ("%d-%b-%Y", "%d-%b-%Y"),
        ("%Y%m%d", "%Y%m%d"),
    ],
)
def test_the_way_of_times_is_that_under_which_rows_come_regularly(tmp_path, written_as, expected):
    """The first days of the file alone would fit the 1st of each month as well."""
    times = pd.date_range("2020-01-01", periods=300).strftime(written_as)
    frame = pd.DataFrame({"date": times, "sales": RANDOM.normal(5, 1, 300)})

    found = task_from(written(tmp_path, frame)).data

    assert (found["time_format"], found["interval"]) == (expected, "1d")


def test_a_way_of_times_that_cannot_be_told_is_chosen_and_said(tmp_path):
    months = [f"01/01/{year}" for year in range(1900, 2000)]
    frame = pd.DataFrame({"date": months, "sales": RANDOM.normal(5, 1, 100)})

    text = propose(written(tmp_path, frame), "x.csv")

    assert '"time_format": "%d/%m/%Y"' in text
    assert "(or %m/%d/%Y: see which is meant)" in text


def test_marks_of_missing_values_are_found_where_nothing_else_is_near(tmp_path):
    frame = electricity(20)
    frame["Last (MW)"] = frame["Last (MW)"].astype(object)
    frame.loc[[5, 6, 700], "Last (MW)"] = [-9999, "n.v.", ""]
    frame["index"] = range(len(frame))

    found = task_from(written(tmp_path, frame)).data

    assert found["missing"] == ["n.v.", -9999.0]
    assert found["inputs"] == ["Wind [m/s]", "Last (MW)"]


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="no pyarrow here")
def test_a_parquet_file_says_most_of_it_itself(tmp_path):
    frame = monthly()
    frame["month"] = pd.to_datetime(frame["month"])
    frame.to_parquet(tmp_path / "x.parquet")

    found = task_from(tmp_path / "x.parquet").data

    assert (found["time"], found["targets"], found["delimiter"]) == ("month", ["sales"], None)
    assert (found["interval"], found["lookback"]) == ("1month", 24)


# What is refused, with the reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3,4\n", "has no column of dates or times that can be read; there are: a, b"),
        ("date,name\n2020-01-01,x\n2020-01-02,y\n", "has no column of numbers; there are: date"),
        ("2020-01-01\n2020-01-02\n", "has one column alone"),
        ("2020-01-01,1\n2020-01-02,2\n", "has no names of columns in its first line"),
        ("date,y\n2020-01-01,1\n", "too few for a series"),
        (
            "date,time,y\n" + "".join(f"2020-01-01,{h:02}:00,1\n" for h in range(24)),
            "23 rows of 24 have the time of another; join the date and 'time' in one column",
        ),
        (
            "date,shop,y\n"
            + "".join(f"2020-01-{day:02},{s},{day}\n" for s in "ab" for day in range(1, 29)),
            "28 rows of 56 have the time of another; give a file with one series, or with a col",
        ),
        (
            "date,y\n" + "".join(f"2020-01-01 00:00:{s:02},1\n" for s in (1, 2, 9, 30, 31, 47, 59)),
            "its rows lie from 1s to 21s apart, at no interval that most have; resample it",
        ),
        (
            "date,y\n" + "".join(f"{year},{year % 7}\n" for year in range(1990, 1993)),
            "too few for one example",
        ),
        ("date,y\n" + "".join(f"{year},5\n" for year in range(1900, 1993)), "'y' is 5 in every"),
    ],
)
def test_a_file_of_which_no_task_can_be_made_is_refused_in_one_line(tmp_path, text, reason):
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BenchError) as caught:
        propose(path, "x.csv")

    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 4)

    with pytest.raises(DataError):
        propose(path, "x.xlsx")
