"""What one trial may take before it is ended: time and memory, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds of wall-clock time by profile: some ten times what the slowest shipped plugin
#: takes on two cores, so that a slow machine is not punished and a hang costs no night.
TIMEOUTS: Mapping[str, float] = {"smoke": 300.0, "quick": 1800.0, "full": 6 * 3600.0}

#: Share of the machine's memory that a trial may take: the rest is for the run, the
#: operating system and its file cache, so that the limit is met before the system kills.
MEMORY_SHARE = 0.8

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True)
class Bounds:
    """What one trial may take: seconds of wall-clock time, bytes of memory; None is no bound."""

    timeout: float | None = None
    memory: int | None = None


def default_bounds(profile: str, jobs: int = 1) -> Bounds:
    """Return the bounds of a profile on this machine, for each of so many trials at once."""
    return Bounds(TIMEOUTS[profile], int(MEMORY_SHARE * machine_memory()) // jobs)


def machine_memory() -> int:
    """Return the bytes of memory that processes here may use: the machine's or its container's."""
    return min([psutil.virtual_memory().total, *_container_limits()])


def _container_limits() -> list[int]:
    limits = []
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # Absent, or "max".
    return limits
