"""Which training examples an epoch sees."""

from __future__ import annotations

import numpy as np

from bench.worker.sampling import epoch_batches


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
