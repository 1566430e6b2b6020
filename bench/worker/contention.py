"""How quiet the machine was while a trial ran: what others computed, and a known piece of work."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import psutil

_REPEATS = 7
_NUMBERS = 60_000


@dataclass(frozen=True)
class Moment:
    """A moment of a machine: wall clock, CPU seconds of everyone, and of this process alone."""

    clock: float
    everyone: float
    own: float
    reference: float


def look() -> Moment:
    """Note the moment, and time the reference workload (about 10 ms)."""
    reference = reference_workload()
    times = psutil.cpu_times()
    # Guests are counted in user time too; waiting for a disk is no work.
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return Moment(time.perf_counter(), sum(times) - idle - guests, _own_seconds(), reference)


def reference_workload() -> float:
    """Return the seconds of a fixed piece of NumPy work: the median of a few goes.

    It is the same for every trial, so that a slow stretch of the machine shows as a long
    reference, whatever the trial itself did. It uses one thread and half a megabyte.
    """
    numbers = (np.arange(_NUMBERS, dtype=np.float64) * 7919.0) % 10_007.0
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        np.tanh(np.sort(numbers, kind="heapsort")).sum()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def since(before: Moment) -> dict[str, Any]:
    """Return what a record says of the time since a moment; nothing if it cannot be told.

    A plugin may have taken away what looking needs, and has its result all the same.
    """
    try:
        return between(before, look())
    except Exception:
        return {}


def between(before: Moment, after: Moment) -> dict[str, Any]:
    """Return what a record says of the time between two moments.

    reference_before, reference_after: seconds of the reference workload. others_cpu: the
    share of the machine's CPU time that other processes used, 0 to 1. load: the system's
    load average over the last minute, or None where there is none.
    """
    wall = max(after.clock - before.clock, 1e-9)
    others = (after.everyone - before.everyone) - (after.own - before.own)
    share = others / (wall * (os.cpu_count() or 1))
    return {
        "reference_before": before.reference,
        "reference_after": after.reference,
        "others_cpu": min(1.0, max(0.0, share)),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
