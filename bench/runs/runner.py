"""Carry out a plan: hand trials to an executor, turn what comes back into records."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.errors import BenchError
from bench.files import without_home
from bench.formatting import one_line
from bench.machine import load
from bench.plan.plan import Planned
from bench.protocol import (
    CRASHED,
    FAILED,
    OK,
    EpochDone,
    Executor,
    ExecutorLost,
    Finished,
    Job,
    MoreSlots,
    Outcome,
    Started,
    WorkerEvent,
)
from bench.records.predictions import TrainedModel
from bench.records.record import Record, from_json
from bench.records.selection import made_meanwhile
from bench.records.store import FEW, Store
from bench.registry.plugins import Plugin
from bench.runs.interruption import Interruption
from bench.runs.jobs import Jobs
from bench.runs.recorder import CLAIMS, Claims, Recorder
from bench.runs.scoring import settle, trained_model

if TYPE_CHECKING:
    from bench.records.packed import PackedRecords

#: Seconds between two looks at trials that another run has in progress.
POLL = 0.5

#: What is to be done once a plan has been gone through and has left these records.
NextTrials = Callable[[Sequence[Record]], Sequence[Planned]]


class Observer(Protocol):
    """Is told how a run goes, in order, so that a person can watch it."""

    def begin(self, plan: Sequence[Planned]) -> None:
        """The run starts, or goes on to further trials."""

    def started(self, planned: Planned, where: str = "") -> None:
        """A trial starts, on the machine of this name where it may be another."""

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        """A trial has ended an epoch."""

    def retrying(self, record: Record, attempt: int, retries: int) -> None:
        """A trial has left this record and is tried again, for the ``attempt``th time."""

    def waiting(self, trials: int) -> None:
        """Nothing is left but trials that other runs have in progress."""

    def finished(self, record: Record, reused: bool) -> None:
        """A trial has its record, new or reused."""

    def warn(self, message: str) -> None:
        """Something went wrong that does not stop the run."""

    def end(self) -> None:
        """The run is over, for whatever reason."""


@dataclass(frozen=True)
class Context:
    """What the trials of a run have in common.

    ``jobs`` has planned them and makes their jobs. ``reuse`` is the policy and
    ``known`` the records (identity and time) that the plan was made with; ``retries`` is
    how often a trial that crashed is tried again; ``keep_models`` whether models are kept.
    """

    jobs: Jobs
    environment: Mapping[str, Any]
    reuse: str = "missing"
    known: Container[tuple[str, str]] = frozenset()
    retries: int = 0
    keep_models: bool = False


@dataclass
class Result:
    """What a run has to show: its records, which of them were reused, what was lost.

    Of the attempts at a trial the last one is here, and its repeat as well; ``reused``
    are identities.
    """

    records: list[Record] = field(default_factory=list)
    reused: set[str] = field(default_factory=set)
    unwritten: int = 0
    interrupted: bool = False


def run(
    plan: Sequence[Planned],
    executor: Executor,
    store: Store,
    context: Context,
    observer: Observer,
    interruption: Interruption,
    further: NextTrials = lambda records: (),
) -> Result:
    """Run what is to be run, record all of it, and return when it is done or interrupted.

    ``further`` is asked for what is run after the plan, and again after that, until there
    is nothing. Each trial is claimed before it starts, until its record is on the disk, so
    that several runs on one folder share the work.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
        this = _Run(executor, store, context, observer, Path(scratch))
        try:
            with interruption.raising():
                this.go_through(plan, interruption)
                while more := further(this.result.records):
                    this.go_through(more, interruption)
        except KeyboardInterrupt:
            this.result.interrupted = True
        except ExecutorLost as error:
            observer.warn(str(error))
            this.result.interrupted = True
        finally:
            executor.cancel()
            this.end()
            observer.end()
    return this.result


def make_record(planned: Planned, outcome: Outcome, log: str, context: Context) -> Record:
    """Put a trial's outcome and its provenance together."""
    trial = planned.trial
    here = {**context.environment, "load": load(), **outcome.environment}
    here["plugin_file"] = without_home(planned.plugin.path)
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
        data=context.jobs.data(trial.task).description,
        environment=here,
        reference=planned.plugin.reference,
        predictions=None,
        log=log,
    )


@dataclass
class _Running:
    """A trial that the executor has, and how often it has been tried again.

    ``alone`` says whether no other trial of this run was in progress meanwhile; ``spoiled``
    that the data changed while it was not.
    """

    planned: Planned
    retries: int = 0
    alone: bool = True
    spoiled: bool = False
    repaired: bool = False


class _Run:
    """A run in progress: what is to be done, what the executor has, what has come of it."""

    def __init__(
        self,
        executor: Executor,
        store: Store,
        context: Context,
        observer: Observer,
        scratch: Path,
    ) -> None:
        self.result = Result()
        self._executor = executor
        self._store = store
        self._context = context
        self._observer = observer
        self._scratch = scratch
        self._claims = Claims(store.root / CLAIMS, observer.warn)
        self._recorder = Recorder(store, observer.warn)
        self._queue: deque[Planned] = deque()
        self._running: dict[str, _Running] = {}
        self._suspects: deque[Planned] = deque()
        self._told: set[tuple[Path, str]] = set()
        self._packed: PackedRecords | None = None

    def go_through(self, plan: Sequence[Planned], interruption: Interruption) -> None:
        """See that every trial of a plan gets its record, from this run or another."""
        self._observer.begin(plan)
        for planned in plan:
            if planned.reused is not None:
                self._reuse(planned.reused)
            else:
                self._queue.append(planned)
        self._start_more()
        told = False
        while True:
            for job, event in self._executor.events():
                with interruption.deferred():
                    self._follow(job, event)
                if isinstance(event, Finished | MoreSlots):
                    self._start_more()
            if not self._queue:
                return
            if not told:
                self._observer.waiting(len(self._queue))
                told = True
            time.sleep(POLL)
            self._start_more()

    def end(self) -> None:
        """Try a last time to write what is not written, and give up all claims."""
        self._recorder.try_again()
        self.result.unwritten = self._recorder.unwritten
        self._claims.close()

    def _start_more(self) -> None:
        """Fill the executor's slots with trials that no other run has claimed."""
        if self._suspects:
            # One of them has changed the data: each alone, so that no other is blamed.
            if not self._running:
                self._submit(self._suspects.popleft())
            return
        for _ in range(len(self._queue)):
            if len(self._running) >= self._executor.slots:
                return
            if not self._recorder.try_again():
                self._observer.warn(
                    "stopping, for records can no longer be written: free some space or give "
                    f"another --results, then run again; {len(self._queue)} not run"
                )
                self._queue.clear()
                return
            planned = self._queue.popleft()
            if self._claims.take(planned.trial.identity):
                self._start(planned)
            else:
                self._queue.append(planned)

    def _start(self, planned: Planned) -> None:
        """Find, make or order the record of a claimed trial."""
        identity = planned.trial.identity
        found = self._store.find(planned.trial)
        if planned.first is None:
            made = made_meanwhile(found, self._context.known, self._context.reuse)
        else:
            from bench.runs.verification import repeated_meanwhile

            made = repeated_meanwhile(found, planned.first)
        if made is not None:
            self._claims.release(identity)
            self._reuse(made)
        elif planned.verdict:
            outcome = Outcome(planned.verdict, planned.reason)
            record = make_record(planned, outcome, "", self._context)
            self._close(record, self._recorder.write(record, None))
        else:
            self._submit(planned)

    def _submit(self, planned: Planned) -> None:
        """Have a trial done, on data that are sound."""
        identity = planned.trial.identity
        predictions, warn = self._scratch / f"{identity}.npz", self._observer.warn
        model = predictions.with_suffix(".keras") if self._context.keep_models else None
        job = self._context.jobs.job(planned, predictions=predictions, model=model, warn=warn)
        self._running[identity] = _Running(planned, alone=not self._running)
        if len(self._running) > 1:
            for each in self._running.values():
                each.alone = False
        self._executor.submit(job)

    def _follow(self, job: Job, event: WorkerEvent) -> None:
        planned = self._running[job.trial.identity].planned
        if isinstance(event, Started):
            self._observer.started(planned, event.where)
        elif isinstance(event, EpochDone):
            self._observer.epoch(planned, event)
        elif isinstance(event, Finished):
            self._tell_of_neighbours(planned.plugin, event.outcome)
            trial = self._running[job.trial.identity]
            outcome = self._judge_data(job, trial, event.outcome)
            if outcome is not None:
                self._take_in(job, outcome, event.log)

    def _tell_of_neighbours(self, plugin: Plugin, outcome: Outcome) -> None:
        """Say once what a plugin reads beside itself that no identity covers."""
        files = outcome.environment.get("undeclared_files")
        if isinstance(files, list) and files:
            names = one_line(", ".join(map(str, files)), longest=120)
            self._tell_once(
                plugin,
                f"{plugin.path.name} reads {names} beside it, which its identity does not cover: "
                "a change would go unnoticed; name it in FILES",
            )

    def _tell_once(self, plugin: Plugin, line: str) -> None:
        if (plugin.path, line) not in self._told:
            self._told.add((plugin.path, line))
            self._observer.warn(line)

    def _judge_data(self, job: Job, trial: _Running, outcome: Outcome) -> Outcome | None:
        """Look whether a trial has left the data as they were; None if it is done again.

        A trial that changes what all later ones read has failed, whatever it says. Where
        several ran at once there is no telling which did it: they are done again, one by one.
        Deleted arrays stay whole for whoever has them open, so that nothing is wrong with a
        result; a trial that could not open them any more is done again.
        """
        jobs = self._context.jobs
        changed = jobs.changed_data()
        if changed and not trial.alone:
            for each in self._running.values():
                each.spoiled = True
        if trial.spoiled:
            del self._running[job.trial.identity]
            self._suspects.append(trial.planned)
            self._observer.warn(
                f"{trial.planned.trial}: the data changed while several trials ran ({changed}); "
                "done again, alone"
            )
            return None
        if changed:
            reason = f"the prepared data were changed while it ran ({changed})"
            return replace(outcome, status=FAILED, reason=reason)
        if outcome.status == FAILED and not trial.repaired and not jobs.data_are_whole():
            repaired = jobs.make_sound(job.trial)
            self._observer.warn(f"{repaired}: was deleted; made again, {job.trial} is done again")
            trial.repaired = True
            self._executor.submit(job)
            return None
        return outcome

    def _settled(
        self, job: Job, outcome: Outcome, log: str
    ) -> tuple[Record, bytes | None, TrainedModel | None]:
        """Score what a trial left, and make its record of it: one that can be read back."""
        planned = self._running[job.trial.identity].planned
        jobs, context = self._context.jobs, self._context
        metric = str(jobs.data(job.trial.task).description["metric"]["name"])
        answers = jobs.answers(job.trial)
        outcome, predictions = settle(outcome, job.trial, metric, Path(job.predictions), answers)
        outcome, model = trained_model(outcome, job.model)
        record = make_record(planned, outcome, log, context)
        try:
            from_json(record.to_json())
        except (BenchError, RecursionError, TypeError, ValueError) as error:
            failed = Outcome(FAILED, f"the worker's outcome makes a record that {error}")
            return make_record(planned, failed, log, context), None, None
        return record, predictions, model

    def _take_in(self, job: Job, outcome: Outcome, log: str) -> None:
        """Write a finished trial's record; it is the last one unless a crash is tried again."""
        record, predictions, model = self._settled(job, outcome, log)
        if outcome.environment.get("clock"):
            self._observer.warn(f"{job.trial}: its own clock was wrong; its times mean nothing")
        trial = self._running[record.identity]
        if (first := trial.planned.first) is not None:
            from bench.runs.verification import judged

            record = judged(record, first, predictions, self._store, self._observer.warn)
        if reason := record.environment.get("model_not_kept"):
            plugin = trial.planned.plugin
            self._tell_once(plugin, f"{plugin.name}: its model is not kept: {reason}")
        written = self._recorder.write(record, predictions, model)
        if record.status == CRASHED and trial.retries < self._context.retries:
            trial.retries += 1
            self._observer.retrying(record, trial.retries, self._context.retries)
            self._executor.submit(job)
        else:
            del self._running[record.identity]
            self._close(record, written)

    def _close(self, record: Record, written: bool) -> None:
        # While it is in memory alone, another run would find no record and train again.
        if written:
            self._claims.release(record.identity)
        if record.status == OK:
            self.result.reused.discard(record.identity)  # A repeat answers from now on.
        self.result.records.append(self._small(record))
        self._observer.finished(record, reused=False)

    def _small(self, record: Record) -> Record:
        """Return a record as it is kept to the end of the run: of many, packed."""
        if len(self.result.records) < FEW:
            return record
        if self._packed is None:
            from bench.records.packed import PackedRecords  # Few runs are so long.

            self._packed = PackedRecords()
        return self._packed.packed(record)

    def _reuse(self, record: Record) -> None:
        self.result.reused.add(record.identity)
        self.result.records.append(record)
        self._observer.finished(record, reused=True)
