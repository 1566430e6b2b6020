"""What a trial and a measurement begin with: the data opened, and the plugin's model built."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from bench.data.prepared import open_prepared
from bench.errors import BenchError
from bench.protocol import MEASURE, Job
from bench.registry.tasks import TaskInfo, load_module, read_task
from bench.task import Examples, OpenTask
from bench.trial import Trial
from bench.worker.adoption import AS_IT_IS, Output, adopt, check_options, output_of
from bench.worker.backend import Compilation, choose_compilation, seed_everything
from bench.worker.estimator import EstimatorLearner
from bench.worker.keras_model import KerasLearner
from bench.worker.plugin import NeighbourWatch, call_build, load_plugin
from bench.worker.sampling import fixed_part

Learner = KerasLearner | EstimatorLearner


@dataclass(frozen=True)
class Setup:
    """A job's task, opened under its view, and what fits and scores the plugin's model.

    ``build_seconds`` are those of running the plugin's source, building and compiling;
    ``undeclared`` are the files beside the plugin that it read meanwhile and does not declare.
    """

    task: TaskInfo
    opened: OpenTask
    train: Examples
    learner: Learner
    compilation: Compilation
    build_seconds: float
    undeclared: list[str]


def set_up(job: Job) -> Setup:
    """Seed, open the data, build the plugin's model, and choose how it is compiled.

    Raises:
        CannotRun: The view has no meaning on these data.
        BenchError: The plugin returned no model, or one of the wrong shape.
        Exception: Whatever else the plugin raises.
    """
    trial = job.trial
    seed_everything(trial.seed, trial.backend)
    task = read_task(Path(job.task_path))
    opened = load_module(task).open_view(open_prepared(Path(job.prepared)), dict(trial.view))
    # A view that is encoded once is encoded now, and so in no trial's clock of training.
    opened.train.gather(np.zeros(1, dtype="int64"))
    started = time.perf_counter()
    watch = NeighbourWatch(job)
    with watch.noting():
        model = call_build(load_plugin(job), job, opened)
    training = trial.training
    check_options(model, job)
    # A measurement clocks each step by itself.
    steps = 1 if job.kind == MEASURE else training["steps_per_epoch"]
    learner, compilation = make_learner(model, task, trial, opened, steps)
    seconds = time.perf_counter() - started
    train = fixed_part(opened.train, training["training_examples"])
    return Setup(task, opened, train, learner, compilation, seconds, watch.found)


def make_learner(
    model: object,
    task: TaskInfo,
    trial: Trial,
    opened: OpenTask,
    steps: int = 1,
    output: Output | None = None,
) -> tuple[Learner, Compilation]:
    """Return what fits and scores the plugin's model, and how that is compiled.

    Args:
        model: What the plugin's ``build`` has returned; a Keras model is built if it is not yet.
        task: The task.
        trial: Says how the model is compiled and trained.
        opened: The task under the trial's view.
        steps: The training steps of an epoch.
        output: What a Keras model's output means, if it is known already.

    Raises:
        BenchError: It is no model, does not fit the view, or does not give one number an example.
    """
    if isinstance(model, type):
        raise BenchError(f"build returned the class {model.__name__}; return an object of it")
    if isinstance(model, keras.Model):
        shape = adopt(model, opened)
        output = output or output_of(model, shape, task)
    elif not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        raise BenchError(
            f"build returned {type(model).__name__}; return a Keras model or an object with "
            "fit and predict"
        )
    compilation = choose_compilation(model, trial.training["jit_compile"], trial.backend, steps)
    if isinstance(model, keras.Model):
        known = output or AS_IT_IS
        learner = KerasLearner(model, task, trial, compilation, known)
        learner.build_metrics(opened.train)
        return learner, compilation
    return EstimatorLearner(model, trial), compilation
