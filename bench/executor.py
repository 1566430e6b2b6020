"""Where trials run. A runner knows an executor by three words: submit, events, cancel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.attempt import Attempt, Company
from bench.launch import Launcher, Start
from bench.machine import WHOLE, Share
from bench.protocol import Finished, Job, Report
from bench.worker_process import POLL


@dataclass(frozen=True)
class Started:
    """A worker has begun with a job."""


News = Started | Report | Finished
Event = tuple[Job, News]


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
    """Runs jobs on this machine, each in a process that it cannot outlive.

    ``start`` is how workers are started: "fork" by a server that has imported Keras once,
    "spawn" from nothing, "auto" the first where it is safe. ``shares`` are the CPUs of
    each job that runs at once; see ``bench.machine.cpu_shares``. ``root`` is the folder that
    workers import ``bench`` from, another revision's say; None for where this process did.
    """

    def __init__(
        self,
        start: Start = "auto",
        shares: Sequence[Share] = WHOLE,
        root: Path | None = None,
    ) -> None:
        self.slots = len(shares)
        self.root = root
        self._start = start
        self._free = deque(shares)
        self._launchers: dict[str, Launcher] = {}
        self._waiting: deque[Job] = deque()
        self._under_way: list[tuple[Attempt, Share]] = []
        self._company = Company(self.slots)

    def submit(self, job: Job) -> None:
        """Queue a job; it starts when ``events`` is read and its turn has come."""
        self._waiting.append(job)

    def events(self) -> Iterator[Event]:
        """Run the queued jobs, as many at once as there are slots, and yield what happens."""
        while self._waiting or self._under_way:
            while self._waiting and self._free:
                job = self._waiting.popleft()
                yield job, Started()
                self._begin(job)
            self._company.woken.wait(POLL)
            self._company.woken.clear()
            for attempt, share in [*self._under_way]:
                for event in attempt.advance():
                    if isinstance(event, Finished):
                        self._under_way.remove((attempt, share))
                        self._free.append(share)
                    yield attempt.job, event

    def cancel(self) -> None:
        """End the workers under way, with all that they started, and empty the queue."""
        self._waiting.clear()
        # All at once, so that those that take their time take it together.
        for attempt, _ in self._under_way:
            attempt.ask_to_stop()
        while self._under_way:
            attempt, share = self._under_way.pop()
            attempt.close()
            self._free.append(share)
        for launcher in self._launchers.values():
            launcher.close()
        self._launchers.clear()

    def _begin(self, job: Job) -> None:
        share = self._free[0]
        launched = self._launcher(job.trial.backend).launch(share)
        attempt = Attempt(job, launched, self._company)
        self._free.popleft()
        self._under_way.append((attempt, share))
        if len(self._under_way) > 1:
            for each, _ in self._under_way:
                each.shared = True

    def _launcher(self, backend: str) -> Launcher:
        if backend not in self._launchers:
            # Any share will do: all have as many CPUs.
            self._launchers[backend] = Launcher(backend, self._start, self._free[0], self.root)
        return self._launchers[backend]
