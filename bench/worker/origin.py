"""Which process this is: the trial itself or a child of a plugin's, and how old, forked or not."""

from __future__ import annotations

import os
import sys
import time

import psutil

#: Seconds that the process took to import what this one was forked with.
_before_fork = 0.0


def end_unless(trial: int) -> None:
    """End this process, at once and without a word, unless it is process ``trial``.

    A child that a plugin forks may come back into the suite: it must not act for the trial.
    """
    if os.getpid() != trial:
        os._exit(0)


def note_imports() -> None:
    """Count this process' age so far into the start-up of all that are forked from it.

    The server of a run notes so when its libraries are imported, the keeper of a spawned
    worker when it is about to fork the trial: the wait for a job is no start-up.
    """
    global _before_fork
    _before_fork = process_age()


def start_up() -> float:
    """Return the seconds of start-up until now.

    They are those of this process since its fork, and of the one that imported what it
    needs, from that one's own start to the end of its imports.
    """
    return _before_fork + process_age()


def process_age() -> float:
    """Return the seconds since this process was started or forked."""
    if sys.platform == "linux":
        # A process' creation time as psutil gives it rests on the time of the boot, which is
        # known to a second only.
        with open("/proc/self/stat", encoding="utf-8") as file:
            # The name before it may hold anything, a parenthesis too; see proc_pid_stat(5).
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - psutil.Process().create_time()
