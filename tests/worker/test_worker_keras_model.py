"""Training a Keras model: schedule, best epoch, divergence, compilation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_model, a_trial, sums

from bench.registry.tasks import TaskInfo, discover_tasks
from bench.task import Examples
from bench.trial import Trial

keras = pytest.importorskip("keras")


@pytest.fixture
def task() -> TaskInfo:
    return replace(discover_tasks()["jena"], loss="mean_absolute_error", metric="mae")


def learner_for(task: TaskInfo, trial: Trial, model: Any = None, fused_steps: int = 1) -> Any:
    from bench.worker.backend import Compilation
    from bench.worker.keras_model import KerasLearner

    compilation = Compilation(False, False, fused_steps)
    return KerasLearner(model or a_model(), task, trial, compilation)


def fit_on_sums(learner: Any) -> Any:
    return learner.fit(sums(64, 0), sums(600, 1), lambda epoch: None)


def test_training_follows_the_batches_that_the_seed_decides(task):
    from bench.worker.sampling import epoch_batches

    train = sums(50, 0)
    trial = a_trial(epochs=3, steps_per_epoch=3, batch_size=8, optimizer="sgd", learning_rate=0.1)
    model = a_model()
    kernel, bias = (weight.astype("float64") for weight in model.get_weights())
    fit = learner_for(task, trial, model).fit(train, sums(16, 1), lambda epoch: None)

    losses = []
    for epoch in range(3):
        for numbers in epoch_batches(50, 3, 8, 0, epoch):
            inputs = train.gather(numbers)
            error = inputs @ kernel + bias - train.targets[numbers][:, None]
            losses.append(np.abs(error).mean())
            kernel = kernel - 0.1 * inputs.T @ np.sign(error) / 8
            bias = bias - 0.1 * np.sign(error).mean()
    assert fit.train_loss == pytest.approx(np.reshape(losses, (3, 3)).mean(axis=1), abs=1e-5)


def test_the_weights_of_the_best_validation_epoch_are_restored(task):
    trial = a_trial(epochs=6, learning_rate=0.9, optimizer="sgd")
    learner = learner_for(task, trial)
    validation = sums(64, 1)
    fit = learner.fit(sums(64, 0), validation, lambda epoch: None)

    restored = float(np.mean(np.abs(validation.targets - learner.predict(validation))))
    assert fit.best_epoch == int(np.argmin(fit.validation_metric)) + 1
    assert restored == pytest.approx(min(fit.validation_metric), abs=1e-6)
    assert len(fit.train_loss) == len(fit.validation_metric) == len(fit.epoch_seconds) == 6


def test_a_model_tells_its_layers_as_plain_text_of_bounded_size(task):
    from bench.worker.keras_model import MOST_SUMMARY

    learner = learner_for(task, a_trial())
    assert "Total params" in learner.summary
    assert "\x1b" not in learner.summary
    assert max(map(len, learner.summary.splitlines())) <= 80

    many = keras.Sequential([keras.Input((4,)), *(keras.layers.ReLU() for _ in range(200))])
    told = learner_for(task, a_trial(), many).summary
    assert MOST_SUMMARY / 2 < len(told) <= MOST_SUMMARY
    assert "Layer (type)" in told
    assert "lines left out)" in told
    assert "Total params" in told

    def broken(**options: Any) -> None:
        raise RuntimeError("a layer's own code")

    learner.model.summary = broken
    assert learner.summary == ""


def test_every_epoch_is_reported_with_its_validation_metric(task):
    reports = []
    fit = learner_for(task, a_trial()).fit(sums(64, 0), sums(16, 1), reports.append)

    assert [report.epoch for report in reports] == [1, 2, 3]
    assert [report.metric for report in reports] == fit.validation_metric


def test_every_epoch_has_the_tasks_loss_of_the_validation_predictions(task):
    validation = sums(64, 1)
    squared = replace(task, loss="mean_squared_error")
    learner = learner_for(squared, a_trial(epochs=4, patience=None))
    fit = learner.fit(sums(64, 0), validation, lambda epoch: None)

    errors = learner.predict(validation) - validation.targets
    assert len(fit.validation_loss) == 4
    assert fit.validation_loss[fit.best_epoch - 1] == pytest.approx(np.mean(errors**2), abs=1e-6)


def test_patience_stops_a_training_that_no_longer_improves(task):
    trial = a_trial(epochs=50, patience=2, optimizer="sgd", learning_rate=50.0)
    fit = learner_for(task, trial).fit(sums(64, 0), sums(16, 1), lambda epoch: None)

    assert len(fit.validation_metric) == 3
    assert fit.best_epoch == 1


def test_a_loss_that_is_not_finite_ends_the_training_as_diverged(task):
    train = sums(64, 0)
    broken = replace(train, targets=np.full(64, np.nan, dtype="float32"))
    fit = learner_for(task, a_trial(epochs=5)).fit(broken, sums(16, 1), lambda epoch: None)

    assert fit.diverged == "the training loss became nan in epoch 1"
    assert len(fit.train_loss) == 1


def test_a_model_without_weights_is_scored_without_training(task):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, inputs[:, :1])
    learner = learner_for(task, a_trial(), model)
    examples = sums(700, 0)
    fit = learner.fit(examples, examples, lambda epoch: None)

    assert fit.best_epoch == 0
    assert not fit.validation_metric
    assert np.array_equal(learner.predict(examples), examples.gather(np.arange(700))[:, 0])


def test_a_model_that_its_author_compiled_keeps_its_optimizer(task):
    model = a_model()
    model.compile(optimizer=keras.optimizers.SGD(0.125), loss="mse", metrics=["mae"])
    learner = learner_for(task, a_trial(optimizer="adam"), model)

    assert float(learner.model.optimizer.learning_rate) == 0.125


def test_declared_optimizer_options_reach_the_optimizer(task):
    learner = learner_for(task, a_trial(optimizer="adamw", learning_rate=0.01, clipnorm=1.5))

    assert isinstance(learner.model.optimizer, keras.optimizers.AdamW)
    assert float(learner.model.optimizer.learning_rate) == pytest.approx(0.01)
    assert learner.model.optimizer.clipnorm == 1.5


def test_permuting_test_labels_changes_nothing_but_test_scores(task):
    from bench.statistics.scores import mean_absolute_error

    def train_and_score(test: Examples) -> tuple[list[float], np.ndarray, float]:
        learner = learner_for(task, a_trial(seed=4))
        fit = learner.fit(sums(64, 0), sums(32, 1), lambda epoch: None)
        predictions = learner.predict(test)
        return fit.validation_metric, predictions, mean_absolute_error(test.targets, predictions)

    test = sums(40, 2)
    permuted = replace(test, targets=test.targets[::-1].copy())
    curve, predictions, score = train_and_score(test)
    other_curve, other_predictions, other_score = train_and_score(permuted)

    assert curve == other_curve
    assert np.array_equal(predictions, other_predictions)
    assert score != other_score


def test_recurrent_models_are_compiled_with_xla_and_others_are_not(monkeypatch):
    import tensorflow

    from bench.worker.backend import choose_compilation

    asked = []
    experimental = tensorflow.config.experimental
    monkeypatch.setattr(experimental, "enable_op_determinism", lambda: asked.append(True))
    window = keras.Input((5, 2))
    gru = keras.Sequential([window, keras.layers.Bidirectional(keras.layers.GRU(2))])
    dense = a_model()

    assert choose_compilation(gru, None, "tensorflow").jit_compile
    assert not asked
    chosen = choose_compilation(dense, None, "tensorflow")
    assert not chosen.jit_compile
    assert chosen.deterministic_ops
    assert asked == [True]
    assert choose_compilation(dense, True, "tensorflow").jit_compile
    # Where compiling takes longer than all the batches, it is left out, unless it is wanted.
    assert choose_compilation(gru, None, "tensorflow", calls=32).jit_compile
    assert not choose_compilation(gru, None, "tensorflow", calls=31).jit_compile
    assert choose_compilation(gru, True, "tensorflow", calls=31).jit_compile
    assert choose_compilation(gru, None, "jax", calls=31).jit_compile


def test_the_batches_of_a_trial_are_those_of_its_epochs_and_of_every_pass():
    from bench.worker.setup import _calls

    schedule = {"epochs": 3, "steps_per_epoch": 4}
    # Validation after each epoch, both splits at the end: five passes of two batches.
    assert _calls(replace(a_trial(**schedule), scored_examples=600)) == 12 + 5 * 2
    assert _calls(replace(a_trial(**schedule), scored_examples=None)) is None


def test_a_training_step_is_traced_once(task):
    modes: list[bool | None] = []

    class Noting(keras.layers.Dense):
        def call(self, inputs, training=None):
            modes.append(training)
            return super().call(inputs)

    model = keras.Sequential([keras.Input((4,)), Noting(1)])
    learner = learner_for(task, a_trial(epochs=2, steps_per_epoch=3, optimizer="rmsprop"), model)
    learner.build_metrics(sums(64, 0))
    fit_on_sums(learner)

    # TensorFlow would trace it anew for a step that has made variables itself.
    assert modes.count(True) == 1


def test_fused_steps_leave_the_same_weights_and_scores(task):
    learners = [learner_for(task, a_trial(steps_per_epoch=12), None, count) for count in (1, 4)]
    fit, fused = (fit_on_sums(learner) for learner in learners)

    assert fit.train_loss == fused.train_loss
    assert fit.validation_metric == fused.validation_metric
    one, four = (learner.model.get_weights() for learner in learners)
    assert all(map(np.array_equal, one, four))


def test_what_the_first_call_takes_beyond_a_later_one_is_compilation(task, monkeypatch):
    """On a clock that ticks once a reading: a fit, an epoch, the first call and the epoch's end."""
    from bench.worker import keras_model

    ticks = iter([0.0, 0.0, 0.0, 9.0, 15.0, *[20.0] * 20])

    class Clock:
        perf_counter = staticmethod(lambda: next(ticks))

    monkeypatch.setattr(keras_model, "time", Clock)
    fit = fit_on_sums(learner_for(task, a_trial(steps_per_epoch=12, epochs=1), None, 4))

    # Eight more steps took 6 seconds, so four take 3 of the first call's 9.
    assert fit.compile_seconds == 6.0


@pytest.mark.parametrize("steps_per_execution", [1, 2, 5])
def test_an_epoch_has_its_steps_however_a_plugin_has_compiled(task, steps_per_execution):
    model = a_model()
    model.compile("sgd", "mae", metrics=["mae"], steps_per_execution=steps_per_execution)
    learner = learner_for(task, a_trial(steps_per_epoch=4), model, steps_per_execution)
    fit_on_sums(learner)

    assert int(learner.model.optimizer.iterations) == 12


@pytest.mark.parametrize(
    ("backend", "steps", "fused"),
    [
        ("tensorflow", 160, 20),
        ("tensorflow", 500, 20),
        ("tensorflow", 40, 5),
        ("tensorflow", 625, 5),
        ("tensorflow", 157, 1),
        ("tensorflow", 7, 1),
        ("tensorflow", 1, 1),
        ("jax", 160, 1),
    ],
)
def test_a_call_has_a_divisor_of_the_steps_and_an_epoch_eight_calls(backend, steps, fused):
    from bench.worker.backend import choose_compilation

    assert choose_compilation(a_model(), True, backend, steps).fused_steps == fused


def test_what_a_plugin_has_compiled_stays_as_it_is():
    from bench.worker.backend import choose_compilation

    model = a_model()
    model.compile("sgd", "mae", steps_per_execution=3)

    assert choose_compilation(model, None, "tensorflow", 160).fused_steps == 3
    assert choose_compilation(object(), None, "tensorflow", 160).fused_steps == 1
