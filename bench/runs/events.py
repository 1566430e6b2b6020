"""What a runner knows of an executor: three words, submit, events, cancel, and what happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.protocol import Finished, Job, Report


@dataclass(frozen=True)
class Started:
    """A worker has begun with a job; ``where`` is the machine's name, where it may be another."""

    where: str = ""


@dataclass(frozen=True)
class MoreSlots:
    """There is room for more jobs than there was; it comes with any of those submitted."""


WorkerEvent = Started | Report | Finished | MoreSlots
Event = tuple[Job, WorkerEvent]


class ExecutorLost(Exception):
    """What an executor sends jobs to is gone; says what. What has finished is whole."""


class Executor(Protocol):
    """Runs jobs somewhere and tells what happens to them.

    ``slots`` is how many jobs it runs at once: a runner that shares a results folder with
    others keeps no more than these submitted.
    """

    @property
    def slots(self) -> int:
        """How many jobs it runs at once now."""

    def submit(self, job: Job) -> None:
        """Queue a job."""

    def events(self) -> Iterator[Event]:
        """Yield what happens, until every submitted job has finished.

        Raises:
            ExecutorLost: What runs the jobs is gone for good.
        """

    def cancel(self) -> None:
        """Stop the running jobs, forget the queued ones, and let go of all resources."""
