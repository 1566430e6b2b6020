"""What the stored predictions show: when errors are large, what a probability means."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.predicted import (
    DAY,
    CalibrationBin,
    Mistake,
    by_hour,
    by_season,
    calibration,
    confusion,
    instants,
    numbers_of,
    worst_mistakes,
)
from bench.task import Examples
from bench.worker.sampling import evenly_spread

HOUR = 3600


def test_the_numbers_of_examples_are_those_that_the_worker_has_scored():
    every = np.arange(1000)
    examples = Examples(every.astype("float32"), lambda numbers: numbers, every)

    assert (numbers_of(70, 70, 1000) == evenly_spread(examples, 70).targets).all()
    assert (numbers_of(1000, None, 1000) == every).all()
    assert (numbers_of(5, None, None) == np.arange(5)).all()
    assert numbers_of(70, 70, None) is None
    assert numbers_of(70, 80, 1000) is None


@pytest.mark.parametrize("count", [None, 211])
def test_the_days_of_evenly_spread_targets_tell_their_hours(count):
    times = 400 * DAY + 7 * HOUR + np.arange(24 * 60) * HOUR
    numbers = numbers_of(count or len(times), count, len(times))
    found = instants(times[numbers] // DAY, numbers, HOUR)

    assert (found == times[numbers]).all()


def test_after_a_gap_times_are_found_again():
    times = 400 * DAY + np.r_[np.arange(100), np.arange(200, 400)] * HOUR
    found = instants(times // DAY, np.arange(300), HOUR)

    assert (found[:96] == times[:96]).all()
    assert (found[128:] == times[128:]).all()
    assert (found // DAY == times // DAY).all()


def test_times_that_the_days_do_not_tell_are_not_made_up():
    assert instants(np.array([3, 3, 3]), np.arange(3), HOUR) is None
    assert instants(np.array([3, 2]), np.arange(2), HOUR) is None
    assert instants(np.array([3, 4]), np.arange(2), 7) is None


def test_errors_are_averaged_by_hour_and_by_season():
    start = np.datetime64("2016-01-01", "s").astype("int64")
    times = start + np.arange(366 * 24) * HOUR
    months = times.astype("datetime64[s]").astype("datetime64[M]").astype("int64") % 12 + 1
    errors = (times % DAY // HOUR) + 100.0 * np.isin(months, [6, 7, 8])

    assert by_season(times, errors) == pytest.approx([11.5, 11.5, 111.5, 11.5])
    hours = by_hour(times, errors)
    assert np.diff(hours) == pytest.approx([1.0] * 23)
    assert by_hour(times[:1], errors[:1])[1:] == [None] * 23


def test_calibration_sets_what_was_predicted_beside_what_came_of_it():
    targets = np.array([0.0, 1.0, 1.0, 1.0])
    values = np.array([[0.05, 0.01, 0.95, 1.0], [0.05, 0.01, 0.95, 1.5]])

    first, last = calibration(targets, values)
    assert first == CalibrationBin(4, pytest.approx(0.03), 0.5)
    assert last == CalibrationBin(4, pytest.approx(0.975), 1.0)


def test_confusion_counts_each_class_by_what_it_was_taken_for():
    targets = np.array([0, 0, 0, 1])
    values = np.array([[0.1, 0.9, 0.2, 0.8], [0.1, 0.2, 0.2, 0.4]])

    assert confusion(targets, values) == ((2.5, 0.5), (0.5, 0.5))


def test_the_surest_mistakes_are_those_farthest_on_the_wrong_side():
    targets = np.array([0, 1, 0, 1])
    values = np.array([[0.6, 0.1, 0.95, 0.9]])

    assert worst_mistakes(targets, values, 2) == [Mistake(2, 0, 0.95), Mistake(1, 1, 0.1)]
