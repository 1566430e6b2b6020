"""Train and score a Keras model: the schedule, the best epoch, the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from bench.job import EpochDone
from bench.registry.tasks import TaskInfo
from bench.task import Array, Examples
from bench.trial import Trial
from bench.worker.backend import Compilation
from bench.worker.sampling import epoch_batches
from bench.worker.scoring import METRICS, is_better, one_number_each

SCORING_BATCH = 512


@dataclass
class Fit:
    """How a training went: one value an epoch in each list, seconds in the clocks.

    ``epoch_seconds`` are those of the epoch's training alone; ``elapsed_seconds`` is the
    time since training began at which the epoch had also been scored.
    ``best_epoch`` counts from 1 and is 0 if there was nothing to train. ``diverged``
    says why the training was stopped as hopeless, if it was.
    """

    best_epoch: int = 0
    train_loss: list[float] = field(default_factory=list)
    train_metric: list[float] = field(default_factory=list)
    validation_metric: list[float] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    elapsed_seconds: list[float] = field(default_factory=list)
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    diverged: str = ""


class KerasLearner:
    """A Keras model as the trial sees it: fit, then predict with the best epoch's weights."""

    def __init__(
        self, model: keras.Model, task: TaskInfo, trial: Trial, compilation: Compilation
    ) -> None:
        self.model = model
        self._task = task
        self._trial = trial
        if not getattr(model, "compiled", False):
            model.compile(
                optimizer=_optimizer(trial),
                loss=task.loss,
                metrics=[task.metric],
                jit_compile=compilation.jit_compile,
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
        batches = TrainingBatches(train, self._trial)
        judge = _Judge(self, batches, validation, fit, report)
        started = time.perf_counter()
        self.model.fit(
            batches, epochs=options["epochs"], shuffle=False, verbose=0, callbacks=[judge]
        )
        fit.fit_seconds = time.perf_counter() - started
        if judge.best_weights is not None:
            self.model.set_weights(judge.best_weights)
        return fit

    def predict(self, examples: Examples) -> Array:
        """Return one number an example, shape (n,), float32."""
        batches = ScoringBatches(examples)
        predicted = self.model.predict(batches, verbose=0)
        return one_number_each(predicted[: len(examples)], len(examples))


class TrainingBatches(keras.utils.PyDataset):
    """The batches of one epoch after the other, gathered ahead of the step that needs them."""

    def __init__(self, examples: Examples, trial: Trial) -> None:
        super().__init__()
        self._examples = examples
        self._seed = trial.seed
        self._steps = trial.training["steps_per_epoch"]
        self._batch_size = trial.training["batch_size"]
        self.begin(0)

    def __len__(self) -> int:
        return int(self._steps)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        numbers = self._numbers[index]
        return self._examples.gather(numbers), self._examples.targets[numbers][:, None]

    def begin(self, epoch: int) -> None:
        """Draw an epoch's batches.

        Keras' own ``on_epoch_end`` would not do: it is also called before the first epoch.
        """
        self._numbers = epoch_batches(
            len(self._examples), self._steps, self._batch_size, self._seed, epoch
        )


class ScoringBatches(keras.utils.PyDataset):
    """A split in order; the last batch is filled up, so that one shape is compiled."""

    def __init__(self, examples: Examples) -> None:
        super().__init__()
        self._examples = examples
        self._batch_size = min(SCORING_BATCH, len(examples))

    def __len__(self) -> int:
        return -(-len(self._examples) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Array]:
        first = index * self._batch_size
        numbers = np.arange(first, first + self._batch_size)
        return (self._examples.gather(np.minimum(numbers, len(self._examples) - 1)),)


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
        self._first_batch_ended = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches.begin(epoch)
        self._epoch_started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._first_batch_ended:
            self._first_batch_ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        fit, logs, task = self._fit, logs or {}, self._learner._task
        seconds = time.perf_counter() - self._epoch_started
        fit.epoch_seconds.append(seconds)
        if epoch == 0:
            self._note_compilation(seconds)
        fit.train_loss.append(float(logs.get("loss", math.nan)))
        fit.train_metric.append(float(logs.get(task.metric, math.nan)))
        if not math.isfinite(fit.train_loss[-1]):
            return self._stop(f"the training loss became {fit.train_loss[-1]} in epoch {epoch + 1}")
        predictions = self._learner.predict(self._validation)
        if not np.isfinite(predictions).all():
            return self._stop(f"predictions are not all finite after epoch {epoch + 1}")
        metric = METRICS[task.metric](self._validation.targets, predictions)
        fit.validation_metric.append(metric)
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
        """Take what the first batch took beyond a later one for tracing and compiling."""
        steps = self._learner._trial.training["steps_per_epoch"]
        first = self._first_batch_ended - self._epoch_started
        later = (epoch_seconds - first) / (steps - 1) if steps > 1 else 0.0
        self._fit.compile_seconds = max(0.0, first - later)


def _optimizer(trial: Trial) -> keras.optimizers.Optimizer:
    names = ("learning_rate", "clipnorm")
    config = {name: trial.training[name] for name in names if trial.training[name] is not None}
    return keras.optimizers.get({"class_name": trial.training["optimizer"], "config": config})
