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
    return call_build(load_plugin(job), job, OPENED, discover_tasks()["jena"])


def learner_for(model: Any) -> Any:
    from bench.worker.setup import make_learner

    return make_learner(model, discover_tasks()["jena"], a_trial(), OPENED)[0]


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


# Errors of libraries, and options that a plugin's own compile leaves without effect

GRAPH = """Graph execution error:

Detected at node words/GatherV2 defined at (most recent call last):
  File "/somewhere/my_plugin.py", line 19, in <module>

  File "/lib/keras/trainer.py", line 399, in fit

indices[0,0] = 7 is not in [0, 5)
\t [[{{node words/GatherV2}}]] [Op:__inference_multi_step_on_iterator_1247]"""
NOT_COMPILED = """Graph execution error:

Detected at node n_1/PyFunc defined at (most recent call last):
<stack traces unavailable>
Detected unsupported operations when trying to compile graph __inference_928[] on XLA_CPU_JIT: \
PyFunc (No registered 'PyFunc' OpKernel for XLA_CPU_JIT devices compatible){{node n_1/PyFunc}}"""
BOLD = "Exception encountered when calling Dense.call().\n\n\x1b[1mWrong rank.\x1b[0m\n\nArguments"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GRAPH, "RuntimeError: indices[0,0] = 7 is not in [0, 5)"),
        (NOT_COMPILED, 'RuntimeError: XLA cannot compile PyFunc: write "jit_compile": False'),
        (BOLD, "RuntimeError: Wrong rank. (Exception encountered when calling Dense.call().)"),
        ("Graph execution error:", "RuntimeError: Graph execution error:"),
        ("as it is", "RuntimeError: as it is"),
    ],
)
def test_the_cause_of_a_long_error_comes_first(text, reason):
    from bench.worker.plugin import reason_of

    assert reason_of(RuntimeError(text), "my_plugin.py").startswith(reason)


COMPILING = """
HYPERPARAMETERS = {
    "epochs": 1,
    "learning_rate": 0.5,
}
"""


def check(trial: Any, source: str = COMPILING, compiled: bool = True) -> None:
    from bench.worker.adoption import check_options

    model = a_model()
    if compiled:
        model.compile("sgd", "mae")
    check_options(model, Job(trial, "my_plugin.py", source, "", "", ""))


def test_an_option_that_a_compiled_model_does_not_take_is_refused_with_its_line():
    from bench.worker.plugin import told_of

    with pytest.raises(BenchError, match="learning_rate has no effect, since build") as caught:
        check(a_trial())

    assert told_of(caught.value, "/there/my_plugin.py").startswith("my_plugin.py:4: learning_rate")


def test_an_option_of_the_command_line_is_refused_likewise():
    trial = replace(a_trial(), overrides={"learning_rate": 0.1})
    with pytest.raises(BenchError, match=r"--set learning_rate=0\.1 has no effect"):
        check(trial, "HYPERPARAMETERS = {}\n")


def test_options_that_build_takes_or_that_the_suite_uses_are_not_refused():
    check(replace(a_trial(), hyperparameters={"learning_rate": 0.5}))
    check(a_trial(), 'HYPERPARAMETERS = {"epochs": 3, "patience": 1, "clipnorm": None}')
    check(a_trial(), compiled=False)
