"""Carry out a plan: hand trials to an executor, turn what comes back into records."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from bench.bounds import Bounds
from bench.environment import load
from bench.errors import BenchError
from bench.executor import Executor, Started
from bench.job import EpochDone, Finished, Job
from bench.plan import Planned
from bench.record import Outcome, Record
from bench.registry.tasks import TaskInfo
from bench.store import Store


class Observer(Protocol):
    """Is told how a run goes, in order, so that a person can watch it."""

    def begin(self, plan: Sequence[Planned]) -> None:
        """The run starts."""

    def started(self, planned: Planned) -> None:
        """A trial starts."""

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        """A trial has ended an epoch."""

    def finished(self, record: Record, reused: bool) -> None:
        """A trial has its record, new or reused."""

    def warn(self, message: str) -> None:
        """Something went wrong that does not stop the run."""

    def end(self) -> None:
        """The run is over, for whatever reason."""


@dataclass(frozen=True)
class Context:
    """What the records of a run have in common.

    ``prepared`` and ``data`` are by task: the folder of parsed data, and what the
    record's data section says. ``bounds`` are by profile.
    """

    tasks: Mapping[str, TaskInfo]
    prepared: Mapping[str, Path]
    data: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any]
    bounds: Mapping[str, Bounds]


@dataclass
class Result:
    """What a run has to show: its records, which of them were reused, what was lost."""

    records: list[Record] = field(default_factory=list)
    reused: set[str] = field(default_factory=set)
    unwritten: int = 0
    interrupted: bool = False


def run(
    plan: Sequence[Planned], executor: Executor, store: Store, context: Context, observer: Observer
) -> Result:
    """Run what is to be run, record all of it, and return when it is done or interrupted."""
    result = Result()
    scratch = Path(tempfile.mkdtemp(prefix="bench-"))
    observer.begin(plan)
    try:
        waiting: dict[str, Planned] = {}
        for number, planned in enumerate(plan):
            if planned.reused is not None:
                result.reused.add(planned.reused.identity)
                result.records.append(planned.reused)
                observer.finished(planned.reused, reused=True)
            elif planned.verdict:
                record = make_record(planned, Outcome(planned.verdict, planned.reason), "", context)
                _keep(record, None, store, result, observer)
            else:
                job = _job(planned, context, scratch / f"{number}.npz")
                waiting[job.predictions] = planned
                executor.submit(job)
        _follow(waiting, executor, store, context, observer, result)
    except KeyboardInterrupt:
        result.interrupted = True
        executor.cancel()
    finally:
        observer.end()
        shutil.rmtree(scratch, ignore_errors=True)
    return result


def make_record(planned: Planned, outcome: Outcome, log: str, context: Context) -> Record:
    """Put a trial's outcome and its provenance together."""
    trial = planned.trial
    here = {**context.environment, **outcome.environment, "load": load(), "shared": False}
    return Record(
        identity=trial.identity,
        trial=trial,
        status=outcome.status,
        reason=outcome.reason,
        finished=datetime.now(timezone.utc).isoformat(),
        metrics=outcome.metrics,
        timing=outcome.timing,
        memory=outcome.memory,
        model=outcome.model,
        data=context.data[trial.task],
        environment=here,
        reference=planned.plugin.reference,
        predictions=None,
        log=log,
    )


def _follow(
    waiting: Mapping[str, Planned],
    executor: Executor,
    store: Store,
    context: Context,
    observer: Observer,
    result: Result,
) -> None:
    for job, event in executor.events():
        planned = waiting[job.predictions]
        if isinstance(event, Started):
            observer.started(planned)
        elif isinstance(event, EpochDone):
            observer.epoch(planned, event)
        elif isinstance(event, Finished):
            record = make_record(planned, event.outcome, event.log, context)
            _keep(record, Path(job.predictions), store, result, observer)


def _keep(
    record: Record, predictions: Path | None, store: Store, result: Result, observer: Observer
) -> None:
    try:
        content = None
        if predictions is not None and predictions.is_file():
            content = predictions.read_bytes()
            predictions.unlink()
        store.write(record, content)
    except BenchError as error:
        result.unwritten += 1
        observer.warn(str(error))
    result.records.append(record)
    observer.finished(record, reused=False)


def _job(planned: Planned, context: Context, predictions: Path) -> Job:
    task = planned.trial.task
    return Job(
        trial=planned.trial,
        plugin_path=str(planned.plugin.path),
        plugin_source=planned.plugin.source,
        task_path=str(context.tasks[task].path),
        prepared=str(context.prepared[task]),
        predictions=str(predictions),
        bounds=context.bounds[planned.trial.profile],
    )
