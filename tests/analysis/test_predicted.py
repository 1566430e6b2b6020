"""What the stored predictions show: when errors are large, what a probability means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_board, a_record

from bench.analysis.predicted import (
    DAY,
    CalibrationBin,
    Mistake,
    OutputName,
    by_hour,
    by_season,
    calibration,
    confusion,
    instants,
    numbers_of,
    outputs_of,
    predicted,
    taken_for,
    worst_mistakes,
)
from bench.records.predictions import describe, summary_arrays
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

    assert confusion(targets, taken_for(values), 2) == [[2.5, 0.5], [0.5, 0.5]]


def test_the_surest_mistakes_are_those_farthest_on_the_wrong_side():
    targets = np.array([0, 1, 0, 1])
    values = np.array([[0.6, 0.1, 0.95, 0.9]])

    assert worst_mistakes(targets, values, 2) == [Mistake(2, 0, 1, 0.95), Mistake(1, 1, 0, 0.9)]


# Three classes, and several outputs

OF_THREE = np.array(
    [
        [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]],
        [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]],
    ]
)
THREE = np.array([0, 1, 2, 2])


def test_of_three_classes_the_likeliest_is_taken_and_the_surest_mistake_is_of_it():
    taken = taken_for(OF_THREE)

    assert confusion(THREE, taken, 3) == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 1]]
    assert worst_mistakes(THREE, OF_THREE) == [Mistake(2, 2, 1, pytest.approx(0.7))]


def found_of(values, targets, table=None, **arrays):
    """What is found of a row of one record with these arrays."""
    record = replace(a_record("a", trial={"task": "imdb"}), predictions=describe("x.npz", b""))
    board = a_board(replace(record, data={**record.data, "meta": arrays.pop("meta", {})}))
    (table,) = board.tables
    kept = {"predictions": values, "targets": targets, "groups": np.arange(len(targets)), **arrays}

    class Kept:
        def predictions(self, record):
            return kept

    return predicted(Kept(), table, table.rows[0], print)


def test_classes_have_the_names_that_the_data_say_and_their_calibration_is_of_the_class_taken():
    found = found_of(OF_THREE[0], THREE, meta={"classes": ["sun", "rain", "snow"]})

    assert found.classes == ("sun", "rain", "snow")
    assert found.values.shape == (1, 4, 3)
    right, sure = np.array([1, 1, 0, 1]), OF_THREE[:1].astype("f4").max(axis=2)
    assert [one.share for one in found.calibrated()] == [
        one.share for one in calibration(right, sure)
    ]
    assert found_of(OF_THREE[0], THREE, meta={"classes": ["sun"]}).classes == ("0", "1", "2")


def test_what_does_not_belong_together_is_not_told_of():
    assert found_of(OF_THREE[0], np.array([0, 1, 2, 7])) is None
    assert found_of(OF_THREE[0], THREE, groups=np.arange(3)) is None


def test_the_summary_of_a_model_is_read_from_beside_its_predictions():
    told = "Model: \u201cm\u201d\n total 3"
    assert found_of(OF_THREE[0], THREE, **summary_arrays(told)).summary == told
    assert found_of(OF_THREE[0], THREE, model_summary=np.zeros(3)).summary == ""
    assert summary_arrays(" \n") == summary_arrays(None) == {}


def test_outputs_are_named_by_column_and_step():
    of = found_of(OF_THREE[0], THREE)
    several = replace(of, targets=np.zeros((4, 6)), meta={"targets": ["T", "p"]})

    assert outputs_of(several)[3] == OutputName("p", 1, 1)
    assert [each.step for each in outputs_of(several)] == [0, 0, 1, 1, 2, 2]
    assert outputs_of(replace(several, meta={"targets": [1, 2, 3, 4]}))[5] == OutputName("", 0, 5)
