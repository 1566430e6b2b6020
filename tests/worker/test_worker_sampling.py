"""Which training examples a model and an epoch see."""

from __future__ import annotations

import numpy as np

from bench.task import Examples
from bench.worker.sampling import epoch_batches, fixed_part


def numbered(count: int) -> Examples:
    """Examples whose input is their number, whose target ten times that, one a group."""
    return Examples(
        targets=10 * np.arange(count, dtype="float32"),
        gather=lambda numbers: numbers[:, None],
        groups=np.arange(count, dtype="int32"),
    )


def test_a_pass_shows_every_example_once_before_any_twice():
    batches = epoch_batches(examples=100, steps=10, batch_size=10, seed=0, epoch=0)

    assert sorted(batches.ravel()) == list(range(100))


def test_epochs_that_are_part_of_a_pass_go_on_where_the_last_one_stopped():
    epochs = [epoch_batches(100, 2, 10, seed=3, epoch=number) for number in range(5)]

    assert sorted(np.concatenate(epochs).ravel()) == list(range(100))


def test_an_epoch_longer_than_a_pass_repeats_examples_and_keeps_full_batches():
    batches = epoch_batches(examples=10, steps=3, batch_size=8, seed=0, epoch=0)

    assert batches.shape == (3, 8)
    assert set(batches.ravel()) == set(range(10))
    assert np.bincount(batches.ravel()).min() >= 2


def test_seed_and_epoch_decide_the_order_and_nothing_else_does():
    first = epoch_batches(1000, 5, 16, seed=1, epoch=2)
    epoch_batches(50, 5, 16, seed=9, epoch=0)

    assert np.array_equal(first, epoch_batches(1000, 5, 16, seed=1, epoch=2))
    assert not np.array_equal(first, epoch_batches(1000, 5, 16, seed=2, epoch=2))
    assert not np.array_equal(first, epoch_batches(1000, 5, 16, seed=1, epoch=3))


def test_a_part_is_so_many_different_examples_with_their_own_targets_and_groups():
    part = fixed_part(numbered(1000), 200)
    inputs = part.gather(np.arange(200))[:, 0]

    assert len(part) == len(set(inputs.tolist())) == 200
    assert np.array_equal(part.targets, 10 * inputs)
    assert np.array_equal(part.groups, inputs)
    # Spread over the whole split, so that labels are as balanced as they come.
    assert 400 < inputs.mean() < 600


def test_every_seed_sees_the_same_part_and_a_smaller_part_begins_a_larger_one():
    np.random.seed(7)
    one = fixed_part(numbered(1000), 200)
    np.random.seed(8)
    larger = fixed_part(numbered(1000), 300)

    assert np.array_equal(one.targets, larger.targets[:200])


def test_a_part_that_is_drawn_by_seed_is_another_for_each_seed_and_the_same_for_every_model():
    drawn = [fixed_part(numbered(1000), 200, seed).targets for seed in (0, 0, 1)]

    assert np.array_equal(drawn[0], drawn[1])
    assert 20 < len({*drawn[0]} & {*drawn[2]}) < 60  # 40 of 200 by chance
    assert np.array_equal(fixed_part(numbered(1000), 300, seed=0).targets[:200], drawn[0])


def test_all_examples_stay_as_they_are():
    every = numbered(10)

    assert fixed_part(every, None) is every
    assert fixed_part(every, 11) is every
