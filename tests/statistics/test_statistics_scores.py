"""The metrics, each against what is known of it: by hand, and from scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from bench.statistics.scores import (
    SCORE_RULES,
    SMALLEST,
    accuracy,
    log_loss,
    macro_f1,
    mean_absolute_error,
    root_mean_squared_error,
    score,
    symmetric_mape,
    wrong_probabilities,
)
from bench.task import Array
from bench.values import SCORES

RANDOM = np.random.default_rng(7)
TARGETS = RANDOM.normal(size=(200, 3)).astype("float32")
PREDICTIONS = (TARGETS + RANDOM.normal(size=TARGETS.shape)).astype("float32")
CLASSES = RANDOM.integers(0, 4, 300).astype("float32")
SHARES = RANDOM.dirichlet(np.ones(4), 300).astype("float32")


def test_a_task_may_be_scored_by_what_there_is_and_nothing_else():
    assert {*SCORES} == {*SCORE_RULES}


def test_errors_are_means_over_examples_and_outputs_in_double_precision():
    targets = np.full(10_000, 0.1, dtype="float32")
    shifted = targets + np.float32(0.25)

    assert mean_absolute_error(targets, shifted) == pytest.approx(0.25, abs=1e-7)
    assert root_mean_squared_error(targets, shifted) == pytest.approx(0.25, abs=1e-7)
    assert mean_absolute_error(TARGETS, PREDICTIONS) == pytest.approx(
        metrics.mean_absolute_error(TARGETS, PREDICTIONS)
    )
    assert root_mean_squared_error(TARGETS, PREDICTIONS) == pytest.approx(
        metrics.mean_squared_error(TARGETS.ravel(), PREDICTIONS.ravel()) ** 0.5
    )


def test_a_relative_error_is_between_0_and_2_in_any_unit():
    targets, predictions = np.array([1.0, 0.0, 2.0, 0.0]), np.array([3.0, 0.0, 2.0, 5.0])

    assert symmetric_mape(targets, predictions) == (1 + 0 + 0 + 2) / 4
    assert symmetric_mape(7 * targets, 7 * predictions) == (1 + 0 + 0 + 2) / 4


def test_of_two_classes_the_prediction_is_the_probability_of_class_1():
    targets, predictions = np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.6])

    assert accuracy(targets, predictions) == 0.5
    assert macro_f1(targets, predictions) == metrics.f1_score(
        targets, predictions > 0.5, average="macro"
    )
    assert log_loss(targets, predictions) == pytest.approx(metrics.log_loss(targets, predictions))


def test_of_more_classes_the_prediction_is_a_probability_for_each():
    likeliest = SHARES.argmax(axis=1)

    assert accuracy(CLASSES, SHARES) == metrics.accuracy_score(CLASSES, likeliest)
    assert macro_f1(CLASSES, SHARES) == pytest.approx(
        metrics.f1_score(CLASSES, likeliest, average="macro")
    )
    bounded = np.clip(SHARES.astype("float64"), SMALLEST, 1)
    expected = metrics.log_loss(CLASSES, bounded / bounded.sum(axis=1, keepdims=True))
    assert log_loss(CLASSES, SHARES) == pytest.approx(expected, rel=1e-5)


def test_a_class_that_is_neither_there_nor_predicted_counts_for_nothing():
    certain = np.eye(5, dtype="float32")[[0, 2, 2, 0]]

    assert macro_f1(np.array([0.0, 2.0, 2.0, 0.0]), certain) == 1.0
    assert macro_f1(np.array([0.0, 2.0, 2.0, 4.0]), certain) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_a_certain_error_costs_much_and_not_without_end():
    assert log_loss(np.array([1.0]), np.array([0.0])) == pytest.approx(-np.log(SMALLEST))
    assert log_loss(np.array([2.0]), np.eye(3)[:1]) == pytest.approx(-np.log(SMALLEST))


@pytest.mark.parametrize("metric", ["rmse", "macro_f1"])
def test_what_an_example_adds_to_a_metric_is_its_change_without_the_example(metric):
    """The infinitesimal jackknife is near the jackknife: the metric of all but one example."""
    targets, predictions = {"rmse": (TARGETS, PREDICTIONS), "macro_f1": (CLASSES, SHARES)}[metric]
    added = SCORE_RULES[metric].of_examples(targets, predictions)
    whole = score(metric, targets, predictions)

    def without(number: int) -> float:
        rest = [np.delete(array, number, axis=0) for array in (targets, predictions)]
        return score(metric, *rest)

    dropped = np.array([without(number) for number in range(len(targets))])
    assert added.mean() == pytest.approx(whole)
    assert (len(targets) - 1) * (whole - dropped) == pytest.approx(
        added - whole, rel=0.05, abs=0.02
    )


def test_no_error_at_all_adds_nothing():
    assert SCORE_RULES["rmse"].of_examples(TARGETS, TARGETS).tolist() == [0.0] * len(TARGETS)


def test_what_is_no_probability_is_told():
    def told(*row: float) -> str:
        wrong: Array = np.array([[0.5, 0.5], row], dtype="float32")
        return wrong_probabilities(wrong)

    assert told(0.25, 0.75) == told(1.0, 0.0004) == ""
    assert told(1.2, -0.2) == "go down to -0.2, which is no probability"
    assert told(0.9, 0.9) == "add up to 1.8 over the classes of an example, not to 1"
