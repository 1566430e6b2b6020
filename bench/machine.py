"""What a run can say of where it happens, without importing Keras."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import psutil

import bench
from bench.errors import BenchError
from bench.protocol import SKIPPED, Bounds

#: Seconds that a driver may take to answer.
_PATIENCE = 20.0


def version_of(package: str) -> str | None:
    """Return the version of an importable package, or None if it cannot be imported.

    Args:
        package: The name that is imported, such as ``sklearn``.
    """
    try:
        if importlib.util.find_spec(package) is None:
            return None
    except (ImportError, ValueError):
        return None
    try:
        return version(package)
    except PackageNotFoundError:
        names = packages_distributions().get(package, [])
        return version(names[0]) if names else "unknown"


@dataclass(frozen=True)
class Packages:
    """The packages that trials of a plugin find: this process's, or those of an environment.

    ``version_of`` returns the version of an importable one, None if it is absent. ``others`` are
    the versions of what the plugin needs and does not import by name. ``python`` is the
    interpreter of the environment, "" for this process's. Where no trial can be run with them
    ``reason`` says why, and ``status`` is what the trials' is then.
    """

    version_of: Callable[[str], str | None] = version_of
    others: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    status: str = SKIPPED
    reason: str = ""


#: The file in which an environment of the suite's own says what is in it.
ENVIRONMENT = "bench-environment.json"


def own_environment() -> dict[str, Any]:
    """Return what there is in the environment that this process runs in, if the suite made it."""
    try:
        return dict(json.loads((Path(sys.prefix) / ENVIRONMENT).read_bytes()))
    except (OSError, ValueError):
        return {}


def describe_run(command: str, configuration: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what every record of a run says of machine, suite, command line and description."""
    commit, dirty = _commit()
    return {
        "machine": machine(),
        "suite": bench.__version__,
        "commit": commit,
        "dirty": dirty,
        "command": command,
        **({"configuration": configuration} if configuration else {}),
    }


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Return processor, cores, memory, accelerators and system; nothing that names the owner.

    ``accelerators`` has of each its name, its memory and its driver; it is left out where
    there is none.
    """
    found = accelerators()
    return {
        "system": f"{platform.system()} {_major_minor(platform.release())}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": psutil.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
        **({"accelerators": found} if found else {}),
    }


def accelerators() -> list[str]:
    """Return of each NVIDIA GPU its name, memory and driver; others are not known here."""
    words = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    if shutil.which(words[0]) is None:
        return []
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [_gpu(line) for line in told.stdout.splitlines() if line.strip()]


def _gpu(line: str) -> str:
    name, memory, driver, *_ = [*(part.strip() for part in line.split(",")), "?", "?"]
    return f"{name}, {memory}, driver {driver}"


def load() -> float | None:
    """Return the machine's load average over the last minute, where it is known."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _major_minor(release: str) -> str:
    return ".".join(release.split(".")[:2])


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the current folder's repository and whether it has changes."""
    try:
        commit = git("rev-parse", "--short=12", "HEAD", timeout=10)
        status = git("status", "--porcelain", "--untracked-files=no", timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None, None
    if commit.returncode != 0 or status.returncode != 0:
        return None, None
    return commit.stdout.strip(), bool(status.stdout.strip())


#: What Git tells a hook of the operation in progress: for other commands it is wrong. With the
#: index of a commit that is being made, a checkout would end up in that commit.
_OF_A_HOOK = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_NAMESPACE",
)


def git(
    *arguments: str, folder: Path | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Git without the caller's hooks, index or locks, also from within a hook.

    Args:
        arguments: What follows ``git`` on a command line.
        folder: Where it runs; by default the current folder.
        timeout: Seconds that it may take.

    Raises:
        OSError: There is no Git.
        subprocess.TimeoutExpired: It took longer.
    """
    words = ["git", "--no-optional-locks", "-c", f"core.hooksPath={os.devnull}", *arguments]
    environment = {name: v for name, v in os.environ.items() if name not in _OF_A_HOOK}
    # An interrupt at the terminal is for the run, which then has Git tidy up.
    return subprocess.run(
        words,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        start_new_session=True,
    )


# Which CPUs a trial gets when several run at once, and how it is kept to them

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


# What one trial may take before it is ended: time and memory, and their defaults

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
