"""The workers of a cluster by machine: how many trials they take at once, and which is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.formatting import counted


@dataclass(frozen=True)
class ClusterWorker:
    """A worker: it does one trial at a time.

    ``machine`` tells its machine from others, ``name`` is what people call that.
    """

    address: str
    machine: str
    name: str


@dataclass(frozen=True)
class InHand:
    """What a worker does now; ``alone`` says that its machine takes nothing else meanwhile."""

    worker: ClusterWorker
    alone: bool = False


def slots_of(workers: Iterable[ClusterWorker], jobs: int) -> int:
    """Return how many trials all machines do at once.

    Args:
        workers: Those that there are.
        jobs: The trials that a machine does at once, as far as it has workers.
    """
    return sum(min(jobs, number) for number in _by_machine(workers).values())


def next_worker(
    workers: Sequence[ClusterWorker],
    in_hand: Collection[InHand],
    jobs: int,
    alone: bool = False,
    avoided: Collection[str] = (),
) -> ClusterWorker | None:
    """Return which worker gets the next trial, None if it has to wait.

    Machines with the fewest trials come first, and of these the worker that has been there
    for longest, so that with one trial at a time a machine's other workers stay idle.

    Args:
        workers: Those that there are, the oldest first.
        in_hand: What they do now.
        jobs: The trials that a machine does at once.
        alone: Whether the trial has to be alone on its machine.
        avoided: The machines that have lost this trial; they come last.
    """
    busy = {each.worker.address for each in in_hand}
    trials = _by_machine(each.worker for each in in_hand)
    closed = {each.worker.machine for each in in_hand if each.alone}
    most = 1 if alone else jobs
    free = [
        worker
        for worker in workers
        if worker.address not in busy
        and worker.machine not in closed
        and trials[worker.machine] < most
    ]
    return min(free, key=lambda w: (w.machine in avoided, trials[w.machine]), default=None)


def jobs_on(machine: str, workers: Iterable[ClusterWorker], jobs: int) -> int:
    """Return how many trials a machine does at once."""
    return min(jobs, _by_machine(workers)[machine])


def told_of(workers: Iterable[ClusterWorker]) -> str:
    """Write the machines and how many workers each has: "3 workers on 2 machines: a (2), b (1)"."""
    found = [*workers]
    names = {worker.machine: worker.name for worker in found}
    numbers = _by_machine(found)
    each = ", ".join(f"{names[machine]} ({number})" for machine, number in numbers.items())
    machines = counted(len(numbers), "machine")
    return f"{counted(len(found), 'worker')} on {machines}{': ' if each else ''}{each}"


def _by_machine(workers: Iterable[ClusterWorker]) -> Counter[str]:
    return Counter(worker.machine for worker in workers)


# Workers that cannot be used, for they would compute something else


@dataclass(frozen=True)
class Software:
    """What a process computes with: versions of Python, the suite and packages, by name."""

    versions: Mapping[str, str]

    def difference(self, other: Software) -> str:
        """Say in which versions this side and another differ, nothing if in none.

        What the other one does not tell is absent there.
        """
        return ", ".join(
            f"{name} {other.versions.get(name, 'absent')} there and {mine} here"
            for name, mine in self.versions.items()
            if other.versions.get(name, "absent") != mine
        )
