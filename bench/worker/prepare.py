"""Prepare a task's data and count its examples, for a parent that may not run the task file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.data.ready import PreparedTask, prepare_task
from bench.errors import BenchError, CannotRun
from bench.protocol import OK, DataReady, Job, Note, Outcome
from bench.registry.tasks import read_task


def prepare_data(job: Job, report: Callable[[DataReady | Note], None]) -> Outcome:
    """Prepare the data that a job asks for, and report where they lie and what they are.

    Raises:
        DataError: The data are not to be had, or damaged.
        Exception: Whatever the task file raises.
    """
    task = read_task(Path(job.task_path))
    prepared = prepare_task(task, job.data.source, None, lambda line: report(Note(line)))
    examples = [_count(prepared, view) for view in job.data.views]
    report(DataReady(str(prepared.folder.absolute()), prepared.description, examples))
    return Outcome(OK)


def _count(prepared: PreparedTask, view: Mapping[str, Any]) -> dict[str, Any]:
    """Count the training examples under a view, or say why there are none."""
    try:
        return {"examples": prepared.training_examples(view)}
    except CannotRun as error:
        return {"skipped": str(error)}
    except BenchError as error:
        return {"failed": str(error)}
