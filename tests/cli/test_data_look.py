"""``bench data show`` and ``data plot``: what is in a task's data, looked at before training."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command_line import call, complaint

from bench.series.look import thinned


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")


@pytest.fixture
def data(capsys: pytest.CaptureFixture[str]):
    return partial(call, capsys, "data")


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]):
    return partial(complaint, capsys, "data")


def test_a_series_shows_its_rows_its_columns_and_a_window(data, weather):
    status, out, err = data("show", "jena", "--data", weather, "--example", 3)

    assert status == 0
    assert "jena: local data" in err
    assert "rows: 4,000" in out
    first = next(line for line in out.splitlines() if line.startswith("2020-01-01 00:00"))
    assert first.split()[2:] == [f"{float(value):.2f}" for value in first.split()[2:]]
    (column,) = [line for line in out.splitlines() if line.startswith("T (degC)")]
    assert column.split()[2] == "4,000"
    window = next(line for line in out.splitlines() if line.startswith("window: "))
    # The window of the fourth example begins at the fourth row and has ten days of hours.
    assert "240 samples of 3 columns, from 2020-01-01 03:00 to 2020-01-11 02:00" in window


def test_the_naive_forecast_of_a_window_is_what_the_series_says(data, weather):
    _, out, _ = data("show", "jena", "--data", weather, "--json")
    told = json.loads(out)["example"]
    rows = weather.read_text().splitlines()[1:]
    temperatures = [float(row.split(",")[2]) for row in rows]
    last, target = temperatures[239], temperatures[240 + 24]
    assert told["naive forecast"].startswith(f"{last:.2f} °C")
    assert told["target"].startswith(f"{target:.2f} °C")


def test_reviews_show_their_balance_lengths_and_one_as_a_model_gets_it(data, reviews):
    status, out, _ = data("show", "imdb", "--data", reviews, "--set", "maxlen=20")

    assert status == 0
    (test,) = [line for line in out.splitlines() if line.startswith("test ")]
    assert test.split()[1:3] == ["300", "50.0%"]
    assert "label: negative (0)" in out or "label: positive (1)" in out
    assert "shape (20,)" in out
    assert "words, at 20" in out


def test_an_option_an_example_and_a_task_that_are_not_there_are_named(error, reviews):
    assert "did you mean 'maxlen'" in error("show", "imdb", "--data", reviews, "--set", "maxlon=3")
    assert "--example 9999: train has 240 examples; give one from 0 to 239" in error(
        "show", "imdb", "--data", reviews, "--example", 9999
    )
    assert "did you mean 'jena'" in error("show", "jenna")


def test_pictures_of_a_series_and_of_reviews_are_drawn(data, weather, reviews, tmp_path):
    status, out, _ = data("plot", "jena", "--data", weather, "--output", tmp_path / "pictures")
    assert status == 0
    names = [Path(line).name for line in out.splitlines()]
    assert names == ["jena-series.svg", "jena-first-10-days.svg", "jena-first-20-days.svg"]
    _, out, _ = data("plot", "imdb", "--data", reviews, "--output", tmp_path / "pictures")
    lengths, balance = (Path(line).read_text() for line in out.splitlines())
    assert "mean " in lengths
    assert "median " in lengths
    assert "negative (0)" in balance


def test_a_long_line_keeps_its_extremes():
    x = np.arange(100_000)
    y = np.random.default_rng(0).normal(size=100_000)
    fewer, values = thinned(x, y, 500)
    assert len(fewer) <= 500
    assert (values.min(), values.max()) == (y.min(), y.max())
    assert (np.diff(fewer) > 0).all()
    assert thinned(x[:10], y[:10], 500)[0] is not None
    assert (thinned(x[:10], y[:10], 500)[1] == y[:10]).all()
