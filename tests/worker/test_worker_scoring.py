"""Metrics and the choice of scored examples."""

from __future__ import annotations

import numpy as np
import pytest

from bench.task import Examples
from bench.worker.sampling import (
    accuracy,
    evenly_spread,
    is_better,
    mean_absolute_error,
    one_number_each,
)


def numbered(count: int) -> Examples:
    targets = np.arange(count, dtype="float32")
    return Examples(targets, lambda numbers: targets[numbers] * 10, np.arange(count) // 4)


def test_accuracy_counts_probabilities_on_the_right_side_of_one_half():
    assert accuracy(np.array([0, 1, 1, 0]), np.array([0.2, 0.9, 0.4, 0.6])) == 0.5


def test_mean_absolute_error_is_computed_in_double_precision():
    targets = np.full(10_000, 0.1, dtype="float32")

    assert mean_absolute_error(targets, targets + np.float32(0.25)) == pytest.approx(0.25, abs=1e-7)


def test_scored_examples_spread_over_the_whole_split_and_keep_their_inputs():
    some = evenly_spread(numbered(100), 5)

    assert some.targets.tolist() == [0, 25, 50, 74, 99]
    assert some.gather(np.array([1, 4])).tolist() == [250, 990]
    assert some.groups.tolist() == [0, 6, 12, 18, 24]


@pytest.mark.parametrize("count", [None, 100, 500])
def test_all_examples_are_scored_when_there_are_no_more_than_asked_for(count):
    examples = numbered(100)

    assert evenly_spread(examples, count) is examples


def test_better_follows_the_direction_and_equal_is_no_improvement():
    assert is_better(0.2, 0.3, "min")
    assert is_better(0.3, 0.2, "max")
    assert not is_better(0.3, 0.3, "min")
    assert not is_better(0.3, 0.3, "max")
    assert is_better(0.3, None, "min")


def test_predictions_of_shape_n_by_one_are_flattened():
    assert one_number_each(np.ones((3, 1)), 3).shape == (3,)


def test_more_than_one_number_an_example_is_refused_with_the_mend():
    with pytest.raises(ValueError, match="end the model with one unit"):
        one_number_each(np.ones((3, 2)), 3)
