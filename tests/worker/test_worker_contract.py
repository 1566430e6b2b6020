"""When a model counts as one that learns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from bench.errors import BenchError

pytest.importorskip("keras")


def judged(losses: Iterable[float]) -> int:
    """Judge a training with these losses, the last one for ever; return how many it had."""
    from bench.worker.contract import Lowering

    lowering, given = Lowering(32), [*losses]
    steps = 1
    while not lowering.add(given[min(steps, len(given)) - 1]):
        steps += 1
    lowering.judge()
    return steps


def test_it_is_trained_until_the_loss_has_clearly_fallen_and_no_longer():
    assert 20 < judged(np.linspace(2.0, 0.0, 100)) < 40


def test_a_slow_learner_is_one_if_its_gain_is_beyond_the_noise():
    wandering = np.random.default_rng(0).uniform(-0.01, 0.01, size=200)

    assert judged(np.linspace(0.693, 0.675, 200) + wandering) == 200


def test_a_loss_that_stands_still_is_no_learning():
    with pytest.raises(BenchError, match=r"took the loss from 0\.7 .* to 0\.7 .*fell by 0,"):
        judged([0.7])


def test_losses_that_only_wander_are_no_learning():
    wandering = 1 + 0.2 * np.random.default_rng(0).uniform(-1, 1, size=200)
    with pytest.raises(BenchError, match=r"took the loss from .* to .* it does not learn"):
        judged([1.0, *wandering])


def test_the_figures_that_were_judged_are_told():
    """A loss that falls by half, yet leaps so much that it may be luck."""
    leaps = np.tile([0.2, 12.0], 100)
    leaps[0] = 1.2
    leaps[20:] *= 0.8
    with pytest.raises(BenchError) as caught:
        judged(leaps)

    early, late = leaps[:20], leaps[-20:]
    least = 3 * np.sqrt((early.var() + late.var()) / 20)
    for figure in (early.mean(), late.mean(), early.mean() - late.mean(), least):
        assert f"{figure:.4g}" in str(caught.value)
    assert "three standard errors" in str(caught.value)


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(BenchError, match="the training loss became nan in step 3"):
        judged([1.0, 0.9, float("nan")])
