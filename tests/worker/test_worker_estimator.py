"""Objects with scikit-learn's fit and predict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_trial, sums

from bench.errors import BenchError
from bench.worker import estimator
from bench.worker.estimator import EstimatorLearner


class LeastSquares:
    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.seen = len(inputs)
        self.coef_ = np.linalg.lstsq(inputs, targets, rcond=None)[0]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return inputs @ self.coef_


def test_an_estimator_is_fitted_and_predicts_in_batches():
    learner = EstimatorLearner(LeastSquares(), a_trial(epochs=1, steps_per_epoch=10))
    learner.fit(sums(80, 0), sums(10, 1), lambda epoch: None)
    test = sums(1300, 2)

    assert np.allclose(learner.predict(test), test.targets, atol=1e-4)
    assert learner.parameters == 4
    assert learner.size > 0


def test_a_pipeline_has_the_parameters_of_its_steps():
    class Pipeline(LeastSquares):
        def __init__(self) -> None:
            self.steps = [("model", LeastSquares()), ("nothing", None)]

        def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
            self.steps[0][1].fit(inputs, targets)

    learner = EstimatorLearner(Pipeline(), a_trial(epochs=1, steps_per_epoch=10))
    learner.fit(sums(80, 0), sums(10, 1), lambda epoch: None)

    assert learner.parameters == 4


def test_training_inputs_are_gathered_in_batches_and_stay_in_order():
    train, sizes = sums(1300, 0), []

    def gather(numbers: np.ndarray) -> np.ndarray:
        sizes.append(len(numbers))
        return train.gather(numbers)

    made: Any = LeastSquares()
    learner = EstimatorLearner(made, a_trial(epochs=1, steps_per_epoch=1300, batch_size=1))
    learner.fit(replace(train, gather=gather), sums(10, 1), lambda epoch: None)

    assert made.seen == 1300
    assert max(sizes) == 512
    assert np.allclose(learner.predict(train), train.targets, atol=1e-4)


def test_an_estimator_sees_as_many_distinct_examples_as_the_schedule_would_draw():
    made: Any = LeastSquares()
    trial = a_trial(epochs=2, steps_per_epoch=3, batch_size=8)
    EstimatorLearner(made, trial).fit(sums(1000, 0), sums(10, 1), lambda epoch: None)

    assert made.seen == 2 * 3 * 8


def test_a_fit_that_cannot_fit_into_memory_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(estimator, "LARGEST_FIT", 100)
    learner = EstimatorLearner(LeastSquares(), a_trial())

    with pytest.raises(BenchError, match="fewer epochs or steps_per_epoch"):
        learner.fit(sums(1000, 0), sums(10, 1), lambda epoch: None)
