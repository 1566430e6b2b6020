"""A small world to strike: synthetic data, tiny plugins, and runs started as a user starts them."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psutil

#: Every process of a campaign carries this in its environment.
MARK = "BENCH_FAULTS"

_HOURS = 3000
_SCHEDULE = '"lookback": "2d", "epochs": 2, "steps_per_epoch": 3, "batch_size": 32'
_PLUGINS = {
    "faults_dropout": f'''"""Dense with dropout: two epochs, and random numbers in each step."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {{{_SCHEDULE}}}


def build(task):
    return Sequential([
        task.inputs(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(1),
    ])
''',
    "faults_mean": '''"""The mean of the training targets, whatever the window."""

import numpy as np

TASK = "jena"
HYPERPARAMETERS = {"lookback": "2d"}


class Mean:
    def fit(self, inputs, targets):
        self.mean_ = np.mean(targets, keepdims=True)

    def predict(self, inputs):
        return np.repeat(self.mean_, len(inputs))


def build(task):
    return Mean()
''',
}


@dataclass(frozen=True)
class World:
    """A campaign's folder; ``trials`` says what is run in it: plugins, and how many seeds."""

    folder: Path
    names: tuple[str, ...] = ("jena_naive", "jena_dense", *_PLUGINS)
    seeds: int = 2
    mark: str = field(default_factory=lambda: f"campaign-{os.getpid()}")

    def make(self) -> None:
        """Write the data and the plugins."""
        for name in ("plugins", "tmp", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, source in _PLUGINS.items():
            (self.folder / "plugins" / f"{name}.py").write_text(source, encoding="utf-8")
        (self.folder / "weather.csv").write_text(weather(), encoding="utf-8")

    def start(self, results: Path, *more: object) -> Run:
        """Start a run of all trials into a results folder, with more words."""
        words: list[object] = [
            "run",
            *self.names,
            "--task",
            "jena",
            "--plugins",
            self.folder / "plugins",
        ]
        words += ["--profile", "smoke", "--data", f"jena={self.folder / 'weather.csv'}"]
        words += ["--seeds", ",".join(map(str, range(self.seeds))), "--results", results, *more]
        return self._bench(words, results)

    def report(self, results: Path) -> Run:
        """Start a report on a results folder."""
        return self._bench(["report", "--results", results], results)

    def processes(self) -> list[psutil.Process]:
        """Return all processes that runs of this world have started and that still live."""
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get(MARK) == self.mark
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue  # It has ended, or is not ours.
        return found

    def _bench(self, words: list[object], results: Path) -> Run:
        environment = {
            **os.environ,
            MARK: self.mark,
            # Beside the results, so that the first run of a case is struck while it parses.
            "BENCH_CACHE_DIR": str(results.parent / "cache"),
            "BENCH_DATA_DIR": str(self.folder / "no-data"),
            "BENCH_OFFLINE": "1",
            "TMPDIR": str(self.folder / "tmp"),
        }
        number = len(list((self.folder / "logs").iterdir()))
        log = self.folder / "logs" / f"{number:04}.txt"
        command = [sys.executable, "-m", "bench", *map(str, words)]
        with log.open("wb") as output:
            process = psutil.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return Run(process, log)


@dataclass(frozen=True)
class Run:
    """A command in progress, and the file of what it prints."""

    process: psutil.Popen
    log: Path

    def wait(self, seconds: float = 300.0) -> int:
        """Wait for the end; return the exit status, minus the signal's number if one did it."""
        return int(self.process.wait(seconds))

    @property
    def ended(self) -> bool:
        """Whether the command is over."""
        return self.process.poll() is not None

    def printed(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def weather(hours: int = _HOURS) -> str:
    """Make some months of hourly weather in the layout of a station's file."""
    noise = random.Random(0)
    start = datetime(2020, 1, 1)
    lines = ['"Date Time","p (mbar)","T (degC)","rh (%)"']
    system = 0.0
    for hour in range(hours):
        system = 0.99 * system + noise.gauss(0, 0.6)
        temperature = 9 + system + 4 * math.sin(2 * math.pi * hour / 24)
        when = (start + timedelta(hours=hour)).strftime("%d.%m.%Y %H:%M:%S")
        lines.append(f"{when},{1000 - system:.2f},{temperature:.2f},{70 + system:.2f}")
    return "\n".join(lines) + "\n"
