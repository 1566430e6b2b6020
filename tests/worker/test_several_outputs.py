"""Several outputs, and classes of more than two: from a model or an estimator to its score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_plugin, a_task, task_source
from keras_world import a_trial, sums

from bench.errors import BenchError
from bench.task import Array, Examples, OpenTask

keras = pytest.importorskip("keras")
layers = keras.layers

PAIR = np.array([[1, 0], [0, 1], [1, -1], [0.5, 0.5]], dtype="float32")


def of_targets(make: Any, count: int = 96) -> Examples:
    """Examples with four inputs, and targets that are made of these."""
    made = sums(count, 0)
    inputs = made.gather(np.arange(count))
    return replace(made, targets=make(inputs).astype("float32"))


PAIRS = of_targets(lambda inputs: inputs @ PAIR)
THREE = of_targets(lambda inputs: np.digitize(inputs.sum(axis=1), [-1, 1]))
TWO_OUTPUTS = OpenTask((4,), "float32", PAIRS, PAIRS, PAIRS, outputs=2)
CLASSES = OpenTask((4,), "float32", THREE, THREE, THREE, classes=("low", "middle", "high"))
REGRESSION = a_task("pairs")
WORDS = a_task("words", metric="macro_f1", direction="max", loss="binary_crossentropy")
SCHEDULE = {"epochs": 4, "steps_per_epoch": 40, "batch_size": 16, "learning_rate": 0.02}


def learner_for(model: Any, opened: OpenTask, task: Any, **training: Any) -> Any:
    from bench.worker.setup import make_learner

    return make_learner(model, task, a_trial(**{**SCHEDULE, **training}), opened)[0]


def a_model(units: int, activation: str | None = None, **compiled: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])
    if compiled:
        model.compile(keras.optimizers.Adam(0.02), **compiled)
    return model


def trained(model: Any, opened: OpenTask, task: Any) -> tuple[Any, Any]:
    learner = learner_for(model, opened, task)
    return learner, learner.fit(opened.train, opened.validation, lambda epoch: None)


# Keras


def test_a_model_predicts_as_many_numbers_as_the_task_has_outputs():
    learner, fit = trained(a_model(2), TWO_OUTPUTS, REGRESSION)
    found = learner.predict(PAIRS)

    assert (found.shape, found.dtype) == ((96, 2), np.float32)
    assert np.abs(found - PAIRS.targets).mean() < 0.1
    assert min(fit.validation_metric) == pytest.approx(np.abs(found - PAIRS.targets).mean())
    assert fit.train_metric[-1] < 0.2


@pytest.mark.parametrize(
    ("end", "options"),
    [
        ("softmax", {}),
        (None, {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}),
    ],
    ids=["not compiled", "logits"],
)
def test_of_three_classes_a_model_gives_a_probability_each(end, options):
    learner, fit = trained(a_model(3, end, **options), CLASSES, WORDS)
    found = learner.predict(THREE)

    assert found.shape == (96, 3)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert fit.validation_metric[-1] > 0.8
    assert (found.argmax(axis=1) == THREE.targets).mean() > 0.8


def test_a_loss_of_one_hot_targets_gets_a_column_for_each_class():
    from bench.worker.outputs import output_of

    model = a_model(3, "softmax", loss="categorical_crossentropy")
    output = output_of(model, (None, 3), WORDS, CLASSES)
    assert output.targets(np.array([2.0, 0.0])).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("metric", "told"),
    [("rmse", True), ("smape", False)],
)
def test_an_epoch_is_scored_by_the_tasks_metric_whatever_keras_knows_of_it(metric, told):
    from bench.statistics.scores import score

    task = replace(REGRESSION, metric=metric, units={metric: ""})
    learner, fit = trained(a_model(2), TWO_OUTPUTS, task)

    assert min(fit.validation_metric) == score(metric, PAIRS.targets, learner.predict(PAIRS))
    assert np.isfinite(fit.train_metric).all() == told


@pytest.mark.parametrize(
    ("model", "opened", "said"),
    [
        (lambda: a_model(3), TWO_OUTPUTS, "the task expects 2 numbers an example, so end it with"),
        (lambda: a_model(1), CLASSES, "3 probabilities an example, so end it with 3 units"),
        (lambda: a_model(3), CLASSES, "ends in a layer with no activation"),
        (lambda: a_model(3, "softmax", loss="mae"), CLASSES, "3 units with the loss mean_absolute"),
    ],
)
def test_another_end_of_a_model_is_refused_with_the_one_that_is_wanted(model, opened, said):
    task = WORDS if opened.classes else REGRESSION
    with pytest.raises(BenchError, match=said):
        learner_for(model(), opened, task)


def test_a_plugin_is_told_how_its_model_has_to_end():
    from bench.worker.plugin import PluginTask

    def end(opened: OpenTask, task: Any) -> tuple[Any, ...]:
        told = PluginTask("made", opened, info=task)
        return told.outputs, told.activation, told.loss, told.classes

    many = "sparse_categorical_crossentropy"
    assert end(TWO_OUTPUTS, REGRESSION) == (2, None, "mean_absolute_error", ())
    assert end(CLASSES, WORDS) == (3, "softmax", many, ("low", "middle", "high"))
    two = replace(CLASSES, classes=("no", "yes"))
    assert end(two, WORDS) == (1, "sigmoid", "binary_crossentropy", ("no", "yes"))


# Estimators


class Fixed:
    """Predicts the same numbers for every example."""

    def __init__(self, *row: float) -> None:
        self.row = np.array(row)

    def fit(self, inputs: Array, targets: Array) -> None:
        self.seen = targets.shape

    def predict(self, inputs: Array) -> Array:
        return np.broadcast_to(self.row, (len(inputs), *self.row.shape))


class Unaware(Fixed):
    """Has seen only some of the classes."""

    classes_ = np.array([0.0, 2.0])

    def predict_proba(self, inputs: Array) -> Array:
        return self.predict(inputs)


def test_an_estimator_predicts_as_many_numbers_as_the_task_has_outputs():
    learner = learner_for(Fixed(1.0, 2.0), TWO_OUTPUTS, REGRESSION, epochs=1, batch_size=8)
    learner.fit(PAIRS, PAIRS, lambda epoch: None)

    assert learner._estimator.seen[1:] == (2,)
    assert learner.predict(PAIRS).tolist() == [[1.0, 2.0]] * 96
    with pytest.raises(BenchError, match=r"of shape \(96, 3\); have predict return .*\(n, 2\)"):
        learner_for(Fixed(1, 2, 3), TWO_OUTPUTS, REGRESSION).predict(PAIRS)


@pytest.mark.parametrize(
    ("estimator", "row"),
    [
        (Fixed(0.25, 0.25, 0.5), [0.25, 0.25, 0.5]),
        (Unaware(0.25, 0.75), [0.25, 0.0, 0.75]),
        (type("Labels", (Fixed,), {"predict": lambda self, x: np.full(len(x), 2)})(), [0, 0, 1]),
    ],
    ids=["probabilities", "a class that it has not seen", "labels"],
)
def test_of_three_classes_an_estimator_gives_a_probability_each(estimator, row):
    assert learner_for(estimator, CLASSES, WORDS).predict(THREE).tolist() == [row] * 96


def test_what_is_no_probability_is_refused():
    with pytest.raises(BenchError, match=r"predictions add up to 3 over the classes"):
        learner_for(Fixed(1, 1, 1), CLASSES, WORDS).predict(THREE)


# One trial from the task's file to the record's scores


TASK = """
import numpy as np
from bench.task import Examples, OpenTask


def open_view(prepared, view):
    x, y = np.array(prepared.arrays["x"]), np.array(prepared.arrays["y"])
    split = Examples(y, lambda numbers: x[numbers], np.arange(len(y)))
    more = {"classes": ("a", "b", "c")} if y.ndim == 1 else {"outputs": y.shape[1]}
    return OpenTask((4,), "float32", split, split, split, **more)
"""
BUILD = (
    "def build(task):\n"
    "    from keras import Sequential, layers\n"
    "    return Sequential([task.inputs(), "
    "layers.Dense(task.outputs, activation=task.activation)])\n"
)


@pytest.mark.parametrize("kind", ["two outputs", "three classes"])
def test_a_trial_is_scored_outside_on_all_its_outputs(tmp_path, kind):
    from bench.data.prepared import write_arrays
    from bench.data.ready import Answers
    from bench.protocol import OK, Job
    from bench.records.predictions import unpack
    from bench.runs.scoring import settle
    from bench.statistics.blocks import per_example
    from bench.task import Prepared
    from bench.worker.train import perform

    has_classes = kind == "three classes"
    split, metric = (THREE, "log_loss") if has_classes else (PAIRS, "rmse")
    changes = {"METRIC": repr(metric), "UNITS": repr({metric: ""})}
    if has_classes:
        changes["LOSS"] = "'binary_crossentropy'"
    (tmp_path / "made.py").write_text(task_source(**changes) + TASK)
    folder = tmp_path / "prepared"
    folder.mkdir()
    arrays = {"x": split.gather(np.arange(96)), "y": split.targets}
    write_arrays(folder, Prepared(arrays, {}), {"task": "made"})
    plugin = a_plugin(tmp_path, build=BUILD)
    places = (str(tmp_path / "made.py"), str(folder), str(tmp_path / "kept.npz"))
    job = Job(a_trial(**SCHEDULE), str(plugin), plugin.read_text(), *places)

    told = perform(job, lambda epoch: None)
    width = 3 if has_classes else 2
    answers = Answers(split, split, {}, width, has_classes)
    outcome, content = settle(told, job.trial, metric, Path(job.predictions), answers)
    assert outcome.status == OK, outcome.reason
    assert content is not None
    kept = unpack(tmp_path, content)
    values = per_example(metric, kept["targets"], kept["predictions"])

    assert kept["predictions"].shape == (96, width)
    assert outcome.metrics["test"][metric] == pytest.approx(float(values.mean()), rel=1e-5)
    assert outcome.metrics["test"][metric] < (0.8 if has_classes else 0.3)
