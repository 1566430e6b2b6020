"""Trials on this machine, each in a process of its own; see ``bench.protocol``."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.formatting import one_line
from bench.machine import WHOLE, Share, load
from bench.protocol import (
    CRASHED,
    FAILED,
    OUT_OF_MEMORY,
    TIMEOUT,
    EpochDone,
    Event,
    Finished,
    Job,
    Malformed,
    Message,
    Outcome,
    Report,
    Started,
    WorkerReady,
)
from bench.runs import processes
from bench.runs.launch import POLL, Launched, Launcher, Start, WorkerProcess, others_at_work


class LocalExecutor:
    """Runs jobs on this machine, each in a process that it cannot outlive.

    ``start`` is how workers are started: "fork" by a server that has imported Keras once,
    "spawn" from nothing, "auto" the first where it is safe. ``shares`` are the CPUs of
    each job that runs at once; see ``bench.machine.cpu_shares``. ``root`` is the folder that
    workers import ``bench`` from, another revision's say; None for where this process did; in
    ``libraries`` they look for modules before anywhere else.
    """

    def __init__(
        self,
        start: Start = "auto",
        shares: Sequence[Share] = WHOLE,
        root: Path | None = None,
        libraries: Sequence[Path] = (),
    ) -> None:
        self.slots = len(shares)
        self.root = root
        self._libraries = libraries
        self._start = start
        self._free = deque(shares)
        self._launchers: dict[tuple[str, str], Launcher] = {}
        self._waiting: deque[Job] = deque()
        self._running: list[tuple[Attempt, Share]] = []
        self._company = SharedState(self.slots)

    def submit(self, job: Job) -> None:
        """Queue a job; it starts when ``events`` is read and its turn has come."""
        self._waiting.append(job)

    def start_ahead(self, backend: str) -> None:
        """Begin to import what jobs on a backend need, while they are still being planned.

        Whoever asks for it sees to it that ``cancel`` is called, jobs or none.
        """
        self._launcher(backend, "").start_server()

    def events(self) -> Iterator[Event]:
        """Run the queued jobs, as many at once as there are slots, and yield what happens."""
        while self._waiting or self._running:
            while self._waiting and self._free:
                job = self._waiting.popleft()
                yield job, Started()
                self._begin(job)
            self._company.woken.wait(POLL)
            self._company.woken.clear()
            for attempt, share in [*self._running]:
                for event in attempt.advance():
                    if isinstance(event, Finished):
                        self._running.remove((attempt, share))
                        self._free.append(share)
                    yield attempt.job, event

    def cancel(self) -> None:
        """End the running workers, with all that they started, and empty the queue."""
        self._waiting.clear()
        # All at once, so that those that take their time take it together.
        self.ask_to_stop()
        while self._running:
            attempt, share = self._running.pop()
            attempt.close()
            self._free.append(share)
        for launcher in self._launchers.values():
            launcher.close()
        self._launchers.clear()

    def ask_to_stop(self) -> None:
        """Ask the running workers to end, without waiting; another thread may do so."""
        for attempt, _ in [*self._running]:
            attempt.ask_to_stop()

    def _begin(self, job: Job) -> None:
        share = self._free[0]
        launched = self._launcher(job.trial.backend, job.python).launch(share)
        attempt = Attempt(job, launched, self._company)
        self._free.popleft()
        self._running.append((attempt, share))
        if len(self._running) > 1:
            for each, _ in self._running:
                each.shared = True

    def _launcher(self, backend: str, python: str) -> Launcher:
        kind = backend, python
        if kind not in self._launchers:
            # Any share will do: all have as many CPUs.
            self._launchers[kind] = Launcher(
                backend, self._start, self._free[0], self.root, self._libraries, python
            )
        return self._launchers[kind]


# One job in progress on this machine: what its worker tells, its limits, and how it ended


#: A trial whose plugin writes an outcome of its own has this against it.
_TWICE = "sent more than one outcome"

#: By how much a trial's clock may differ from the one outside, in seconds and as a share:
#: what it sends has to be written and read, on a machine that may be busy.
CLOCK_SECONDS, CLOCK_SHARE = 0.25, 0.1


@dataclass
class _Watch:
    """When a trial's messages came, in seconds since it was launched, by the clock outside."""

    epochs: list[float] = field(default_factory=list)
    told: float = 0.0

    def disagreement(self, outcome: Outcome, started: float) -> dict[str, float]:
        """Return a trial's clock and the one outside where they disagree, in seconds; else nothing.

        Compared are the whole job and the time from the first epoch's end to the last one's.
        """
        elapsed = outcome.metrics.get("curves", {}).get("elapsed_seconds", [])
        pairs = []
        if "total" in outcome.timing and self.told:
            pairs.append((outcome.timing["total"], self.told - started))
        if len(elapsed) == len(self.epochs) > 1:
            pairs.append((elapsed[-1] - elapsed[0], self.epochs[-1] - self.epochs[0]))
        for own, outside in pairs:
            # Turned round, for a clock may also say NaN.
            if not abs(own - outside) <= CLOCK_SECONDS + CLOCK_SHARE * outside:
                return {"own": own, "outside": outside}
        return {}


@dataclass(frozen=True)
class SharedState:
    """What the attempts of one executor have in common.

    ``jobs`` is how many there may be at once; ``woken`` is set when any has news.
    """

    jobs: int = 1
    woken: threading.Event = field(default_factory=threading.Event)
    kills: processes.MemoryKills = field(default_factory=processes.MemoryKills)


class Attempt:
    """A job and its worker.

    ``shared`` says whether any other trial is known to have run on the machine meanwhile.
    """

    def __init__(self, job: Job, launched: Launched, company: SharedState) -> None:
        self.job = job
        self.shared = others_at_work()
        self._company = company
        self._killed_before = company.kills.unexplained()
        self._started = time.monotonic()
        self._weighed = self._started
        self._forked = launched.forked
        self._worker = WorkerProcess(job, launched, company.woken)
        self._outcome: Outcome | None = None
        self._wrong = ""
        self._timing: dict[str, float] = {}
        self._watch = _Watch()

    def advance(self) -> Iterator[Report | Finished]:
        """Yield what has come of the job since; ``Finished`` is the last. This waits for nothing.

        A worker that breaks a limit is ended, which may take some seconds.
        """
        broken: Outcome | None = None
        for came, message in self._worker.messages():
            seconds = came - self._started
            broken = broken or self._too_long(seconds)
            self._note(message, seconds)
            if isinstance(message, Report):
                yield message
        if not self._worker.has_ended:
            broken = broken or self._too_long(time.monotonic() - self._started) or self._too_much()
        if broken is not None or self._worker.has_ended:
            yield self._finish(broken)

    def ask_to_stop(self) -> None:
        """Ask the worker to end, without waiting for it."""
        self._worker.ask_to_stop()

    def close(self) -> None:
        """End the worker and all it started."""
        self._worker.close()

    def _note(self, message: Message | Malformed, seconds: float) -> None:
        if isinstance(message, WorkerReady):
            self._timing.setdefault("start", seconds)
        elif isinstance(message, EpochDone):
            self._watch.epochs.append(seconds)
        elif isinstance(message, Malformed):
            self._wrong = self._wrong or f"sent {message.reason}"
        elif isinstance(message, Outcome):
            if self._outcome is not None:
                self._wrong = _TWICE
            self._outcome = message
            self._watch.told = seconds

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

    def _finish(self, broken: Outcome | None) -> Finished:
        self._worker.close()
        outcome = broken or self._ended()
        clock = self._watch.disagreement(outcome, self._timing.get("start", 0.0))
        here = {
            **({"clock": clock} if clock else {}),
            "start": "fork" if self._forked else "spawn",
            "shared": self.shared or others_at_work(),
            "jobs": self._company.jobs,
            "load": load(),
        }
        timing = {**self._timing, "total": time.monotonic() - self._started}
        whole = replace(
            outcome,
            reason=one_line(outcome.reason),
            timing={**outcome.timing, **timing},
            environment={**outcome.environment, **here},
        )
        return Finished(whole, self._worker.log)

    def _ended(self) -> Outcome:
        """Return the worker's own outcome, if it left one and one only."""
        if self._outcome is not None and self._wrong != _TWICE:
            return self._outcome
        return Outcome(FAILED, f"the worker {self._wrong}") if self._wrong else self._crash()

    def _crash(self) -> Outcome:
        """Say how a worker ended that left no outcome."""
        status = self._worker.exit_status
        if status is None:
            return Outcome(CRASHED, "the process that watches over the worker was killed")
        if status >= 0:
            return Outcome(CRASHED, f"the worker exited with status {status} and no result")
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        if name == "SIGKILL" and self._company.kills.explain(self._killed_before):
            return Outcome(OUT_OF_MEMORY, "the system ran out of memory and killed the worker")
        return Outcome(CRASHED, f"the worker was ended by {name}")
