"""Wait for a fault's moment, then kill."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

from .schedule import Fault
from .world import Run

_POLL = 0.001


def strike(fault: Fault, run: Run, results: Path) -> str | None:
    """Kill what a fault is aimed at; return what that was, or None if the run ended before.

    A worker is waited for where there is none yet.
    """
    if not _moment_comes(fault, run, results):
        return None
    if fault.target == "worker":
        return _kill_a_worker(fault.pick, run)
    victims: list[psutil.Process] = [run.process]
    if fault.target == "all":
        with contextlib.suppress(psutil.NoSuchProcess):
            victims += run.process.children(recursive=True)
    if run.ended:
        return None
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    run.wait()
    return "the run" if fault.target == "run" else "all at once"


def _moment_comes(fault: Fault, run: Run, results: Path) -> bool:
    if fault.moment == "writing":
        known = _names(results)
        seen = 0
        while seen < fault.new_files:
            names = _names(results)
            seen += len(names - known)
            known |= names
            if run.ended:
                return False
    give_up = time.monotonic() + fault.delay
    while (left := give_up - time.monotonic()) > 0:
        if run.ended:
            return False
        time.sleep(min(left, _POLL))
    return True


def _names(results: Path) -> set[Path]:
    return set(results.glob("*/*/*"))


def _kill_a_worker(pick: float, run: Run) -> str | None:
    while not run.ended:
        # It may end, and its children find another parent, while it is looked at.
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):
            workers = run.process.children(recursive=True)
            if workers:
                victim = workers[int(pick * len(workers))]
                role = _role(victim, run)
                victim.kill()
                return role
        time.sleep(_POLL)
    return None


def _role(process: psutil.Process, run: Run) -> str:
    """Say what a process below a run is: it shows by how far below it is."""
    generations = [parent.pid for parent in process.parents()].index(run.process.pid)
    command = process.cmdline()
    if "bench.worker" in command:
        return "a worker started without the fork server"
    if "bench.worker.server" not in command:
        return "another child of the run"
    return (
        ("the fork server", "the keeper of a trial")[generations] if generations < 2 else "a trial"
    )
