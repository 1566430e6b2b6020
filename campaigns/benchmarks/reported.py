"""One command in a fresh process, as a user waits for it: above all ``report``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Reported:
    """What a command took, and its text.

    ``seconds`` are of the clock, ``busy`` those of the processor, which other work on the
    machine lengthens less; ``gibibytes`` is the peak of the process's memory.
    """

    seconds: float
    busy: float
    gibibytes: float
    text: str

    @property
    def board(self) -> list[str]:
        """The rows of the leaderboards, without those of the costs."""
        parts = (part.split("### Cost")[0] for part in self.text.split("\n## ")[1:])
        return [row for part in parts for row in part.splitlines() if row.startswith("| ")]


def report(folder: Path) -> Reported:
    """Render the leaderboard of a results folder as markdown.

    Raises:
        SystemExit: It could not be rendered, so that there is nothing to measure.
    """
    words = [sys.executable, "-m", "bench", "report", "--format", "md", "--results", str(folder)]
    return measured(words)


def measured(words: Sequence[str]) -> Reported:
    """Run a command and return what it took.

    Raises:
        SystemExit: It failed, so that there is nothing to measure.
    """
    started, before = time.perf_counter(), _children()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    peaks = [0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peaks))
    watch.start()
    printed, _ = process.communicate()
    seconds = time.perf_counter() - started
    watch.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with status {process.returncode}")
    return Reported(seconds, _children() - before, max(peaks) / 2**30, printed)


def _children() -> float:
    """Return the processor's seconds of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def _watch(process: psutil.Process, peaks: list[int]) -> None:
    while process.is_running():
        try:
            peaks.append(process.memory_info().rss)
        except psutil.Error:
            return
        time.sleep(0.01)
