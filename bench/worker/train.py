"""One trial from data to scores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.protocol import DIVERGED, OK, EpochDone, Job, Outcome
from bench.registry.tasks import TaskInfo
from bench.task import Array, Examples
from bench.worker import contention
from bench.worker.backend import worker_environment
from bench.worker.kept_model import with_model
from bench.worker.keras_model import Fit
from bench.worker.memory import peak_memory
from bench.worker.origin import end_unless
from bench.worker.sampling import evenly_spread
from bench.worker.setup import Learner, set_up


def perform(job: Job, report: Callable[[EpochDone], None]) -> Outcome:
    """Train a job's model, choose its epoch by validation, and leave its predictions.

    The run scores them: this process has no targets of the test split.

    Raises:
        CannotRun: The view has no meaning on these data.
        BenchError: The plugin returned no model, or one of the wrong shape.
        Exception: Whatever else the plugin raises.
    """
    started = time.perf_counter()
    before = contention.look()
    process = os.getpid()
    trial = job.trial
    setup = set_up(job)
    task, opened, learner = setup.task, setup.opened, setup.learner
    validation = evenly_spread(opened.validation, trial.scored_examples)
    test = evenly_spread(opened.test, trial.scored_examples)

    fit = learner.fit(setup.train, validation, report)
    metrics: dict[str, Any] = {"best_epoch": fit.best_epoch, "curves": _curves(fit, task)}
    if fit.best_epoch:
        metrics["train"] = _training_scores(fit, task)
    timing = _timing(fit) | {"build": setup.build_seconds}
    if not fit.diverged:
        predicted, seconds = _predict(learner, validation, test)
        timing["predict"] = seconds
        timing["predict_per_1000"] = 1000 * seconds / len(test)
        if np.isfinite(predicted["predictions"]).all():
            end_unless(process)
            _keep(Path(job.predictions), predicted)
        else:
            fit.diverged = "predictions of the test split are not all finite"
    around = {"contention": contention.since(before)}
    memory = peak_memory()
    outcome = Outcome(
        status=DIVERGED if fit.diverged else OK,
        reason=fit.diverged,
        metrics=metrics,
        timing=timing,
        memory=memory.section,
        model={"parameters": learner.parameters, "size": learner.size, "summary": learner.summary},
        environment=worker_environment(trial.backend)
        | {"compilation": asdict(setup.compilation)}
        | {"memory_pages": memory.pages}
        | ({"undeclared_files": setup.undeclared} if setup.undeclared else {})
        | around,
    )
    if job.model and outcome.status == OK:
        end_unless(process)
        outcome = with_model(outcome, learner, Path(job.model))
    # Last, for the run compares it with when this outcome arrives.
    return replace(outcome, timing={**timing, "total": time.perf_counter() - started})


def _predict(
    learner: Learner, validation: Examples, test: Examples
) -> tuple[dict[str, Array], float]:
    """Return the predictions of both splits by name, and the test split's seconds.

    Validation goes first: it has been scored after the epochs too, so that by the time
    the test split is predicted and timed everything is compiled.
    """
    before = learner.predict(validation)
    started = time.perf_counter()
    predictions = learner.predict(test)
    seconds = time.perf_counter() - started
    return {"validation_predictions": before, "predictions": predictions}, seconds


def _training_scores(fit: Fit, task: TaskInfo) -> dict[str, float]:
    """Return loss and metric of the best epoch: means over its batches while it learnt."""
    best = fit.best_epoch - 1
    return {"loss": fit.train_loss[best], task.metric: fit.train_metric[best]}


def _curves(fit: Fit, task: TaskInfo) -> dict[str, list[float]]:
    return {
        "train_loss": fit.train_loss,
        f"train_{task.metric}": fit.train_metric,
        "validation_loss": fit.validation_loss,
        f"validation_{task.metric}": fit.validation_metric,
        "epoch_seconds": fit.epoch_seconds,
        "elapsed_seconds": fit.elapsed_seconds,
    }


def _timing(fit: Fit) -> dict[str, float]:
    first, *rest = fit.epoch_seconds or [0.0]
    return {
        "compile": fit.compile_seconds,
        "first_epoch": first,
        "steady_epoch": median(rest) if rest else max(0.0, first - fit.compile_seconds),
        "fit": fit.fit_seconds,
    }


def _keep(path: Path, predicted: Mapping[str, Array]) -> None:
    with path.open("wb") as file:
        arrays: dict[str, Any] = dict(predicted)
        np.savez_compressed(file, **arrays)
