"""The choice of scored examples, and the form of predictions."""

from __future__ import annotations

import numpy as np
import pytest

from bench.task import Examples
from bench.worker.sampling import evenly_spread, is_better, numbers_each


def numbered(count: int) -> Examples:
    targets = np.arange(count, dtype="float32")
    return Examples(targets, lambda numbers: targets[numbers] * 10, np.arange(count) // 4)


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
    assert numbers_each(np.ones((3, 1)), 3).shape == (3,)


def test_more_than_one_number_an_example_is_refused_with_the_mend():
    with pytest.raises(ValueError, match="end the model with one unit"):
        numbers_each(np.ones((3, 2)), 3)


def test_several_numbers_an_example_keep_their_columns():
    assert numbers_each(np.arange(6.0), 3, 2).tolist() == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(ValueError, match=r"2 numbers each is expected, so end the model with 2 un"):
        numbers_each(np.ones((3, 3)), 3, 2)
