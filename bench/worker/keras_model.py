"""Train and score a Keras model: the schedule, the best epoch, the clock."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from bench.errors import BenchError
from bench.formatting import counted
from bench.protocol import EpochDone
from bench.registry.tasks import TaskInfo
from bench.registry.training_options import COSINE, WARMUP
from bench.statistics.scores import score
from bench.task import Array, Examples
from bench.trial import Trial
from bench.worker.backend import Compilation
from bench.worker.batches import TrainingBatches
from bench.worker.outputs import AS_IT_IS, Output, compiled_with, loss_of
from bench.worker.prediction import Predictor
from bench.worker.sampling import METRIC_NAMES, is_better


@dataclass
class Fit:
    """How a training went: one value an epoch in each list, seconds in the clocks.

    ``validation_loss`` is the task's own, of the predictions that the metric is of.
    ``epoch_seconds`` are those of the epoch's training alone; ``elapsed_seconds`` is the
    time since training began at which the epoch had also been scored.
    ``best_epoch`` counts from 1 and is 0 if there was nothing to train. ``diverged``
    says why the training was stopped as hopeless, if it was.
    """

    best_epoch: int = 0
    train_loss: list[float] = field(default_factory=list)
    train_metric: list[float] = field(default_factory=list)
    validation_metric: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    elapsed_seconds: list[float] = field(default_factory=list)
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    diverged: str = ""


class KerasLearner:
    """A Keras model as the trial sees it: fit, then predict with the best epoch's weights."""

    def __init__(
        self,
        model: keras.Model,
        task: TaskInfo,
        trial: Trial,
        compilation: Compilation,
        output: Output = AS_IT_IS,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        self.model = model
        self.callbacks = callbacks
        self.output = output
        self._task = task
        self._trial = trial
        self._fused_steps = compilation.fused_steps
        self._predictor = Predictor(model)
        if not getattr(model, "compiled", False):
            model.compile(
                optimizer=_optimizer(trial),
                **compiled_with(output, task),
                jit_compile=compilation.jit_compile,
                steps_per_execution=compilation.fused_steps,
            )

    @property
    def parameters(self) -> int:
        """Number of weights, trainable or not."""
        return int(self.model.count_params())

    @property
    def size(self) -> int:
        """Bytes that the weights take in memory."""
        return int(sum(np.asarray(weight).nbytes for weight in self.model.get_weights()))

    @property
    def summary(self) -> str:
        """What ``model.summary()`` tells, of at most ``MOST_SUMMARY`` characters, "" if nothing."""
        told: list[str] = []
        # A layer's own code; the trial is done without it. Keras asks for a standard output,
        # which the plugin may have closed.
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            self.model.summary(line_length=_SUMMARY_WIDTH, print_fn=told.append)
        return without_middle("\n".join(map(str, told)), MOST_SUMMARY)

    def train_metric(self, logs: Mapping[str, Any]) -> float:
        """Return the task's metric among an epoch's logs; nan if there is none.

        A plugin may name it otherwise. What counts outputs above 0.5 tells nothing where
        they are logits or signed.
        """
        asked = [name for name in METRIC_NAMES[self._task.metric] if name in logs]
        if not asked:
            return math.nan
        if self.output.kind in ("logit", "signed") and asked[0] in self._at_one_half():
            return math.nan
        return float(logs[asked[0]])

    def _at_one_half(self) -> set[str]:
        """Return the names of metrics that take an output above 0.5 for the class 1."""
        parts = [getattr(metric, "metrics", [metric]) for metric in self.model.metrics]
        return {
            metric.name
            for metric in itertools.chain.from_iterable(parts)
            if isinstance(metric, keras.metrics.BinaryAccuracy) and metric.threshold
        }

    def build_metrics(self, train: Examples) -> None:
        """Have Keras make metrics and the optimizer's state before a step makes them.

        A step that makes variables is traced twice by TensorFlow, which took a GRU's trial 0.6 s.
        And a ``train_step`` of a model's own need not update the metrics that the suite compiles
        it with; on TensorFlow, Keras would refuse to tell them after an epoch.
        """
        own_step = type(self.model).train_step is not keras.Model.train_step
        traced = keras.backend.backend() == "tensorflow" and not self.model.run_eagerly
        if not (own_step or (traced and self.is_trained)):
            return
        inputs = train.gather(np.zeros(2, dtype="int64"))
        targets = self.output.targets(train.targets[:1].repeat(2, axis=0))
        with contextlib.suppress(Exception):  # What is wrong, the training tells.
            self.model._symbolic_build(data_batch=(inputs, targets))

    @property
    def is_trained(self) -> bool:
        """Whether there is anything to train, by the trial's schedule and the model."""
        return self._trial.training["epochs"] > 0 and bool(self.model.trainable_weights)

    def fit(
        self, train: Examples, validation: Examples, report: Callable[[EpochDone], None]
    ) -> Fit:
        """Train by the trial's schedule and restore the weights of the best epoch.

        Raises:
            Whatever Keras raises for a model that cannot be trained.
        """
        options = self._trial.training
        fit = Fit()
        if not self.is_trained:
            return fit
        with self.changing_weights(fit):
            batches = TrainingBatches(train, self._trial, self.output.targets)
            judge = _Judge(self, batches, validation, fit, report)
            started = time.perf_counter()
            self.train_on(batches, options["epochs"], judge)
            fit.fit_seconds = time.perf_counter() - started
        if not fit.epoch_seconds:
            raise BenchError("the model's own fit must pass on the callbacks that it is given")
        if judge.best_weights is not None:
            self.model.set_weights(judge.best_weights)
        return fit

    def train_on(
        self, batches: TrainingBatches, epochs: int, first: keras.callbacks.Callback
    ) -> None:
        """Have Keras train, with a callback of the suite's before those of the plugin.

        Raises:
            Whatever Keras raises for a model that cannot be trained.
        """
        self.model.fit(
            **fed(batches, self._fused_steps),
            **self.weighted(batches.examples.targets),
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[first, *self.callbacks],
        )

    def weighted(self, targets: Array) -> dict[str, Any]:
        """Return the argument of ``fit`` that weighs the classes; none where they count alike.

        Args:
            targets: Of all training examples, shape (n,).

        Raises:
            BenchError: A class has a weight, and no example.
        """
        asked = self._trial.training.get("class_weight")
        return {} if asked is None else {"class_weight": class_weights(asked, targets)}

    @contextlib.contextmanager
    def changing_weights(self, fit: Fit | None = None) -> Iterator[None]:
        """Train within this, and be sure that something was trained.

        Raises:
            BenchError: All trainable weights are to the bit what they were, and the training
                was not stopped as hopeless.
        """
        before = _digest(self.model)
        yield
        if before == _digest(self.model) and not (fit and fit.diverged):
            count = len(self.model.trainable_weights)
            raise BenchError(
                f"training has changed none of the model's {count} trainable weights; see that "
                "its learning rate is not 0, that its loss depends on them, and that a "
                "train_step of its own applies the gradients"
            )

    def predict(self, examples: Examples) -> Array:
        """Return the numbers of each example, float32; see ``Output.numbers``."""
        return self.output.numbers(self._predictor.predict(examples), len(examples))


#: Characters of a model's summary that are kept: some forty layers.
MOST_SUMMARY = 8000
_SUMMARY_WIDTH = 78


def without_middle(text: str, most: int) -> str:
    """Return a text of at most so many characters, lines left out in its middle if need be.

    Two thirds are of its begin, where a summary has the layers, one is of its end, the totals.
    """
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    if sum(map(len, lines)) + len(lines) <= most:
        return "\n".join(lines)
    first = _fitting(lines, 2 * most // 3)
    last = _fitting(lines[::-1], most // 3 - len(_LEFT_OUT) - 20)
    left = _LEFT_OUT.format(counted(len(lines) - first - last, "line"))
    return "\n".join([*lines[:first], left, *lines[len(lines) - last :]])


_LEFT_OUT = "({} left out)"


def _fitting(lines: Sequence[str], most: int) -> int:
    """Return how many of the first lines have at most so many characters."""
    return sum(size <= most for size in itertools.accumulate(len(line) + 1 for line in lines))


def fed(batches: TrainingBatches, fused_steps: int) -> dict[str, Any]:
    """Return the arguments that feed ``fit``: on TensorFlow, a pipeline of its own.

    It has no end, and so serves only where an epoch has a whole number of calls.
    """
    steps = batches.shape[0]
    if keras.backend.backend() != "tensorflow" or steps % fused_steps:
        return {"x": batches}
    from bench.worker.tensorflow import pipeline

    return {"x": pipeline(batches), "steps_per_epoch": steps}


class _Judge(keras.callbacks.Callback):
    """Scores validation after each epoch; keeps the best weights; stops what is hopeless."""

    def __init__(
        self,
        learner: KerasLearner,
        batches: TrainingBatches,
        validation: Examples,
        fit: Fit,
        report: Callable[[EpochDone], None],
    ) -> None:
        super().__init__()
        self.best_weights: list[Array] | None = None
        self._learner = learner
        self._batches = batches
        self._validation = validation
        self._fit = fit
        self._report = report
        self._best: float | None = None
        self._started = time.perf_counter()
        self._epoch_started = 0.0
        self._first_ended = 0.0
        self._first_steps = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches.begin(epoch)
        self._epoch_started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._first_steps:
            self._first_ended = time.perf_counter()
            self._first_steps = batch + 1  # More than one where steps are fused.

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        fit, logs, task = self._fit, logs or {}, self._learner._task
        seconds = time.perf_counter() - self._epoch_started
        fit.epoch_seconds.append(seconds)
        if epoch == 0:
            self._note_compilation(seconds)
        fit.train_loss.append(float(logs.get("loss", math.nan)))
        fit.train_metric.append(self._learner.train_metric(logs))
        # A train_step of a model's own may have another name for it, or none.
        if "loss" in logs and not math.isfinite(fit.train_loss[-1]):
            return self._stop(f"the training loss became {fit.train_loss[-1]} in epoch {epoch + 1}")
        predictions = self._learner.predict(self._validation)
        if not np.isfinite(predictions).all():
            return self._stop(f"predictions are not all finite after epoch {epoch + 1}")
        metric = score(task.metric, self._validation.targets, predictions)
        fit.validation_metric.append(metric)
        loss = mean_loss(self._learner.output, task, self._validation.targets, predictions)
        fit.validation_loss.append(loss)
        logs[f"val_{task.metric}"] = metric  # For callbacks of a model's own.
        fit.elapsed_seconds.append(time.perf_counter() - self._started)
        if is_better(metric, self._best, task.direction):
            self._best, fit.best_epoch = metric, epoch + 1
            self.best_weights = self.model.get_weights()
        self._report(EpochDone(epoch + 1, self._learner._trial.training["epochs"], metric))
        patience = self._learner._trial.training["patience"]
        if patience is not None and epoch + 1 - fit.best_epoch >= patience:
            self.model.stop_training = True
        return None

    def _stop(self, reason: str) -> None:
        self._fit.diverged = reason
        self.model.stop_training = True

    def _note_compilation(self, epoch_seconds: float) -> None:
        """Take what the first steps took beyond as many later ones for tracing and compiling."""
        steps = self._learner._trial.training["steps_per_epoch"]
        first = self._first_ended - self._epoch_started
        rest = steps - self._first_steps
        later = (epoch_seconds - first) * self._first_steps / rest if rest > 0 else 0.0
        self._fit.compile_seconds = max(0.0, first - later)


def mean_loss(output: Output, task: TaskInfo, targets: Array, predictions: Array) -> float:
    """Return the mean of the task's own loss, whatever a plugin trains by.

    Args:
        output: What the model's numbers mean.
        task: The task.
        targets: As the task has them.
        predictions: As ``Output.numbers`` gives them.
    """
    if output.width == 1:
        loss, given, found = task.loss, targets[:, None], predictions[:, None]
    else:
        loss, found = loss_of(output, task), predictions
        given = replace(output, one_hot=loss.startswith("categorical")).targets(targets)
    values = keras.losses.get(loss)(given, found)
    return float(np.mean(keras.ops.convert_to_numpy(values)))


def _digest(model: keras.Model) -> bytes:
    """Return a digest of a model's trainable weights, which takes less room than a copy."""
    digest = hashlib.sha256()
    for weight in model.trainable_weights:
        digest.update(np.asarray(weight.numpy()).tobytes())
    return digest.digest()


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Say whether a callback wants to hear of each training step."""
    plain = keras.callbacks.Callback
    return any(
        name in vars(callback) or getattr(type(callback), name) is not getattr(plain, name)
        for name in _OF_BATCHES
    )


_OF_BATCHES = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


def class_weights(asked: str | Mapping[str, float], targets: Array) -> dict[int, float]:
    """Return the weight in the loss of each class, by its number.

    Balanced, that of a class is n / (classes * examples of it), of n examples: as in scikit-learn,
    after King and Zeng (2001), Logistic regression in rare events data.

    Args:
        asked: "balanced", or weights by class; a class that is not named weighs 1.
        targets: Of all training examples, shape (n,).

    Raises:
        BenchError: A class is named that no example has.
    """
    found, counts = np.unique(np.rint(targets).astype("int64"), return_counts=True)
    number_of = dict(zip(found.tolist(), counts.tolist(), strict=True))
    if isinstance(asked, str):
        return {name: len(targets) / (len(found) * count) for name, count in number_of.items()}
    given = {int(name): float(weight) for name, weight in asked.items()}
    for name in given:
        if name not in number_of:
            known = ", ".join(map(str, number_of))
            raise BenchError(
                f"class_weight: no training example is of class {name}, but of {known}"
            )
    return {name: given.get(name, 1.0) for name in number_of}


def learning_rate(training: Mapping[str, Any], rate: float) -> Any:
    """Return a learning rate, or Keras' schedule of it over all steps of a training.

    A warm-up rises in equal parts to the rate, which it has after its last step; a cosine falls
    from it to 0, after Loshchilov and Hutter (2017), SGDR, without their restarts.

    Args:
        training: The options of a trial.
        rate: The optimizer's rate.
    """
    schedules = keras.optimizers.schedules
    asked, total = training.get("schedule"), training["epochs"] * training["steps_per_epoch"]
    if asked is None:
        return rate
    if asked == COSINE:
        return schedules.CosineDecay(rate, max(1, total))
    warmup = training["warmup_steps"]
    # Not from 0: the first step would be none.
    first = rate / (warmup + 1)
    if asked == WARMUP:
        return schedules.PolynomialDecay(first, warmup, end_learning_rate=rate)
    rest = max(1, total - warmup)
    return schedules.CosineDecay(first, rest, warmup_target=rate, warmup_steps=warmup)


def _optimizer(trial: Trial) -> keras.optimizers.Optimizer:
    names = ("learning_rate", "clipnorm")
    config = {name: trial.training[name] for name in names if trial.training[name] is not None}
    made = keras.optimizers.get({"class_name": trial.training["optimizer"], "config": config})
    if trial.training.get("schedule") is None:
        return made
    # With all that Keras itself decides where nothing is said, the rate above all.
    whole = made.get_config()
    whole["learning_rate"] = learning_rate(trial.training, float(whole["learning_rate"]))
    return type(made).from_config(whole)
