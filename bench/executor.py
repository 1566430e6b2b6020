"""Where trials run. A runner knows an executor by three words: submit, events, cancel."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from bench import processes
from bench.job import Begun, Checked, EpochDone, Finished, Job
from bench.launch import Launcher, Start, others_at_work
from bench.record import CRASHED, OUT_OF_MEMORY, TIMEOUT, Outcome
from bench.worker_process import WorkerProcess


@dataclass(frozen=True)
class Started:
    """A worker has begun with a job."""


Event = tuple[Job, Started | EpochDone | Checked | Finished]


class Executor(Protocol):
    """Runs jobs somewhere and tells what happens to them.

    ``slots`` is how many jobs it runs at once: a runner that shares a results folder with
    others keeps no more than these submitted.
    """

    slots: int

    def submit(self, job: Job) -> None:
        """Queue a job."""

    def events(self) -> Iterator[Event]:
        """Yield what happens, until every submitted job has finished."""

    def cancel(self) -> None:
        """Stop the jobs under way, forget the queued ones, and let go of all resources."""


class LocalExecutor:
    """Runs one job at a time on this machine, each in a process that it cannot outlive.

    ``start`` is how workers are started: "fork" by a server that has imported Keras once,
    "spawn" from nothing, "auto" the first where it is safe.
    """

    slots = 1

    def __init__(self, start: Start = "auto") -> None:
        self._start = start
        self._launchers: dict[str, Launcher] = {}
        self._waiting: deque[Job] = deque()
        self._current: WorkerProcess | None = None

    def submit(self, job: Job) -> None:
        """Queue a job; it starts when ``events`` is read and its turn has come."""
        self._waiting.append(job)

    def events(self) -> Iterator[Event]:
        """Run the queued jobs in turn and yield what happens."""
        while self._waiting:
            job = self._waiting.popleft()
            yield job, Started()
            yield from ((job, event) for event in self._run(job))

    def cancel(self) -> None:
        """End the worker under way, with all that it started, and empty the queue."""
        self._waiting.clear()
        if self._current is not None:
            self._current.close()
            self._current = None
        for launcher in self._launchers.values():
            launcher.close()
        self._launchers.clear()

    def _run(self, job: Job) -> Iterator[EpochDone | Checked | Finished]:
        killed_before, shared = processes.killed_for_memory(), others_at_work()
        launched = self._launcher(job.trial.backend).launch()
        started = time.monotonic()
        worker = self._current = WorkerProcess(job, launched)
        outcome: Outcome | None = None
        timing: dict[str, float] = {}
        for message in worker.messages():
            seconds = time.monotonic() - started
            if isinstance(message, Begun):
                timing["start"] = seconds
            elif isinstance(message, EpochDone | Checked):
                yield message
            elif isinstance(message, Outcome):
                outcome = message
            broken = _broken_bound(job, worker, seconds)
            if broken is not None:
                outcome = broken
                break
        worker.close()
        self._current = None
        if outcome is None:
            starved = processes.killed_for_memory() > killed_before
            outcome = _crash(worker.exit_status, starved)
        timing["total"] = time.monotonic() - started
        here = {
            "start": "fork" if launched.forked else "spawn",
            "shared": shared or others_at_work(),
        }
        yield Finished(
            replace(
                outcome,
                timing={**outcome.timing, **timing},
                environment={**outcome.environment, **here},
            ),
            worker.log,
        )

    def _launcher(self, backend: str) -> Launcher:
        if backend not in self._launchers:
            self._launchers[backend] = Launcher(backend, self._start)
        return self._launchers[backend]


def _broken_bound(job: Job, worker: WorkerProcess, seconds: float) -> Outcome | None:
    timeout, memory = job.bounds.timeout, job.bounds.memory
    if timeout is not None and seconds > timeout:
        return Outcome(TIMEOUT, f"took longer than {timeout:g} s")
    if memory is not None and worker.memory() > memory:
        return Outcome(OUT_OF_MEMORY, f"used more than {memory / 1024**3:.2f} GiB")
    return None


def _crash(status: int | None, starved: bool) -> Outcome:
    """Say how a worker ended that left no outcome."""
    if status is None:
        return Outcome(CRASHED, "the process that watches over the worker was killed")
    if status >= 0:
        return Outcome(CRASHED, f"the worker exited with status {status} and no result")
    if starved and -status == signal.SIGKILL:
        return Outcome(OUT_OF_MEMORY, "the system ran out of memory and killed the worker")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return Outcome(CRASHED, f"the worker was ended by {name}")
