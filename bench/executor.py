"""Where trials run. A runner knows an executor by three words: submit, events, cancel."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from bench.job import Checked, EpochDone, Finished, Job
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
    """Runs one job at a time on this machine, each in a fresh process of its own group."""

    slots = 1

    def __init__(self) -> None:
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

    def _run(self, job: Job) -> Iterator[EpochDone | Checked | Finished]:
        started = time.monotonic()
        worker = self._current = WorkerProcess(job)
        outcome: Outcome | None = None
        for message in worker.messages():
            if isinstance(message, EpochDone | Checked):
                yield message
            elif isinstance(message, Outcome):
                outcome = message
            broken = _broken_bound(job, worker, time.monotonic() - started)
            if broken is not None:
                outcome = broken
                break
        worker.close()
        self._current = None
        outcome = outcome or _crash(worker.exit_status)
        timing = {**outcome.timing, "total": time.monotonic() - started}
        yield Finished(replace(outcome, timing=timing), worker.log)


def _broken_bound(job: Job, worker: WorkerProcess, seconds: float) -> Outcome | None:
    timeout, memory = job.bounds.timeout, job.bounds.memory
    if timeout is not None and seconds > timeout:
        return Outcome(TIMEOUT, f"took longer than {timeout:g} s")
    if memory is not None and worker.memory() > memory:
        return Outcome(OUT_OF_MEMORY, f"used more than {memory / 1024**3:.2f} GiB")
    return None


def _crash(status: int) -> Outcome:
    if status >= 0:
        return Outcome(CRASHED, f"the worker exited with status {status} and no result")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return Outcome(CRASHED, f"the worker was ended by {name}")
