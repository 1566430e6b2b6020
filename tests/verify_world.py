"""Trials that are trained again, in no time and as far off as a test wants."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import call
from run_world import an_outcome

from bench.protocol import Job, Outcome
from bench.records.record import Record
from bench.records.store import Store

NUMBERS = np.linspace(-1, 1, 40)


def packed(predictions: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, predictions=predictions)
    return buffer.getvalue()


@dataclass
class Workshop:
    """Trains in no time: predictions by plugin, each plugin's outcomes in the order given."""

    noise: dict[str, float] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    before: Callable[[Job, int], None] = lambda job, time: None
    times: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __call__(self, job: Job) -> Outcome:
        trial = job.trial
        self.times[trial.plugin, trial.seed] += 1
        time = self.times[trial.plugin, trial.seed]
        self.before(job, time)
        left = self.outcomes.get(trial.plugin, [])
        outcome = left.pop(0) if left else an_outcome()
        predictions = NUMBERS + self.noise.get(trial.plugin, 0.0) * time
        Path(job.predictions).write_bytes(packed(predictions))
        here = {"threads": 2, "start": "spawn" if time == 1 else "fork"}
        return replace(outcome, environment=here)


@dataclass
class Place:
    """A folder of plugins and results; ``run`` is the command line, with a workshop for workers."""

    folder: Path
    weather: Path
    workshop: Workshop
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def run(self, *words: str) -> int:
        data = ["--task", "jena", "--plugins", "my-plugins", "--data", f"jena={self.weather}"]
        return self.bench("run", *words, *data)

    def bench(self, *words: str) -> int:
        status, self.out, self.err = call(self.capsys, *words)
        return status

    @property
    def records(self) -> list[Record]:
        contents = Store(self.folder / "reports").read()
        assert contents.unreadable == ()
        return [*contents.records]

    @property
    def verdicts(self) -> dict[str, Any]:
        """What each plugin's repeats gave; None for one without a verdict."""
        return {r.trial.plugin: r.repeat["verdict"] for r in self.records if r.repeat}
