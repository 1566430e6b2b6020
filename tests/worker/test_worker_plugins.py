"""What a plugin's build may return, and what its file may contain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_model, a_trial, sums

from bench.errors import BenchError
from bench.protocol import Job
from bench.registry.tasks import discover_tasks
from bench.task import OpenTask

keras = pytest.importorskip("keras")

SPLIT = sums(20, 0)
OPENED = OpenTask((4,), "float32", SPLIT, SPLIT, SPLIT, facts={"target_column": 2})


def build(source: str, **arguments: Any) -> Any:
    from bench.worker.plugin import call_build, load_plugin

    trial = replace(a_trial(), hyperparameters=arguments)
    job = Job(trial, "my_plugin.py", source, "", "", "")
    return call_build(load_plugin(job), job, OPENED)


def learner_for(model: Any) -> Any:
    from bench.worker.backend import Compilation
    from bench.worker.setup import make_learner

    return make_learner(model, discover_tasks()["jena"], a_trial(), Compilation(False, False))


def test_build_gets_the_task_and_its_hyperparameters():
    model = build(
        "from keras import Sequential, layers\n"
        "def build(task, units):\n"
        "    assert task.target_column == 2\n"
        "    return Sequential([task.inputs(), layers.Dense(units), layers.Dense(1)])\n",
        units=7,
    )

    assert model.input_shape == (None, 4)
    assert model.layers[0].units == 7


def test_a_plugin_never_sees_examples():
    seen = build("def build(task):\n    return [name for name in vars(task)]\n")

    assert "test" not in seen
    assert not {"train", "validation", "test"} & set(seen)


def test_an_unknown_fact_is_an_error_that_lists_the_known_ones():
    with pytest.raises(AttributeError, match="target_column"):
        build("def build(task):\n    return task.vocabulary_size\n")


def test_a_plugin_may_define_data_classes_and_models_of_its_own():
    made = build(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Mean:\n"
        "    value: float = 0.0\n"
        "    def fit(self, x, y): self.value = float(y.mean())\n"
        "    def predict(self, x): return [self.value] * len(x)\n"
        "def build(task):\n"
        "    return Mean()\n"
    )
    learner = learner_for(made)
    learner.fit(SPLIT, SPLIT, lambda epoch: None)

    assert learner.predict(SPLIT) == pytest.approx(np.full(20, SPLIT.targets.mean()), abs=0.5)
    assert learner.size > 0


def test_what_is_no_model_is_refused_with_what_is_wanted():
    with pytest.raises(BenchError, match="build returned list; return a Keras model or an object"):
        learner_for([1, 2])


def test_a_model_with_more_than_one_output_unit_is_refused_before_it_trains():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    with pytest.raises(BenchError, match=r"output shape \(None, 3\)"):
        learner_for(model)


def test_a_model_with_one_output_unit_is_taken():
    assert learner_for(a_model()).parameters == 5
