"""Clock a plugin: some training steps and some predictions, each round on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import keras

from bench.metrics import (
    COMPILE,
    PEAK_MEMORY,
    PREDICT,
    PREDICT_CPU,
    START_UP,
    TRAIN_STEP,
    TRAIN_STEP_CPU,
)
from bench.protocol import OK, Job, MeasureBudget, Outcome, Readings
from bench.trial import Trial
from bench.worker import contention
from bench.worker.backend import compute_on_one_thread, worker_environment
from bench.worker.batches import TrainingBatches
from bench.worker.keras_model import KerasLearner
from bench.worker.memory import peak_memory
from bench.worker.origin import start_up
from bench.worker.sampling import evenly_spread
from bench.worker.setup import Setup, set_up


def measure(job: Job, report: Callable[[Readings], None]) -> Outcome:
    """Set a job's model up as a trial does, clock it, and report the raw rounds.

    Nothing is scored and nothing written. A kernel uses one thread, see
    ``compute_on_one_thread``. Rounds by metric, see ``bench.metrics``:
    training steps in seconds, predictions in seconds per 1,000 examples, both also in seconds
    of processors; start-up, compile and peak memory have one round each.

    Raises:
        CannotRun: The view has no meaning on these data.
        BenchError: The plugin returned no model, or one of the wrong shape.
        Exception: Whatever else the plugin raises.
    """
    compute_on_one_thread(job.trial.backend)
    setup = set_up(job)
    rounds = {START_UP: [start_up()]}
    before = contention.look()
    rounds |= clock_training(setup, job)
    rounds |= clock_prediction(setup, job.effort)
    memory = peak_memory()
    rounds[PEAK_MEMORY] = [float(memory.size)]
    report(Readings(rounds))
    environment = worker_environment(job.trial.backend)
    return Outcome(
        OK,
        timing={"build": setup.build_seconds},
        memory=memory.section,
        model={"parameters": setup.learner.parameters},
        environment=environment
        | {"memory_pages": memory.pages, "compilation": asdict(setup.compilation)}
        | {"contention": contention.since(before)},
    )


def clock_training(setup: Setup, job: Job) -> dict[str, list[float]]:
    """Return the rounds of training and compiling; none of a model without weights.

    A Keras model's are seconds a step, through the same path that a trial takes; an
    estimator's only one is the whole fit.
    """
    learner, effort = setup.learner, job.effort
    if not isinstance(learner, KerasLearner):
        began = _now()
        fit = learner.fit(setup.train, setup.opened.validation, lambda epoch: None)
        return {TRAIN_STEP: [fit.fit_seconds], TRAIN_STEP_CPU: [_since(began).processor]}
    if not learner.is_trained:
        return {}
    clock = _StepClock(effort)
    trial = _one_long_epoch(job.trial, effort)
    batches = TrainingBatches(setup.train, trial, learner.output.targets)
    with learner.changing_weights():
        learner.train_on(batches, 1, clock)
    return {
        TRAIN_STEP: [step.wall for step in clock.steps],
        TRAIN_STEP_CPU: [step.processor for step in clock.steps],
        COMPILE: [clock.compile_seconds],
    }


def clock_prediction(setup: Setup, effort: MeasureBudget) -> dict[str, list[float]]:
    """Return the seconds per 1,000 examples of each pass over the same validation examples."""
    examples = evenly_spread(setup.opened.validation, effort.examples)
    setup.learner.predict(examples)  # Compiles.
    passes: list[_Seconds] = []
    while not _enough(passes, effort, effort.passes):
        began = _now()
        setup.learner.predict(examples)
        passes.append(_since(began))
    scale = 1000 / len(examples)
    return {
        PREDICT: [scale * each.wall for each in passes],
        PREDICT_CPU: [scale * each.processor for each in passes],
    }


class _Seconds(NamedTuple):
    """A moment, or the time between two: of the clock, and of this process's processors.

    What other processes take of the machine is in the first and not in the second.
    """

    wall: float
    processor: float


def _now() -> _Seconds:
    return _Seconds(time.perf_counter(), time.process_time())


def _between(earlier: _Seconds, later: _Seconds) -> _Seconds:
    return _Seconds(later.wall - earlier.wall, later.processor - earlier.processor)


def _since(began: _Seconds) -> _Seconds:
    return _between(began, _now())


class _StepClock(keras.callbacks.Callback):
    """Notes when each training step ends, and stops the training when there are enough.

    A step lasts from the end of the one before to its own, so that waiting for its input
    counts.
    """

    def __init__(self, effort: MeasureBudget) -> None:
        super().__init__()
        self._effort = effort
        self._began = 0.0
        self._ends: list[_Seconds] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._ends.append(_now())
        if _enough(self.steps, self._effort, self._effort.steps):
            self.model.stop_training = True

    @property
    def steps(self) -> list[_Seconds]:
        """What each step after the warm-up took."""
        return [_between(*ends) for ends in pairwise(self._ends[self._effort.warm_up - 1 :])]

    @property
    def compile_seconds(self) -> float:
        """What the first step took beyond a later one for tracing and compiling."""
        return max(0.0, self._ends[0].wall - self._began - median(s.wall for s in self.steps))


def _one_long_epoch(trial: Trial, effort: MeasureBudget) -> Trial:
    """Between two epochs Keras does what belongs to no step."""
    steps = effort.warm_up + effort.steps
    return replace(trial, training={**trial.training, "epochs": 1, "steps_per_epoch": steps})


def _enough(rounds: list[_Seconds], effort: MeasureBudget, most: int) -> bool:
    """Say whether so many rounds are as many as wanted or the time allows."""
    spent = len(rounds) >= effort.least and sum(each.wall for each in rounds) >= effort.seconds
    return spent or len(rounds) >= most
