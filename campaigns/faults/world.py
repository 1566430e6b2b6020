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

TASK = ["jena", "faults_town"]
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

TASK = ["jena", "faults_town"]
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
_TOWN = '''"""The load of a town a day ahead: a task of one's own, of the kind series."""

KIND = "series"
DATA = {
    "file": "faults_town.csv",
    "time": "Date Time",
    "targets": ["T (degC)"],
    "interval": "1h",
    "lookback": 48,
    "delay": 24,
}
'''


@dataclass(frozen=True)
class Struck:
    """What a campaign's runs are of: a task, its file of data, plugins, and a task file if any."""

    task: str
    file: str
    names: tuple[str, ...]
    source: str = ""


JENA = Struck("jena", "weather.csv", ("jena_naive", "jena_dense", *_PLUGINS))
#: A task of one's own: found in a folder, and found again by each worker.
TOWN = Struck("faults_town", "faults_town.csv", ("series_naive", "series_dense", *_PLUGINS), _TOWN)


@dataclass(frozen=True)
class World:
    """A campaign's folder, and what is run in it: plugins of a task, and how many seeds."""

    folder: Path
    names: tuple[str, ...] = JENA.names
    seeds: int = 2
    mark: str = field(default_factory=lambda: f"campaign-{os.getpid()}")
    struck: Struck = JENA

    def make(self) -> None:
        """Write the data, the task and the plugins."""
        for name in ("plugins", "datasets", "tmp", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, source in _PLUGINS.items():
            (self.folder / "plugins" / f"{name}.py").write_text(source, encoding="utf-8")
        # That of the other task is there, too: the plugins are for both.
        (self.folder / "datasets" / f"{TOWN.task}.py").write_text(TOWN.source, encoding="utf-8")
        (self.folder / self.struck.file).write_text(weather(), encoding="utf-8")

    def start(self, results: Path, *more: object) -> Run:
        """Start a run of all trials into a results folder, with more words."""
        words: list[object] = [*self.names, "--task", self.struck.task]
        words += ["--plugins", self.folder / "plugins", "--datasets", self.folder / "datasets"]
        return self.run(results, *words, "--seeds", ",".join(map(str, range(self.seeds))), *more)

    def run(self, results: Path, *words: object) -> Run:
        """Start a run of the profile smoke on this world's data."""
        data = f"{self.struck.task}={self.folder / self.struck.file}"
        of_all = ("--profile", "smoke", "--data", data)
        return self._bench(["run", *words, *of_all, "--results", results], results)

    def report(self, results: Path) -> Run:
        """Start a report on a results folder."""
        folder = self.folder / "datasets"
        return self._bench(["report", "--results", results, "--datasets", folder], results)

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
