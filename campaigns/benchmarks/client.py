"""What a long run keeps in memory where it was started: its plan, and the records of all trials.

Nothing is trained: each trial ends at once with what a trial of 40 epochs tells. At the end there
is the leaderboard of all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.protocol import OK, Outcome
from campaigns.faults.tally import table_of

TRIALS = 100_000
#: GiB that the process may take.
MOST = 1.5
_CHILD = "from campaigns.benchmarks.client import simulate; simulate({trials})"


def measure(rounds: int) -> bool:
    """Measure once, print a table, and say whether the bound holds."""
    command = [sys.executable, "-c", _CHILD.format(trials=TRIALS)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    peaks: dict[str, float] = json.loads(printed)
    rows = [[f"{when}, GiB at most", f"{peak:.2f}"] for when, peak in peaks.items()]
    print(table_of([f"{TRIALS:,} trials, at most {MOST} GiB", "figure"], rows))
    return max(peaks.values()) <= MOST


def simulate(trials: int) -> None:
    """Plan trials, keep a record of each as a run does, and print the peaks of memory."""
    from bench.analysis.leaderboard import make_leaderboard
    from bench.records.packed import PackedRecords
    from bench.records.store import FEW
    from bench.runs.runner import make_record
    from campaigns.benchmarks.scale import planned_trials

    peaks = {"before": _peak()}
    plan = planned_trials(trials)
    peaks["with the plan"] = _peak()
    told, log, context = _told()
    packed, records = PackedRecords(), []
    for planned in plan:
        record: Any = make_record(planned, Outcome(**json.loads(told)), log, context)
        records.append(record if len(records) < FEW else packed.packed(record))
    peaks["with all records"] = _peak()
    make_leaderboard(records)
    peaks["with the leaderboard"] = _peak()
    print(json.dumps(peaks))


@dataclass(frozen=True)
class _Data:
    """Stands for the data of every task, and for the context of the run."""

    description: dict[str, Any]
    environment: dict[str, Any]

    @property
    def jobs(self) -> _Data:
        return self

    def data(self, task: str) -> _Data:
        return self


def _told() -> tuple[str, str, Any]:
    """Return what a worker tells of a trial, as a line, its log, and the run's context."""
    from campaigns.benchmarks.scale import Shape

    record = next(each for each in Shape(1, 5).records() if each.status == OK)
    parts = ("status", "reason", "metrics", "timing", "memory", "model", "environment")
    line = json.dumps({name: getattr(record, name) for name in parts})
    return line, record.log, _Data(dict(record.data), dict(record.environment))


def _peak() -> float:
    """Return the largest resident set of this process so far, in GiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("VmHWM:"))
