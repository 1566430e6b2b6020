"""What a trial and a measurement begin with: the data opened, and the plugin's model built."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from bench.data.prepared import open_prepared
from bench.data.ready import open_task
from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import MEASURE, EpochDone, Job
from bench.registry.tasks import TaskInfo
from bench.statistics.scores import wrong_probabilities
from bench.task import Array, Examples, OpenTask
from bench.trial import Trial
from bench.worker.adoption import adopt, check_options
from bench.worker.backend import Compilation, choose_compilation, seed_everything
from bench.worker.batches import SCORING_BATCH
from bench.worker.keras_model import Fit, KerasLearner, acts_on_batches
from bench.worker.outputs import AS_IT_IS, Output, output_of
from bench.worker.plugin import (
    NeighbourWatch,
    call_build,
    call_callbacks,
    load_plugin,
    task_of,
)
from bench.worker.sampling import epoch_batches, fixed_part, numbers_each

# Fit and score an object with scikit-learn's ``fit`` and ``predict``

#: Training examples are handed over in one piece; beyond this the machine would swap.
LARGEST_FIT = 4 * 1024**3


class EstimatorLearner:
    """An estimator as the trial sees it: fitted once, on as many examples as the schedule sees.

    Of two classes it predicts the probability of the class 1 if it has ``predict_proba``, else what
    its ``predict`` says; where the score is one of ``probabilities``, that is certain.
    """

    def __init__(
        self,
        estimator: Any,
        trial: Trial,
        width: int = 1,
        of_classes: int = 0,
        probabilities: bool = False,
    ) -> None:
        self._estimator = estimator
        self._trial = trial
        self._width = width
        self._has_classes = of_classes > 2
        tells = callable(getattr(estimator, "predict_proba", None))
        self._of_two = of_classes == 2 and (probabilities or tells)

    @property
    def parameters(self) -> int:
        """Numbers in the fitted coefficients (attributes that end in an underscore)."""
        steps = [step for _, step in getattr(self._estimator, "steps", [])]
        parts = [vars(part) for part in (self._estimator, *steps) if hasattr(part, "__dict__")]
        fitted = [v for part in parts for k, v in part.items() if k.endswith("_")]
        return int(sum(value.size for value in fitted if isinstance(value, np.ndarray)))

    @property
    def size(self) -> int:
        """Bytes of the pickled estimator."""
        try:
            return len(pickle.dumps(self._estimator))
        except (pickle.PicklingError, AttributeError, TypeError):
            return 0

    #: As of a model, which an estimator is not.
    summary = ""

    def fit(
        self, train: Examples, validation: Examples, report: Callable[[EpochDone], None]
    ) -> Fit:
        """Fit on the distinct examples that the schedule's epochs would draw.

        Raises:
            BenchError: They would not fit into memory.
        """
        options = self._trial.training
        epochs = max(1, options["epochs"])
        steps = epochs * options["steps_per_epoch"]
        drawn = epoch_batches(len(train), steps, options["batch_size"], self._trial.seed, 0)
        numbers = np.unique(drawn)
        one = train.gather(numbers[:1])
        if one.nbytes * len(numbers) > LARGEST_FIT:
            gib = one.nbytes * len(numbers) / 1024**3
            raise BenchError(
                f"fitting on {len(numbers)} examples at once needs {gib:.1f} GiB; declare fewer "
                "epochs or steps_per_epoch, or a smaller view"
            )
        inputs = _gathered(train, numbers)
        started = time.perf_counter()
        try:
            self._estimator.fit(inputs, train.targets[numbers])
        except ValueError as error:
            if inputs.ndim < 3 or "dim" not in str(error):
                raise
            raise BenchError(
                f"the estimator wants two dimensions and the view gives {inputs.shape}; put a "
                "step before it that reshapes to (len(x), -1), such as sklearn's "
                f"FunctionTransformer ({one_line(str(error), 100)})"
            ) from error
        seconds = time.perf_counter() - started
        return Fit(fit_seconds=seconds, epoch_seconds=[seconds], elapsed_seconds=[seconds])

    def predict(self, examples: Examples) -> Array:
        """Return the numbers of each example, float32; inputs go in batches.

        Their shape is (n,), or (n, width) of several outputs or of three classes or more.
        """
        parts = []
        for first in range(0, len(examples), SCORING_BATCH):
            numbers = np.arange(first, min(first + SCORING_BATCH, len(examples)))
            parts.append(self._predicted(examples.gather(numbers)))
        return np.concatenate(parts)

    def _predicted(self, inputs: Array) -> Array:
        if self._has_classes:
            return _probabilities(self._estimator, inputs, self._width)
        if self._of_two:
            return _probabilities(self._estimator, inputs, 2)[:, 1]
        found = self._estimator.predict(inputs)
        if self._width == 1:
            return _numbers(found, len(inputs))
        return _table(np.asarray(found), (len(inputs), self._width))


def _table(found: Array, shape: tuple[int, int]) -> Array:
    """Return what an estimator predicts as float32 of this shape.

    Raises:
        BenchError: It predicts something else.
    """
    if found.shape != shape or found.dtype.kind not in "biuf":
        raise BenchError(
            f"the estimator predicts {found.dtype.name} of shape {found.shape}; have predict "
            f"return numbers of shape (n, {shape[1]})"
        )
    return found.astype("float32")


def _probabilities(estimator: Any, inputs: Array, classes: int) -> Array:
    """Return the probability of each class, shape (n, classes), float32.

    An estimator without ``predict_proba`` may predict the numbers of the classes instead: each
    is then certain.

    Raises:
        BenchError: It predicts something else.
    """
    ask = getattr(estimator, "predict_proba", None)
    found = np.asarray(ask(inputs) if callable(ask) else estimator.predict(inputs))
    known = np.asarray(getattr(estimator, "classes_", np.arange(classes)))
    if found.ndim == 2 and found.shape[1] == len(known) and known.dtype.kind in "biuf":
        # A class that no training example had is none that it knows.
        spread = np.zeros((len(found), classes))
        spread[:, known.astype("int64")] = found
        found = spread
    elif found.shape == (len(inputs),) and found.dtype.kind in "biuf":
        found = np.eye(classes)[np.clip(np.rint(found), 0, classes - 1).astype("int64")]
    table = _table(found, (len(inputs), classes))
    if wrong := wrong_probabilities(table):
        raise BenchError(f"the estimator's predictions {wrong}; return probabilities of classes")
    return table


def _numbers(predicted: Any, examples: int) -> Array:
    """Return what an estimator predicts as one number an example.

    Raises:
        BenchError: It predicts words, or columns; says what to return in their place.
    """
    found = np.asarray(predicted)
    if found.dtype.kind in "USO" and any(isinstance(value, str) for value in found.flat):
        words = one_line(", ".join(map(repr, sorted({str(value) for value in found.flat})[:3])), 60)
        raise BenchError(f"the estimator predicts words ({words}); return the numbers 0 and 1")
    if found.shape == (examples, 2):
        raise BenchError(
            f"the estimator predicts two columns, {found.shape}; return that of the class 1 alone, "
            "as in predict_proba(x)[:, 1]"
        )
    return numbers_each(found, examples, 1, "have predict return an array of shape (n,)")


def _gathered(examples: Examples, numbers: Array) -> Array:
    """Gather in batches: an encoding may need several times the room of what it gives."""
    first = examples.gather(numbers[:1])
    inputs = np.empty((len(numbers), *first.shape[1:]), dtype=first.dtype)
    for start in range(0, len(numbers), SCORING_BATCH):
        batch = numbers[start : start + SCORING_BATCH]
        inputs[start : start + len(batch)] = examples.gather(batch)
    return inputs


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
    task = task_of(job)
    opened = open_task(task, open_prepared(Path(job.prepared)), trial.view)
    # A view that is encoded once is encoded now, and so in no trial's clock of training.
    opened.train.gather(np.zeros(1, dtype="int64"))
    started = time.perf_counter()
    watch = NeighbourWatch(job)
    with watch.noting():
        module = load_plugin(job)
        model = call_build(module, job, opened, task)
        check_options(model, job)
        callbacks = call_callbacks(module, job, opened, task)
    training = trial.training
    # A measurement clocks each step by itself, and makes as many as it needs.
    measured = job.kind == MEASURE
    steps, calls = (1, None) if measured else (training["steps_per_epoch"], _calls(trial))
    learner, compilation = make_learner(
        model, task, trial, opened, steps, calls=calls, callbacks=callbacks
    )
    seconds = time.perf_counter() - started
    drawn_by = trial.seed if training.get("redraw_examples") else None
    train = fixed_part(opened.train, training["training_examples"], drawn_by)
    return Setup(task, opened, train, learner, compilation, seconds, watch.found)


def _calls(trial: Trial) -> int | None:
    """Return how many batches a trial trains on or predicts; None where it scores all examples.

    Validation is predicted after each epoch, and at the end with the test split.
    """
    if trial.scored_examples is None:
        return None
    training = trial.training
    passes = training["epochs"] + 2
    trained = training["epochs"] * training["steps_per_epoch"]
    return int(trained + passes * math.ceil(trial.scored_examples / SCORING_BATCH))


def make_learner(
    model: object,
    task: TaskInfo,
    trial: Trial,
    opened: OpenTask,
    steps: int = 1,
    calls: int | None = None,
    output: Output | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[Learner, Compilation]:
    """Return what fits and scores the plugin's model, and how that is compiled.

    Args:
        model: What the plugin's ``build`` has returned; a Keras model is built if it is not yet.
        task: The task.
        trial: Says how the model is compiled and trained.
        opened: The task under the trial's view.
        steps: The training steps of an epoch.
        calls: How many batches the whole trial trains on or predicts; None for many.
        output: What a Keras model's output means, if it is known already.
        callbacks: The plugin's own, for the training of a Keras model.

    Raises:
        BenchError: It is no model, does not fit the view, or does not give one number an example.
    """
    if isinstance(model, type):
        raise BenchError(f"build returned the class {model.__name__}; return an object of it")
    if isinstance(model, keras.Model):
        shape = adopt(model, opened)
        output = output or output_of(model, shape, task, opened)
    elif not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        raise BenchError(
            f"build returned {type(model).__name__}; return a Keras model or an object with "
            "fit and predict"
        )
    if any(map(acts_on_batches, callbacks)):
        steps = 1  # Of steps that are fused into one call it would hear once.
    wanted = trial.training["jit_compile"]
    compilation = choose_compilation(model, wanted, trial.backend, steps, calls)
    if isinstance(model, keras.Model):
        known = output or AS_IT_IS
        learner = KerasLearner(model, task, trial, compilation, known, callbacks)
        learner.build_metrics(opened.train)
        return learner, compilation
    by_probability = task.metric == "log_loss"
    of_two = 2 if task.loss == "binary_crossentropy" else 0
    classes = len(opened.classes) or of_two
    return EstimatorLearner(model, trial, opened.width, classes, by_probability), compilation
