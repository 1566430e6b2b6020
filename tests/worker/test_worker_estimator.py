"""Objects with scikit-learn's fit and predict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_trial, sums

from bench.errors import BenchError
from bench.registry.tasks import discover_tasks
from bench.task import OpenTask
from bench.worker import setup
from bench.worker.setup import EstimatorLearner, make_learner


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


class Half:
    """Tells no probabilities: where it is asked for them, its answer is certain."""

    classes_ = np.array([0, 1])

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Learn nothing."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Say 0.6 of each."""
        return np.full(len(inputs), 0.6)


class Sure(Half):
    """Tells probabilities."""

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        """Say 0.75 of the class 1."""
        return np.tile([0.25, 0.75], (len(inputs), 1))


@pytest.mark.parametrize(
    ("estimator", "by_probability", "told"),
    [(Sure(), True, 0.75), (Sure(), False, 0.75), (Half(), True, 1.0), (Half(), False, 0.6)],
)
def test_of_two_classes_the_probability_is_kept_where_an_estimator_tells_it(
    estimator, by_probability, told
):
    learner = EstimatorLearner(estimator, a_trial(), of_classes=2, probabilities=by_probability)

    assert learner.predict(sums(40, 0)).tolist() == pytest.approx([told] * 40)


def test_reviews_are_of_two_classes():
    examples = sums(20, 0)
    opened = OpenTask((4,), "float32", examples, examples, examples)

    learner, _ = make_learner(Sure(), discover_tasks()["imdb"], a_trial(), opened)

    assert learner.predict(sums(4, 0)).tolist() == [0.75] * 4


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
    monkeypatch.setattr(setup, "LARGEST_FIT", 100)
    learner = EstimatorLearner(LeastSquares(), a_trial())

    with pytest.raises(BenchError, match="fewer epochs or steps_per_epoch"):
        learner.fit(sums(1000, 0), sums(10, 1), lambda epoch: None)


class Saying:
    """Predicts what it is told, in batches."""

    def __init__(self, predicted: Any) -> None:
        self._predicted = predicted

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        raise ValueError("Found array with dim 3, while dim <= 2 is required by Saying.")

    def predict(self, inputs: np.ndarray) -> Any:
        return self._predicted[: len(inputs)]


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        (np.array(["pos", "neg"] * 20), r"words \('neg', 'pos'\); return the numbers 0 and 1"),
        (["pos", "neg"] * 20, "the estimator predicts words"),
        (np.full((40, 2), 0.5), r"two columns, \(40, 2\); return .*predict_proba\(x\)\[:, 1\]"),
    ],
)
def test_words_and_two_columns_are_refused_with_what_to_return(predicted, words):
    with pytest.raises(BenchError, match=words):
        EstimatorLearner(Saying(predicted), a_trial()).predict(sums(40, 0))


def test_the_mend_for_a_wrong_number_is_one_of_an_estimator():
    with pytest.raises(ValueError, match=r"so have predict return an array of shape \(n,\)"):
        EstimatorLearner(Saying(np.ones((40, 3))), a_trial()).predict(sums(40, 0))


def test_an_estimator_that_wants_two_dimensions_is_told_how_to_get_them():
    train = sums(80, 0)
    windows = replace(train, gather=lambda numbers: train.gather(numbers)[:, :, None])
    with pytest.raises(
        BenchError, match=r"gives \(\d+, 4, 1\); .*reshapes .*Found array with dim 3"
    ):
        EstimatorLearner(Saying(None), a_trial()).fit(windows, windows, lambda epoch: None)
