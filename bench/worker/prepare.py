"""Prepare a task's data and count its examples, for a parent that may not run the task file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from bench.data.ready import PreparedTask, prepare_task
from bench.errors import BenchError, CannotRun
from bench.protocol import OK, DataReady, Job, Outcome, WorkerNote
from bench.task import Array
from bench.worker.plugin import task_of


def prepare_data(job: Job, report: Callable[[DataReady | WorkerNote], None]) -> Outcome:
    """Prepare the data that a job asks for, and report where they lie and what they are.

    Raises:
        DataError: The data are not to be had, or damaged.
        Exception: Whatever the task file raises.
    """
    task = task_of(job)
    prepared = prepare_task(task, job.data.source, None, lambda line: report(WorkerNote(line)))
    answers: dict[str, Array] = {}
    examples = [
        _looked_at(prepared, view, f"{number}_", answers)
        for number, view in enumerate(job.data.views)
    ]
    np.savez(job.predictions, **cast(dict[str, Any], answers))
    report(DataReady(str(prepared.folder.absolute()), prepared.description, examples))
    return Outcome(OK)


def _looked_at(
    prepared: PreparedTask, view: Mapping[str, Any], prefix: str, answers: dict[str, Array]
) -> dict[str, Any]:
    """Count the training examples under a view, or say why there are none.

    What its predictions are scored against goes into ``answers``, by names with the prefix.
    """
    try:
        found = {"examples": prepared.training_examples(view)}
        scored = prepared.answers(view)
        if scored is None:
            return found
        for name in ("validation", "test"):
            split = getattr(scored, name)
            answers[f"{prefix}{name}_targets"] = split.targets
            answers[f"{prefix}{name}_groups"] = split.groups
        return {
            **found,
            "units": dict(scored.units),
            "width": scored.width,
            "are_shares": scored.are_shares,
        }
    except CannotRun as error:
        return {"skipped": str(error)}
    except BenchError as error:
        return {"failed": str(error)}
