"""A series of one's own, by what DATA says of it: read, split, scaled, opened, made up."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest
from series_kind_world import data, monthly, opened, prepared, view_of, written

from bench.errors import BenchError, DataError
from bench.series import kind
from bench.task import Absent

EVERY = np.arange(10_000)


def seasonal_naive(task, split="test"):
    """What the plugins of that name compute, with numpy."""
    examples = getattr(task, split)
    windows = examples.gather(np.arange(len(examples)))
    facts = task.facts
    before = [
        windows[:, -1 - (-step % facts["season"]), column]
        for step in facts["ahead"]
        for column in facts["target_columns"]
    ]
    return np.stack(before, axis=1)


# Scores that anyone can compute


def test_naive_and_seasonal_naive_forecasts_err_as_pandas_says(tmp_path):
    frame = monthly()
    task = opened(written(tmp_path, frame), data(unit="thousands"))
    sales, first = frame["sales"], 108

    windows = task.test.gather(np.arange(len(task.test)))
    naive = np.abs(windows[:, -1, 0] - task.test.targets).mean()
    seasonal = np.abs(seasonal_naive(task)[:, 0] - task.test.targets).mean()

    assert len(task.test) == 36
    std = sales[:72].std(ddof=0)
    assert task.units == {"mae_thousands": pytest.approx(std, abs=1e-9)}
    assert naive == pytest.approx((sales - sales.shift(1)).abs()[first:].mean() / std, abs=1e-6)
    assert seasonal == pytest.approx((sales - sales.shift(12)).abs()[first:].mean() / std, abs=1e-6)


def test_a_horizon_of_several_columns_has_the_steps_one_after_the_other(tmp_path):
    frame = monthly()
    said = data(targets=["sales", "price"], horizon=3, delay=2)
    task = opened(written(tmp_path, frame), said)
    mean, std = np.array(task.facts["mean"]), np.array(task.facts["std"])

    values = frame[["sales", "price"]].to_numpy()
    # The first test example sees up to row 106, two before the first row of the test.
    wanted = ((values[108:111] - mean) / std).ravel()

    assert task.test.targets.shape == (34, 6)
    assert task.test.targets[0] == pytest.approx(wanted, abs=1e-6)
    assert task.test.gather(np.array([0]))[0, -1] == pytest.approx((values[106] - mean) / std)
    assert task.facts["ahead"] == (2, 3, 4)
    again = seasonal_naive(task)
    assert again[0] == pytest.approx(((values[96:99] - mean) / std).ravel(), abs=1e-6)


def test_mase_is_one_for_a_forecast_that_errs_as_the_seasonal_naive_one_did_in_training(tmp_path):
    frame = monthly()
    sales = frame["sales"]
    task = opened(written(tmp_path, frame), data(metric="mase", unit="k"))

    scaled = np.abs(seasonal_naive(task)[:, 0] - task.test.targets).mean()

    error = (sales - sales.shift(12)).abs()
    assert scaled == pytest.approx(error[108:].mean() / error[12:72].mean(), abs=1e-5)
    assert task.units == {"mae_k": pytest.approx(error[12:72].mean())}


def test_targets_that_are_scored_by_smape_are_not_centred(tmp_path):
    frame = monthly()
    task = opened(written(tmp_path, frame), data(metric="smape", unit="k"))

    assert task.test.targets * task.facts["std"][0] == pytest.approx(frame["sales"][108:], rel=1e-6)
    assert task.units == {}


# Splits and scales


def test_scales_are_those_of_the_training_rows_alone(tmp_path):
    frame = monthly()
    other = frame.copy()
    other.loc[72:, "sales"] *= 100

    one, two = (prepared(written(tmp_path, each), data()) for each in (frame, other))

    assert (one.meta["mean"], one.meta["std"]) == (two.meta["mean"], two.meta["std"])
    assert np.array_equal(one.arrays["targets_train"], two.arrays["targets_train"])


def test_an_example_belongs_to_the_split_of_its_targets_and_none_is_lost_between(tmp_path):
    found = prepared(written(tmp_path, monthly()), data(horizon=2, lookback=24))

    first = {part: found.arrays[f"rows_{part}"][0] for part in ("train", "validation", "test")}
    last = {part: found.arrays[f"rows_{part}"][-1] + 1 for part in ("train", "validation", "test")}
    assert first == {"train": 24, "validation": 72, "test": 108}
    assert last == {"train": 71, "validation": 107, "test": 143}


def test_shares_that_no_float_is_are_those_of_whole_rows(tmp_path):
    found = prepared(written(tmp_path, monthly(100)), data(split={"train": 0.7, "validation": 0.1}))

    counted = [found.meta[f"{part}_rows"] for part in ("training", "validation", "test")]
    assert counted == [70, 10, 20]


def test_a_split_by_dates_begins_at_these(tmp_path):
    split = {"validation_from": "1955-01-01", "test_from": "1958-07-01"}
    found = prepared(written(tmp_path, monthly()), data(split=split))

    assert found.meta["validation_from"] == "1955-01-01T00:00:00"
    assert found.meta["test_from"] == "1958-07-01T00:00:00"
    with pytest.raises(DataError, match="leave a split without any"):
        prepared(tmp_path / "x.csv", data(split={**split, "test_from": "1990-01-01"}))
    with pytest.raises(BenchError, match="'soon' is no date"):
        prepared(tmp_path / "x.csv", data(split={**split, "test_from": "soon"}))


def test_ninety_six_months_are_enough_and_thirty_are_said_to_be_too_few(tmp_path):
    enough = opened(written(tmp_path, monthly(96)), data())
    assert [len(enough.train), len(enough.validation), len(enough.test)] == [36, 24, 24]

    path = written(tmp_path, monthly(30))
    with pytest.raises(DataError) as caught:
        prepared(path, data(lookback=24))
    assert str(caught.value) == (
        f"{path}: has 15 rows for training, too few for one example, which takes 25 (lookback 24, "
        "delay 1, horizon 1); lower these, change 'split', or give more rows"
    )


@pytest.mark.parametrize(
    ("interval", "start", "frequency", "groups"),
    [("15min", "2020-01-01", "15min", 3), ("1h", "2020-01-01", "h", 9), ("1d", "2020", "D", 188)],
)
def test_examples_of_one_day_are_a_group(tmp_path, interval, start, frequency, groups):
    times = pd.date_range(start, periods=200, freq=frequency)
    frame = pd.DataFrame({"month": times, "sales": np.arange(200) % 13})
    found = prepared(written(tmp_path, frame), data(interval=interval))

    every = np.concatenate([found.arrays[f"groups_{part}"] for part in ("train", "test")])
    every = np.append(every, found.arrays["groups_validation"])
    assert len(np.unique(every)) == groups


# Rows that do not follow one another


def test_months_follow_one_another_whichever_of_their_days_is_written(tmp_path):
    frame = monthly()
    frame["month"] = pd.date_range("1949-01-31", periods=len(frame), freq="ME")
    found = prepared(written(tmp_path, frame), data())

    assert found.meta["gaps"] == 0
    assert found.meta["interval"] == "1month"


def test_windows_across_a_gap_are_left_out_and_counted(tmp_path):
    found = prepared(written(tmp_path, monthly().drop(index=[40])), data())

    assert found.meta["gaps"] == 1
    assert found.meta["dropped_at_gaps"] == {"train": 12, "validation": 0, "test": 0}
    assert any("windows across gaps (1 gap" in note for note in found.meta["notes"])


def test_rows_are_sorted_repeated_ones_left_out_and_missing_ones_told(tmp_path):
    frame = monthly().astype({"price": object})
    frame.loc[100, "sales"] = -9999.0
    frame.loc[50, "price"] = "n.k."
    shuffled = pd.concat([frame[70:], frame[:70], frame[20:21]])
    said = data(missing=[-9999, "n.k."])
    found = prepared(written(tmp_path, shuffled), said)

    notes = " | ".join(found.meta["notes"])
    assert "sorted, since the rows go back in time 2 times" in notes
    assert "left out: 1 row with the time of another" in notes
    assert "-9999 is taken as missing, as said (1 time)" in notes
    assert "left out: 1 row without a value of sales (the first at 1957-05-01T00:00:00)" in notes
    assert "filled with the value before: 1 missing cell (price 1)" in notes
    assert found.meta["rows_without_target"] == 1


def test_business_days_follow_one_another_where_rows_count(tmp_path):
    times = pd.bdate_range("2020-01-01", periods=300)
    path = written(tmp_path, pd.DataFrame({"month": times, "sales": np.arange(300) % 11}))

    with pytest.raises(
        DataError, match=r"60 gaps in rows every day leave no train.*'interval': 'r"
    ):
        prepared(path, data(interval="1d"))
    assert prepared(path, data(interval="row")).meta["examples"]["train"] == 138


def test_another_interval_than_the_task_says_is_told(tmp_path):
    path = written(tmp_path, monthly())

    with pytest.raises(DataError, match=r"has a row every month, and the task says.*'1h'"):
        prepared(path, data(interval="1h"))
    assert prepared(path, data(interval=None)).meta["interval"] == "1month"


# How files are written


def test_delimiter_decimal_commas_and_the_way_of_times_are_as_said(tmp_path):
    frame = monthly()
    plain = prepared(written(tmp_path, frame), data())
    frame["month"] = pd.to_datetime(frame["month"]).dt.strftime("%d/%m/%y")
    path = written(tmp_path, frame, "other.csv", sep=";", decimal=",")
    said = data(time_format="%d/%m/%y", delimiter=";", decimal=",")

    other = prepared(path, said)

    # Two digits of 1949 are those of 2049, and months of any century follow one another.
    assert np.array_equal(other.arrays["values"], plain.arrays["values"])
    assert [note for note in other.meta["notes"] if "written" in note] == []


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="no pyarrow here")
def test_parquet_is_read_as_csv_is_also_where_the_time_is_the_index(tmp_path):
    frame = monthly()
    plain = prepared(written(tmp_path, frame), data())
    frame["month"] = pd.to_datetime(frame["month"])
    frame["words"] = "x"
    frame.set_index("month").to_parquet(tmp_path / "x.parquet")

    other = prepared(tmp_path / "x.parquet", data())

    assert np.array_equal(other.arrays["times"], plain.arrays["times"])
    assert np.array_equal(other.arrays["standardised"], plain.arrays["standardised"])
    assert "left out: column 'words', which has no numbers" in other.meta["notes"]
    with pytest.raises(DataError, match=r"has no column 'sale' \(did you mean 'sales'\?\)"):
        prepared(tmp_path / "x.parquet", data(targets=["sale"]))


def test_without_pyarrow_a_line_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 and more")

    with pytest.raises(DataError, match=r'pip install "keras-sequence-bench\[parquet\]"'):
        prepared(path, data())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"targets": ["sale"]}, r"has no column 'sale' \(did you mean 'sales'\?\); there are: mon"),
        ({"time": "when"}, "has no column 'when'"),
        ({"delimiter": ";"}, "has no column 'month'; has no column 'sales'"),
        ({"time_format": "%Y/%m"}, r"x.csv:2: '1949-01' is no date and time; write it as %Y/%m"),
        ({"targets": ["words"], "inputs": ["words"]}, "column 'words': 'a' is no number"),
    ],
)
def test_a_file_that_is_not_as_said_is_refused_in_one_line(tmp_path, said, message):
    path = written(tmp_path, monthly().assign(words="a"))

    with pytest.raises(DataError, match=message) as caught:
        prepared(path, data(**said))
    assert "\n" not in str(caught.value)


def test_a_cell_that_is_no_number_costs_nothing_in_a_column_that_nobody_reads(tmp_path):
    frame = monthly().astype({"price": object})
    frame.loc[3, "price"] = "1 of 2"
    path = written(tmp_path, frame)

    assert prepared(path, data(inputs=["sales"])).meta["columns"] == ["sales"]
    with pytest.raises(DataError, match=r"x.csv:5: column 'price': '1 of 2' is no number"):
        prepared(path, data())


# Views


def test_inputs_are_what_is_seen_in_their_order_whatever_else_is_predicted(tmp_path):
    task = opened(written(tmp_path, monthly()), data(inputs=["price"]))

    assert task.facts["columns"] == ("price",)
    assert task.input_shape == (12, 1)
    assert isinstance(task.facts["target_columns"], Absent)


def test_a_view_counts_rows_or_time_and_has_the_newest_row_last(tmp_path):
    path, said = written(tmp_path, monthly()), data(lookback=24)
    by_rows, by_time = (
        opened(path, said, standardise=False, lookback=lookback, step=step)
        for lookback, step in ((12, 3), ("1year", "1quarter"))
    )
    windows = [task.test.gather(np.array([0])) for task in (by_rows, by_time)]

    assert np.array_equal(*windows)
    assert windows[0][0, :, 0] == pytest.approx(monthly()["sales"][[98, 101, 104, 107]])
    assert len(by_rows.test) == len(opened(path, said).test)


def test_a_season_that_a_window_does_not_show_is_absent_with_the_reason(tmp_path):
    path, said = written(tmp_path, monthly()), data()

    assert opened(path, said).facts["season"] == 12
    short = opened(path, said, lookback=6).facts["season"]
    assert short == Absent("the window has 6 samples, and a season 12")
    coarse = opened(path, said, step=5, lookback=10).facts
    assert "whole number" in coarse["season"].reason
    assert "whole number" in coarse["ahead"].reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lookback": 24}, "longer than the 12 rows of the task.*raise 'lookback' in DATA"),
        ({"step": 5}, "lookback=12 is not a multiple of step=5"),
        ({"lookback": "7d"}, "is no number of rows; the data have one every month"),
        ({"lookback": "soon"}, "'soon' is no interval"),
        ({"columns": ["sale"]}, r"no column 'sale' \(did you mean 'sales'\?\)"),
    ],
)
def test_an_option_of_a_view_without_meaning_is_refused(tmp_path, options, message):
    with pytest.raises(BenchError, match=message):
        opened(written(tmp_path, monthly()), data(), **options)


@pytest.mark.parametrize(
    ("interval", "frequency", "columns"),
    [
        ("1h", "h", ["day sin", "day cos", "week sin", "week cos", "year sin", "year cos"]),
        ("1d", "D", ["week sin", "week cos", "year sin", "year cos"]),
        ("1month", "MS", ["year sin", "year cos"]),
    ],
)
def test_the_calendar_has_the_cycles_that_the_interval_shows(
    tmp_path, interval, frequency, columns
):
    times = pd.date_range("2020-01-01", periods=100, freq=frequency)
    frame = pd.DataFrame({"month": times, "sales": np.arange(100) % 13})
    task = opened(written(tmp_path, frame), data(interval=interval), calendar=True)

    assert [*task.facts["columns"]] == ["sales", *columns]
    assert task.input_shape == (12, 1 + len(columns))


# Made up, and shown


def test_a_made_series_has_the_shape_that_the_task_declares_and_is_always_the_same():
    said = data(targets=["a", "b"], inputs=["b", "c", "a"], horizon=2)

    one, two = kind.synthesise(said), kind.synthesise(said)

    assert one.meta["columns"] == ["b", "c", "a"]
    assert one.meta["interval"] == "1month"
    assert one.meta["gaps"] == 0
    assert one.arrays["targets_test"].shape[1] == 4
    assert all(np.array_equal(one.arrays[name], two.arrays[name]) for name in one.arrays)
    dated = {"validation_from": "1990-01-01", "test_from": "1991-01-01"}
    assert kind.synthesise(data(split=dated)).meta["examples"]["test"] > 100


def test_an_example_is_shown_in_the_unit_of_the_target(tmp_path):
    said = data(unit="k")
    found = prepared(written(tmp_path, monthly()), said)

    shown = kind.look(said, found, view_of(said), "test", 0)

    sales = monthly()["sales"]
    assert shown.example["target"].startswith(f"{sales[108]:.6g} k (")
    assert shown.example["naive forecast"].startswith(f"{sales[107]:.6g} k, the newest")
    assert "from 1957-01-01 00:00 to 1957-12-01 00:00, one every month" in shown.example["window"]
    assert [picture.name for picture in shown.pictures] == ["series", "first-rows"]
    assert list(shown.tables) == ["first rows", "columns"]


def test_each_step_and_each_target_is_scored_by_itself_too(tmp_path):
    path = written(tmp_path, monthly())

    both = opened(path, data(targets=["sales", "price"], horizon=3)).parts
    assert both == {
        "sales": (0, 2, 4),
        "price": (1, 3, 5),
        "step 1": (0, 1),
        "step 2": (2, 3),
        "step 3": (4, 5),
    }
    assert opened(path, data()).parts == {}
