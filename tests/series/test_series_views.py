"""A view changes what a model sees of a series, and nothing else."""

import numpy as np
import pytest

from bench.errors import BenchError, CannotRun
from bench.series.prepare import prepare
from bench.series.table import SeriesTable
from bench.series.windows import open_windows

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
RAW = {**VIEW, "standardise": False}


@pytest.fixture(scope="module")
def prepared():
    """An hourly series whose raw cells tell their row: itself, a twentieth, and 0.2 more."""
    values = np.arange(1200.0)[:, None] * [1, 1 / 20, 1] + [0.0, 0.0, 0.2]
    return prepare(SeriesTable(HOUR * np.arange(1200), COLUMNS, values), "s", as_published=False)


def test_a_window_is_ten_days_by_the_hour_and_ends_one_step_before_its_row(prepared):
    opened = open_windows(prepared, RAW)

    windows = opened.validation.gather(np.array([0, 5]))

    rows = prepared.arrays["rows_validation"][[0, 5]]
    expected = np.stack([np.arange(row - 240, row) for row in rows])
    assert windows.shape == (2, *opened.input_shape) == (2, 240, 3)
    assert windows.dtype == np.float32
    assert np.allclose(windows[:, :, 0], expected)


def test_a_coarser_step_takes_every_nth_row_before_the_same_row(prepared):
    opened = open_windows(prepared, {**RAW, "lookback": "12h", "step": "3h"})

    window = opened.train.gather(np.array([7]))[0]

    row = prepared.arrays["rows_train"][7]
    assert window[:, 0].tolist() == [row - 12, row - 9, row - 6, row - 3]


@pytest.mark.parametrize(
    ("rows", "time"),
    [({"lookback": 144, "step": 12}, {"lookback": "24h", "step": "120min"}),
     ({"lookback": 1440, "step": 6}, {"lookback": "10d", "step": "1h"})],
)  # fmt: skip
def test_rows_and_times_mean_the_same(prepared, rows, time):
    numbers = np.arange(4)

    by_rows = open_windows(prepared, {**VIEW, **rows}).test.gather(numbers)
    by_time = open_windows(prepared, {**VIEW, **time}).test.gather(numbers)

    assert np.array_equal(by_rows, by_time)


def test_a_window_longer_than_ten_days_is_scored_on_the_same_examples(prepared):
    usual, longer = (
        open_windows(prepared, {**RAW, "lookback": lookback}) for lookback in ("10d", "12d")
    )
    missing = len(usual.train) - len(longer.train)

    assert missing == 2 * 24
    assert np.array_equal(longer.train.targets, usual.train.targets[missing:])
    assert len(longer.train.groups) == len(longer.train.targets)
    assert longer.train.gather(np.array([0]))[0, 0, 0] == 0
    for split in ("validation", "test"):
        one, other = getattr(usual, split), getattr(longer, split)
        assert np.array_equal(one.targets, other.targets)
        number = np.array([3])
        assert np.array_equal(one.gather(number), other.gather(number)[:, 2 * 24 :])


def test_reverse_turns_the_window_round(prepared):
    numbers = np.arange(4)

    forward = open_windows(prepared, VIEW).train.gather(numbers)
    backward = open_windows(prepared, {**VIEW, "reverse": True}).train.gather(numbers)

    assert np.array_equal(backward, forward[:, ::-1])


def test_columns_are_taken_in_the_order_of_the_view(prepared):
    opened = open_windows(prepared, {**RAW, "columns": ["rh (%)", "T (degC)"]})

    last = opened.train.gather(np.array([0]))[0, -1]

    assert opened.input_shape == (240, 2)
    assert last.tolist() == pytest.approx([239.2, 239 / 20])
    assert opened.facts["columns"] == ("rh (%)", "T (degC)")
    assert opened.facts["target_column"] == 1


def test_a_calendar_tells_each_sample_its_own_time_of_day_and_year(prepared):
    plain = open_windows(prepared, VIEW)
    dated = open_windows(prepared, {**VIEW, "calendar": True})
    numbers = np.array([0, 7])

    windows = dated.test.gather(numbers)

    assert windows.shape == (2, *dated.input_shape) == (2, 240, 7)
    assert windows.dtype == np.float32
    assert dated.facts["columns"] == (*COLUMNS, "day sin", "day cos", "year sin", "year cos")
    assert dated.facts["target_column"] == plain.facts["target_column"]
    assert np.array_equal(windows[:, :, :3], plain.test.gather(numbers))
    # The made series begins at midnight of 1 January 1970, one row an hour.
    rows = prepared.arrays["rows_test"][numbers][:, None] + np.arange(-240, 0)
    day, year = 2 * np.pi * rows / 24, 2 * np.pi * rows / (24 * 365.2425)
    circles = np.stack([np.sin(day), np.cos(day), np.sin(year), np.cos(year)], axis=2)
    assert windows[:, :, 3:] == pytest.approx(circles, abs=1e-5)


def test_a_calendar_follows_the_chosen_columns_and_is_never_standardised(prepared):
    view = {"columns": ["T (degC)"], "calendar": True, "lookback": "2d", "reverse": True}
    raw = open_windows(prepared, {**RAW, **view})
    standard = open_windows(prepared, {**VIEW, **view})

    one, other = (opened.train.gather(np.arange(5)) for opened in (raw, standard))

    assert raw.facts["columns"][0] == "T (degC)"
    assert raw.facts["target_column"] == 0
    assert np.array_equal(one[:, :, 1:], other[:, :, 1:])
    assert np.abs(one[:, :, 1:]).max() <= 1


def test_a_view_without_temperature_has_no_target_column(prepared):
    opened = open_windows(prepared, {**VIEW, "columns": ["p (mbar)"]})

    assert opened.facts["target_column"] is None


def test_a_view_never_changes_targets_examples_or_groups(prepared):
    reference = open_windows(prepared, VIEW)
    other = open_windows(
        prepared,
        {**RAW, "lookback": "1d", "step": "2h", "reverse": True, "calendar": True},
    )

    for split in ("train", "validation", "test"):
        one, two = getattr(reference, split), getattr(other, split)
        assert np.array_equal(one.targets, two.targets)
        assert np.array_equal(one.groups, two.groups)
        assert len(one) == prepared.meta["examples"][split]


def test_opening_copies_no_array(prepared):
    opened = open_windows(prepared, VIEW)

    assert np.shares_memory(opened.train.targets, prepared.arrays["targets_train"])


def test_the_facts_describe_the_window_and_lead_back_to_degrees(prepared):
    opened = open_windows(prepared, {**VIEW, "step": "2h"})

    assert opened.facts["lookback"] == opened.input_shape[0] == 120
    assert opened.facts["interval"] == 2 * HOUR
    assert opened.units == {"mae_degC": opened.facts["std"]}
    degrees = opened.train.targets * opened.facts["std"] + opened.facts["mean"]
    assert degrees == pytest.approx(prepared.arrays["rows_train"] / 20 + 1.2, abs=0.01)


@pytest.mark.parametrize(("lookback", "step"), [(1440, 3), ("9d", "90min")])
def test_data_too_coarse_for_a_step_skip_the_trial(prepared, lookback, step):
    with pytest.raises(CannotRun, match="a sample every 60 minutes"):
        open_windows(prepared, {**VIEW, "lookback": lookback, "step": step})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lookback": "999d"}, r"lookback='999d' is longer than the \d+ days.*use at most '\d+d'"),
        ({"lookback": 100}, "lookback=100 is not a multiple of step=6"),
        ({"lookback": 0}, "lookback=0 is no time"),
        ({"step": "1 week"}, "step='1 week' is no time.*'10d'"),
        ({"step": True}, "step=True is no time"),
        ({"columns": ["T (deg)"]}, r"no column 'T \(deg\)' \(did you mean 'T \(degC\)'\?\)"),
        ({"columns": "T (degC)"}, "is no list of names"),
        ({"columns": []}, "is no list of names"),
        ({"columns": ["rh (%)", "rh (%)"]}, "names a column twice"),
    ],
)
def test_an_option_without_meaning_is_refused_with_the_mend(prepared, change, message):
    with pytest.raises(BenchError, match=message) as caught:
        open_windows(prepared, {**VIEW, **change})

    assert not isinstance(caught.value, CannotRun)
    assert "\n" not in str(caught.value)
