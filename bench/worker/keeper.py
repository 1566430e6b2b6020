"""The process between a run and a trial: it starts the trial and leaves nothing of it behind.

The keeper takes a job from its standard input, forks the trial, and waits. Whatever the
trial starts, in whatever group or session it hides, becomes a child of the keeper once
its own parent is gone (Linux: a child subreaper, see prctl(2)), and is killed when the
trial has ended. A line on standard input asks the keeper to stop the trial; the end of
standard input means that the run is gone, and the trial is killed at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable

import psutil

from bench.protocol import GRACE, WorkerExited, encode

assert sys.platform != "win32", "Windows cannot fork: its trials have no keeper"

_LARGEST_READ = 1 << 16
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def keep(work: Callable[[str], None]) -> None:
    """Run one job under guard: ``work`` gets its line in a process of its own.

    The trial's messages go to standard output, what it prints to standard error; the
    keeper's own last word there is ``Ended`` with the trial's exit status.
    """
    line = _first_line()
    if not line:
        return
    adopt_orphans()
    woken = wake_on_children()
    scratch = tempfile.mkdtemp(prefix="bench-trial-")
    keeper = os.getpid()
    trial = os.fork()
    if trial == 0:
        _become_trial(keeper, scratch)
        work(line)
        os._exit(0)
    status = _wait_for(trial, woken)
    _end_descendants(trial)
    shutil.rmtree(scratch, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(1, encode(WorkerExited(os.waitstatus_to_exitcode(status))).encode())


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, where the system can do that."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Have the system kill this process when its parent ends, where it can do that."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wake_on_children() -> int:
    """Return a file descriptor that becomes readable whenever a child process ends."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def forget_signals() -> None:
    """Give a forked child the signal handling of a fresh Python process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _first_line() -> str:
    parts = []
    while chunk := os.read(0, _LARGEST_READ):
        parts.append(chunk)
        if b"\n" in chunk:
            break
    return b"".join(parts).decode()


def _become_trial(keeper: int, scratch: str) -> None:
    os.setsid()
    end_with_parent()
    if os.getppid() != keeper:
        os._exit(1)  # The keeper was gone before the line above could bind its end to ours.
    forget_signals()
    # Should memory run out after all, the system is to take the trial and not the run.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(scratch)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch


def _wait_for(trial: int, woken: int) -> int:
    """Return the wait status of the ended trial, having stopped it if asked to."""
    kill_at: float | None = None
    listening = [0, woken]
    while (status := _reaped(trial)) is None:
        wait = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(listening, [], [], wait)
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, _LARGEST_READ)
        if 0 in ready:
            if os.read(0, _LARGEST_READ):
                _signal(trial, signal.SIGTERM)
                kill_at = time.monotonic() + GRACE
            else:
                listening.remove(0)
                kill_at = time.monotonic()
        if kill_at is not None and time.monotonic() >= kill_at:
            _signal(trial, signal.SIGKILL)
            kill_at = None
    return status


def _reaped(trial: int) -> int | None:
    """Reap what has ended; return the trial's wait status once it has."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == trial:
            return status
        if pid == 0:
            return None


def _end_descendants(trial: int) -> None:
    """Kill what the trial left behind until nothing is left, new children included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(trial, signal.SIGKILL)
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            for left in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    left.kill()
            time.sleep(0.005)


def _signal(trial: int, number: int) -> None:
    """Signal the trial's group; it may not lead one yet, then the trial alone."""
    try:
        os.killpg(trial, number)
    except (ProcessLookupError, PermissionError):
        with contextlib.suppress(ProcessLookupError):
            os.kill(trial, number)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
