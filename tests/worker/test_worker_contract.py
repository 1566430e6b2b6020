"""When a model counts as one that learns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from keras_world import sums

from bench.errors import BenchError

pytest.importorskip("keras")


class Losing:
    """A model whose training steps have the losses it is given, then the last one for ever."""

    def __init__(self, losses: Iterable[float]) -> None:
        self._losses = [*losses]
        self.steps = 0

    def reset_metrics(self) -> None:
        pass

    def train_on_batch(self, inputs: Any, targets: Any, return_dict: bool) -> dict[str, float]:
        self.steps += 1
        return {"loss": self._losses[min(self.steps, len(self._losses)) - 1]}


def train(model: Losing) -> None:
    from bench.worker.contract import _train_until_lower

    _train_until_lower(model, sums(32, 0))


def test_it_is_trained_until_the_loss_has_clearly_fallen_and_no_longer():
    model = Losing(np.linspace(2.0, 0.0, 100))
    train(model)

    assert 20 < model.steps < 40


def test_a_slow_learner_is_one_if_its_gain_is_beyond_the_noise():
    wandering = np.random.default_rng(0).uniform(-0.01, 0.01, size=200)
    model = Losing(np.linspace(0.693, 0.675, 200) + wandering)
    train(model)

    assert model.steps == 200


def test_a_loss_that_stands_still_is_no_learning():
    with pytest.raises(BenchError, match=r"took the loss from 0\.7 to 0\.7: it"):
        train(Losing([0.7]))


def test_losses_that_only_wander_are_no_learning():
    wandering = 1 + 0.2 * np.random.default_rng(0).uniform(-1, 1, size=200)
    with pytest.raises(BenchError, match=r"took the loss from .* to .*: it does not learn"):
        train(Losing([1.0, *wandering]))


def test_a_loss_that_is_no_number_ends_the_training():
    model = Losing([1.0, 0.9, float("nan")])
    with pytest.raises(BenchError, match="the training loss became nan in step 3"):
        train(model)

    assert model.steps == 3
