"""The one place that knows how a process and all it started are ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil

GRACE = 2.0


def end(process: subprocess.Popen[bytes], grace: float = GRACE) -> None:
    """End a process that leads its own group: ask, wait ``grace`` seconds, then kill all."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()
    # A killed process takes a moment to go; what is left then is a zombie nobody reaps.
    gone_by = time.monotonic() + grace
    while _group_exists(process) and time.monotonic() < gone_by:
        time.sleep(0.01)


def group_memory(process: subprocess.Popen[bytes]) -> int:
    """Return the resident memory of a process and its descendants, in bytes."""
    total = 0
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(process.pid)
        for member in [leader, *leader.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def _group_exists(process: subprocess.Popen[bytes]) -> bool:
    if sys.platform == "win32":
        return False
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
