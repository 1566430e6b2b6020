"""Which CPUs a trial gets when several run at once, and how it is kept to them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.errors import BenchError

#: The CPUs of one trial, by the system's numbers; None is whatever the run itself may use.
Share = frozenset[int] | None

WHOLE: tuple[Share, ...] = (None,)

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology"


def cpu_shares(jobs: int) -> tuple[Share, ...]:
    """Return the CPUs of each of so many trials at once: disjoint sets of one size.

    All have as many, so that all trials of a run compute with the same number of threads;
    what does not divide stays idle. CPUs of one core lie together. One trial alone is not
    confined, and where the system cannot confine none is.

    Raises:
        BenchError: There are fewer CPUs than trials.
    """
    cpus = usable_cpus()
    if jobs > len(cpus):
        there = "1 CPU" if len(cpus) == 1 else f"{len(cpus)} CPUs"
        raise BenchError(
            f"--jobs {jobs}: this run may use {there}, and each trial needs one of its own; "
            f"give at most {len(cpus)}"
        )
    if jobs == 1 or not can_confine():
        return (None,) * jobs
    ordered = sorted(cpus, key=_place)
    size = len(ordered) // jobs
    return tuple(frozenset(ordered[size * n : size * (n + 1)]) for n in range(jobs))


def can_confine() -> bool:
    """Say whether processes of this system can be kept to some of its CPUs."""
    return hasattr(os, "sched_setaffinity")


def confine(process: psutil.Process, share: Share) -> None:
    """Keep a process of one thread, and all that it will start, to its CPUs.

    One that has ended already, or whose CPUs were taken from the run meanwhile, stays as
    it is: how many threads a trial had is recorded by the trial itself.
    """
    if share is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, share)


@contextlib.contextmanager
def confined(share: Share) -> Iterator[None]:
    """Keep what is started in this block to its CPUs from its first instruction on.

    A process inherits the CPUs of the thread that starts it.
    """
    if share is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, share)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)


def usable_cpus() -> list[int]:
    """Return the CPUs that this process may use."""
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return [*range(os.cpu_count() or 1)]


def _place(cpu: int) -> tuple[int, int, int]:
    """Return socket, core and number of a CPU; socket and core are 0 where that is unknown."""
    folder = Path(_TOPOLOGY.format(cpu))
    try:
        socket, core = (
            int((folder / name).read_text(encoding="ascii"))
            for name in ("physical_package_id", "core_id")
        )
    except (OSError, ValueError):
        return 0, 0, cpu
    return socket, core, cpu
