"""The one place of a run that looks at processes from outside, and ends them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from bench.protocol import GRACE


def find(number: int) -> psutil.Process | None:
    """Return the process of a number, or None if it has ended."""
    try:
        return psutil.Process(number)
    except psutil.NoSuchProcess:
        return None


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs; one that has ended and is not yet reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def memory_below(process: psutil.Process) -> int:
    """Return the resident memory of all descendants of a keeper, in bytes.

    Where processes cannot be forked there is none: the process is the trial, and counts too.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        trial = [] if hasattr(os, "fork") else [process]
        for member in [*trial, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def kill_tree(process: psutil.Process, spare: Iterable[psutil.Process] = ()) -> None:
    """Kill a process and all its descendants, and see them gone.

    Those in ``spare`` and their own descendants are left alone.
    """
    spared = {*spare}
    for branch in [*spared]:
        with contextlib.suppress(psutil.Error):
            spared.update(branch.children(recursive=True))
    family = [process]
    with contextlib.suppress(psutil.Error):
        family += [p for p in process.children(recursive=True) if p not in spared]
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
    wait_until(lambda: not any(map(is_alive, family)), GRACE)


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is true, for so many seconds at most; return whether it is."""
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.002)
    return True


def others_run(module: str) -> bool:
    """Say whether a Python module runs on this machine that this process has not started."""
    own = {psutil.Process().pid, *(p.pid for p in psutil.Process().children(recursive=True))}
    return any(
        process.pid not in own and module in (process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline"])
    )


def killed_for_memory() -> int:
    """Return how many processes the system has killed since it started, memory being short.

    Always 0 where the system does not count them (Linux does: proc_vmstat, ``oom_kill``).
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


class MemoryKills:
    """The processes that the system has killed for memory, and which trials they are put to.

    The system counts its kills and does not name them: of several trials at once, each
    kill explains the end of one.
    """

    def __init__(self) -> None:
        self._explained = 0

    def unexplained(self) -> int:
        """Return how many there are that explain no trial's end yet."""
        return killed_for_memory() - self._explained

    def explain(self, before: int) -> bool:
        """Take one that has come since there were ``before`` unexplained; say if there is."""
        there_is = self.unexplained() > before
        self._explained += there_is
        return there_is
