"""A run without workers: an executor that follows a script, and an observer that takes notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builders import a_record, a_task

from bench.data.ready import PreparedTask
from bench.plan.plan import Planned
from bench.protocol import OK, Bounds, EpochDone, Event, Finished, Job, Outcome, Started
from bench.records.record import Record
from bench.records.store import Store
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.runs.interruption import Interruption
from bench.runs.jobs import Jobs
from bench.runs.runner import Context, NextTrials, Result, run


def an_outcome(status: str = OK, reason: str = "") -> Outcome:
    """Make what a worker reports at its end."""
    made = a_record(status=status)
    return Outcome(status, reason, made.metrics, made.timing, made.memory, made.model)


def a_plan(*records: Record, **fate: Any) -> list[Planned]:
    """Plan the trials of some records."""
    plugin = Plugin("model", Path("model.py"))
    return [Planned(record.trial, plugin, **fate) for record in records]


def a_context(**changes: Any) -> Context:
    """Make what the trials of a run have in common."""
    made = a_record()
    context = Context(
        jobs=some_jobs(made.data),
        environment=made.environment,
    )
    return replace(context, **changes)


def some_jobs(data: Mapping[str, Any]) -> Jobs:
    """Make jobs of a task whose data lie nowhere."""
    registry = Registry({"jena": a_task()}, ())
    jobs = Jobs(
        registry, lambda task: PreparedTask(Path("prepared"), data, len), {"quick": Bounds()}
    )
    jobs.prepare(["jena"])
    return jobs


@dataclass
class Script:
    """An executor that asks ``work`` for each job's outcome, and keeps the jobs it has done."""

    work: Callable[[Job], Outcome] = lambda job: an_outcome()
    slots: int = 1
    done: list[Job] = field(default_factory=list)
    cancelled: bool = False
    most: int = 0
    _waiting: deque[Job] = field(default_factory=deque)

    def submit(self, job: Job) -> None:
        self._waiting.append(job)
        self.most = max(self.most, len(self._waiting))

    def events(self) -> Iterator[Event]:
        while self._waiting:
            job = self._waiting[0]
            yield job, Started()
            yield job, EpochDone(1, 1, 0.5)
            outcome = self.work(job)
            self._waiting.popleft()
            self.done.append(job)
            yield job, Finished(outcome, "what it printed")

    def cancel(self) -> None:
        self.cancelled = True

    def start_ahead(self, backend: str) -> None:
        """There is nothing to import."""

    @property
    def seeds(self) -> list[int]:
        return [job.trial.seed for job in self.done]


@dataclass
class Notes:
    """An observer that writes down what it is told."""

    finished_: list[tuple[int, str, bool]] = field(default_factory=list)
    retries: list[tuple[str, int, int]] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ended: bool = False

    def begin(self, plan: Sequence[Planned]) -> None:
        pass

    def started(self, planned: Planned, where: str = "") -> None:
        pass

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        pass

    def retrying(self, record: Record, attempt: int, retries: int) -> None:
        self.retries.append((record.reason, attempt, retries))

    def waiting(self, trials: int) -> None:
        self.waits.append(trials)

    def finished(self, record: Record, reused: bool) -> None:
        self.finished_.append((record.trial.seed, record.status, reused))

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def end(self) -> None:
        self.ended = True


@dataclass
class RunWorld:
    """A folder of results; ``run`` runs a plan in it."""

    folder: Path
    notes: Notes = field(default_factory=Notes)

    @property
    def store(self) -> Store:
        return Store(self.folder)

    def run(
        self,
        plan: Sequence[Planned],
        executor: Script,
        interruption: Interruption | None = None,
        further: NextTrials = lambda records: (),
        **context: Any,
    ) -> Result:
        store = self.store
        store.prepare()
        made = a_context(**context)
        heard = interruption or Interruption()
        return run(plan, executor, store, made, self.notes, heard, further)

    def outcomes(self) -> list[tuple[int, str]]:
        """Seed and status of each record in the store, oldest first."""
        return [(record.trial.seed, record.status) for record in self.store.read().records]
