"""What a run can say of where it happens, without importing Keras."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import psutil

import bench


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


def describe_run(command: str) -> dict[str, Any]:
    """Return what every record of a run says of machine, suite and command line."""
    commit, dirty = _commit()
    return {
        "machine": machine(),
        "suite": bench.__version__,
        "commit": commit,
        "dirty": dirty,
        "command": command,
    }


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Return processor, cores, memory and system; nothing that names the owner."""
    return {
        "system": f"{platform.system()} {_major_minor(platform.release())}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": psutil.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
    }


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
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
