"""One job under way on this machine: what its worker tells, its limits, and how it ended."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bench import processes
from bench.launch import Launched, others_at_work
from bench.protocol import (
    CRASHED,
    OUT_OF_MEMORY,
    TIMEOUT,
    Begun,
    Finished,
    Job,
    Message,
    Outcome,
    Report,
)
from bench.worker_process import POLL, WorkerProcess


class MemoryKills:
    """The processes that the system has killed for memory, and which trials they are put to.

    The system counts its kills and does not name them: of several trials at once, each
    kill explains the end of one.
    """

    def __init__(self) -> None:
        self._explained = 0

    def unexplained(self) -> int:
        """Return how many there are that explain no trial's end yet."""
        return processes.killed_for_memory() - self._explained

    def explain(self, before: int) -> bool:
        """Take one that has come since there were ``before`` unexplained; say if there is."""
        there_is = self.unexplained() > before
        self._explained += there_is
        return there_is


@dataclass(frozen=True)
class Company:
    """What the attempts of one executor have in common.

    ``jobs`` is how many there may be at once; ``woken`` is set when any has news.
    """

    jobs: int = 1
    woken: threading.Event = field(default_factory=threading.Event)
    kills: MemoryKills = field(default_factory=MemoryKills)


class Attempt:
    """A job and its worker.

    ``shared`` says whether any other trial is known to have run on the machine meanwhile.
    """

    def __init__(self, job: Job, launched: Launched, company: Company) -> None:
        self.job = job
        self.shared = others_at_work()
        self._company = company
        self._killed_before = company.kills.unexplained()
        self._started = time.monotonic()
        self._weighed = self._started
        self._forked = launched.forked
        self._worker = WorkerProcess(job, launched, company.woken)
        self._outcome: Outcome | None = None
        self._timing: dict[str, float] = {}

    def advance(self) -> Iterator[Report | Finished]:
        """Yield what has come of the job since; ``Finished`` is the last. This waits for nothing.

        A worker that breaks a limit is ended, which may take some seconds.
        """
        broken: Outcome | None = None
        for came, message in self._worker.messages():
            seconds = came - self._started
            broken = broken or self._too_long(seconds)
            if isinstance(message, Report):
                yield message
            else:
                self._note(message, seconds)
        if not self._worker.has_ended:
            broken = broken or self._too_long(time.monotonic() - self._started) or self._too_much()
        if broken is not None:
            self._outcome = broken
        if broken is not None or self._worker.has_ended:
            yield self._finish()

    def ask_to_stop(self) -> None:
        """Ask the worker to end, without waiting for it."""
        self._worker.ask_to_stop()

    def close(self) -> None:
        """End the worker and all it started."""
        self._worker.close()

    def _note(self, message: Message, seconds: float) -> None:
        if isinstance(message, Begun):
            self._timing["start"] = seconds
        elif isinstance(message, Outcome):
            self._outcome = message

    def _too_long(self, seconds: float) -> Outcome | None:
        timeout = self.job.bounds.timeout
        if timeout is None or seconds <= timeout:
            return None
        return Outcome(TIMEOUT, f"took longer than {timeout:g} s")

    def _too_much(self) -> Outcome | None:
        """Weigh the trial, though not at every message of every other."""
        memory, now = self.job.bounds.memory, time.monotonic()
        if memory is None or now - self._weighed < POLL:
            return None
        self._weighed = now
        if self._worker.memory() <= memory:
            return None
        return Outcome(OUT_OF_MEMORY, f"used more than {memory / 1024**3:.2f} GiB")

    def _finish(self) -> Finished:
        self._worker.close()
        outcome = self._outcome or self._crash()
        here = {
            "start": "fork" if self._forked else "spawn",
            "shared": self.shared or others_at_work(),
            "jobs": self._company.jobs,
        }
        timing = {**self._timing, "total": time.monotonic() - self._started}
        whole = replace(
            outcome,
            timing={**outcome.timing, **timing},
            environment={**outcome.environment, **here},
        )
        return Finished(whole, self._worker.log)

    def _crash(self) -> Outcome:
        """Say how a worker ended that left no outcome."""
        status = self._worker.exit_status
        if status is None:
            return Outcome(CRASHED, "the process that watches over the worker was killed")
        if status >= 0:
            return Outcome(CRASHED, f"the worker exited with status {status} and no result")
        if -status == signal.SIGKILL and self._company.kills.explain(self._killed_before):
            return Outcome(OUT_OF_MEMORY, "the system ran out of memory and killed the worker")
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return Outcome(CRASHED, f"the worker was ended by {name}")
