"""In training: a plugin's callbacks, the learning rate over the steps, the weights of classes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_model, a_trial, sums

from bench.errors import BenchError
from bench.protocol import Job
from bench.registry.tasks import TaskInfo, discover_tasks
from bench.task import Examples, OpenTask

keras = pytest.importorskip("keras")

SPLIT = sums(20, 0)
OPENED = OpenTask((4,), "float32", SPLIT, SPLIT, SPLIT)


@pytest.fixture
def task() -> TaskInfo:
    return replace(discover_tasks()["jena"], loss="mean_absolute_error", metric="mae")


def made_by(source: str, **arguments: Any) -> list[Any]:
    from bench.worker.plugin import call_callbacks, load_plugin

    trial = replace(a_trial(), hyperparameters=arguments)
    job = Job(trial, "my_plugin.py", source, "", "", "")
    return call_callbacks(load_plugin(job), job, OPENED, discover_tasks()["jena"])


def learner_of(model: Any, task: TaskInfo, trial: Any, *callbacks: Any, steps: int = 1) -> Any:
    from bench.worker.setup import make_learner

    return make_learner(model, task, trial, OPENED, steps, callbacks=callbacks)


# Callbacks


def test_each_function_gets_the_hyperparameters_that_it_takes():
    from bench.worker.plugin import call_build, load_plugin

    source = (
        "import keras\n"
        "def build(task, units, **rest): return units, rest\n"
        "def callbacks(task, factor):\n"
        "    return [keras.callbacks.ReduceLROnPlateau('val_mae', factor=factor)]\n"
    )
    trial = replace(a_trial(), hyperparameters={"units": 8, "factor": 0.25, "depth": 2})
    job = Job(trial, "my_plugin.py", source, "", "", "")
    jena = discover_tasks()["jena"]
    assert call_build(load_plugin(job), job, OPENED, jena) == (8, {"depth": 2})
    (callback,) = made_by(source, units=8, factor=0.25)
    assert callback.factor == 0.25
    assert made_by("def build(task): pass\n") == []


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("None", "callbacks returned NoneType; return a list of Keras callbacks"),
        ("keras.callbacks.TerminateOnNaN()", "callbacks returned TerminateOnNaN; return a list"),
        ("[print]", "callbacks returned a list with builtin_function_or_method; return a list"),
    ],
)
def test_what_is_no_list_of_callbacks_is_refused_with_its_line(returned, said):
    from bench.worker.plugin import told_of

    with pytest.raises(BenchError) as raised:
        made_by(f"import keras\n\ndef callbacks(task): return {returned}\ndef build(task): pass\n")
    assert told_of(raised.value, "/there/my_plugin.py").startswith(f"my_plugin.py:3: {said}")


def test_callbacks_hear_of_the_validation_metric_and_may_stop_the_training(task):
    heard = []

    class Third(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            heard.append(logs["val_mae"])
            self.model.stop_training = epoch == 2

    learner, _ = learner_of(a_model(), task, a_trial(epochs=9), Third())
    fit = learner.fit(sums(64, 0), sums(16, 1), lambda epoch: None)
    assert heard == fit.validation_metric
    assert len(heard) == 3


def test_steps_are_not_fused_where_a_callback_wants_to_hear_of_each(task):
    steps: list[int] = []
    one = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: steps.append(step))
    trial = a_trial(epochs=1, steps_per_epoch=100)
    _, fused = learner_of(a_model(), task, trial, keras.callbacks.EarlyStopping(), steps=100)
    learner, compilation = learner_of(a_model(), task, trial, one, steps=100)
    learner.fit(sums(64, 0), sums(16, 1), lambda epoch: None)

    assert fused.fused_steps > compilation.fused_steps == 1
    assert steps == [*range(100)]


# The learning rate over the steps


class Rates(keras.callbacks.Callback):
    """Notes the rate that each step was made with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))


def rates(task: TaskInfo, **options: Any) -> list[float]:
    rates = Rates()
    learner, _ = learner_of(a_model(), task, a_trial(epochs=2, steps_per_epoch=5, **options), rates)
    learner.fit(sums(64, 0), sums(16, 1), lambda epoch: None)
    return rates.seen


def cosine(total: int) -> list[float]:
    return [0.5 * (1 + math.cos(math.pi * step / total)) for step in range(total)]


def test_a_cosine_falls_from_the_declared_rate_to_nothing_after_the_last_step(task):
    found = rates(task, schedule="cosine", learning_rate=0.02, optimizer="sgd")
    assert found == pytest.approx([0.02 * share for share in cosine(10)], rel=1e-5)


def test_a_warm_up_rises_in_equal_parts_to_the_optimizers_own_rate(task):
    found = rates(task, schedule="warmup", warmup_steps=4, optimizer="adam")
    parts = [0.2, 0.4, 0.6, 0.8, *[1.0] * 6]
    assert found == pytest.approx([0.001 * part for part in parts], rel=1e-5)


def test_a_cosine_begins_where_its_warm_up_ends_and_clips_as_declared(task):
    options = {"schedule": "warmup_cosine", "warmup_steps": 4, "learning_rate": 0.1}
    found = rates(task, **options, clipnorm=1.0)
    assert found == pytest.approx([0.02, 0.04, 0.06, 0.08, *(0.1 * s for s in cosine(6))], rel=1e-5)
    learner, _ = learner_of(a_model(), task, a_trial(**options, clipnorm=1.5))
    assert learner.model.optimizer.clipnorm == 1.5


def test_a_schedule_does_not_care_how_steps_are_run(task):
    """Fused into one call, they leave the same weights as one by one."""
    from bench.worker.backend import Compilation
    from bench.worker.keras_model import KerasLearner

    trial = a_trial(epochs=2, steps_per_epoch=4, schedule="warmup_cosine", warmup_steps=2)
    found = []
    for compilation in (Compilation(False, False, 1), Compilation(False, False, 4)):
        learner = KerasLearner(a_model(), task, trial, compilation)
        learner.fit(sums(64, 0), sums(16, 1), lambda epoch: None)
        found.append(np.concatenate([w.ravel() for w in learner.model.get_weights()]))
    assert found[0] == pytest.approx(found[1], abs=1e-6)


# The weights of classes


def test_balanced_weights_make_all_classes_count_as_much():
    from bench.worker.keras_model import class_weights

    targets = np.array([0, 0, 0, 1, 2, 2], dtype="float32")
    assert class_weights("balanced", targets) == {0: 6 / 9, 1: 2.0, 2: 1.0}
    assert class_weights({"1": 3}, targets) == {0: 1.0, 1: 3.0, 2: 1.0}
    with pytest.raises(BenchError, match="no training example is of class 5, but of 0, 1, 2"):
        class_weights({"5": 2.0}, targets)


@pytest.mark.parametrize("fused", [1, 4])
def test_a_class_counts_in_the_loss_by_its_weight(task, fused):
    """A model that always says one half: the loss is log 2 times the mean weight of a batch."""
    from bench.worker.backend import Compilation
    from bench.worker.keras_model import KerasLearner

    task = replace(task, loss="binary_crossentropy", metric="accuracy", direction="max")
    inputs = np.ones((64, 4), dtype="float32")
    targets = (np.arange(64) % 4 == 0).astype("float32")
    examples = Examples(targets, lambda numbers: inputs[numbers], np.arange(64))
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros")]
    )
    options = {"epochs": 1, "steps_per_epoch": 4, "batch_size": 16, "optimizer": "sgd"}
    trial = a_trial(**options, learning_rate=1e-9, class_weight={"0": 1.0, "1": 3.0})
    learner = KerasLearner(model, task, trial, Compilation(False, False, fused))
    (loss,) = learner.fit(examples, examples, lambda epoch: None).train_loss
    assert loss == pytest.approx(math.log(2) * (0.75 * 1 + 0.25 * 3), rel=1e-3)


# Where it means nothing


def check(declared: str, model: Any, **changes: Any) -> None:
    from bench.worker.adoption import check_options

    trial = replace(a_trial(), **changes)
    check_options(model, Job(trial, "my_plugin.py", declared, "", "", ""))


class Estimator:
    def fit(self, inputs, targets):
        """Learn nothing."""

    def predict(self, inputs):
        """Predict nothing."""


@pytest.mark.parametrize(
    ("declared", "option"),
    [
        ('HYPERPARAMETERS = {"schedule": "cosine"}', "schedule"),
        ('HYPERPARAMETERS = {"class_weight": "balanced"}', "class_weight"),
        ("def callbacks(task): return []", "callbacks"),
    ],
)
def test_an_estimator_has_no_steps_and_says_so_in_a_line(declared, option):
    why = f"{option} has no effect, since build returned no Keras model"
    with pytest.raises(BenchError, match=why) as raised:
        check(declared, Estimator())
    assert raised.value.line == 1
    with pytest.raises(BenchError, match="--set schedule=cosine has no effect"):
        check("", Estimator(), overrides={"schedule": "cosine"})


def test_an_estimator_may_take_weights_itself():
    check(
        'HYPERPARAMETERS = {"class_weight": "balanced"}',
        Estimator(),
        hyperparameters={"class_weight": "balanced"},
    )


def test_a_model_that_its_plugin_compiles_has_a_schedule_of_its_own():
    model = a_model()
    model.compile("sgd", "mae")
    with pytest.raises(BenchError, match="schedule has no effect, since build compiles the model"):
        check('HYPERPARAMETERS = {"schedule": "cosine"}', model)
    check('HYPERPARAMETERS = {"class_weight": "balanced"}', model)
