"""What does a command take in a folder of many records, read through the index and read whole?"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from bench.records.layout import INDEX
from campaigns.benchmarks.reported import Reported, measured
from campaigns.benchmarks.scale import Shape, fill

#: Records of a store; the environment may name others, as "1000,10000".
SIZES = (1_000, 10_000, 100_000)
SIZES_VARIABLE = "BENCH_BENCHMARK_RECORDS"
#: At 100,000 records: seconds and GiB of a report, seconds of the first that makes the index,
#: of ``show``, and of a run beyond what it takes in an empty folder.
REPORT, GIBIBYTES, REBUILT, SHOWN, RUN = 8.0, 1.0, 60.0, 1.0, 1.5
#: The command line without an index, and with a run's tables and leaderboard whole.
_WHOLE = """
import sys
from bench.cli import main, run
from bench.records import store
from bench.runs import recorder
store.FEW = recorder.MOST_PUBLISHED = run.MOST_ROWS = sys.maxsize
main(sys.argv[1:])
"""
_RUN = ("run", "jena_naive", "--profile", "smoke", "--source", "synthetic", "--reuse", "always")


@dataclass(frozen=True)
class Compared:
    """One command in a store: ``before`` reads all of it, ``after`` goes through the index.

    ``most`` are the seconds that it may take at 100,000 records.
    """

    command: str
    before: Reported
    after: Reported
    most: float

    @property
    def holds(self) -> bool:
        """Whether it is within what it may take."""
        return self.after.seconds <= self.most and self.after.gibibytes <= GIBIBYTES


def measure(rounds: int) -> bool:
    """Print what each command takes at each size; say whether the bounds hold."""
    asked = os.environ.get(SIZES_VARIABLE)
    sizes = [int(size) for size in asked.split(",")] if asked else SIZES
    print("Each once, side by side; seconds, those of the processor, GiB, lines\n")
    held = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "results"
            fill(store, Shape(max(1, size // 20), 5))
            held += [each.holds for each in told(store, size)]
    return all(held)


def told(store: Path, size: int) -> list[Compared]:
    """Measure the commands in a store and print a table of them."""
    found = [*compared(store)]
    rows = [
        [
            f"{size:,}",
            each.command,
            *_figures(each.before),
            *_figures(each.after),
            f"{each.most:.1f}",
        ]
        for each in found
    ]
    sides = [f"{what}, {side}" for side in ("all", "index") for what in ("s", "CPU", "GiB", "rows")]
    print(
        tabulate(rows, ["records", "command", *sides, "at most"], "github", disable_numparse=True)
    )
    print(flush=True)
    return found


def _figures(side: Reported) -> list[str]:
    lines = side.text.count("\n")
    return [f"{side.seconds:.2f}", f"{side.busy:.2f}", f"{side.gibibytes:.2f}", f"{lines:,}"]


def compared(store: Path) -> Iterator[Compared]:
    """Yield what each command takes in a store; its text must be the same on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "results"
        _command(empty, _RUN)  # Trains, and makes the data; what follows reuses its record.
        shutil.copytree(empty / "jena", store / "jena", dirs_exist_ok=True)
        alone = _command(empty, _RUN)
    report = ("report", "--format", "md")
    before, rebuilt, warm = _whole(store, report), _command(store, report), _command(store, report)
    if not before.text == rebuilt.text == warm.text:
        raise SystemExit("the index changes the report")
    yield Compared("report, which makes the index", before, rebuilt, REBUILT)
    yield Compared("report", before, warm, REPORT)
    name = next((store / "jena").iterdir()).name
    before, after = _whole(store, ("show", name)), _command(store, ("show", name))
    if before.text != after.text:
        raise SystemExit("the index changes what is shown")
    yield Compared("show", before, after, SHOWN)
    before, after = _whole(store, _RUN), _command(store, _RUN)
    yield Compared("run of one trial, reused", before, after, alone.seconds + RUN)


def _command(store: Path, words: Sequence[str]) -> Reported:
    return measured([sys.executable, "-m", "bench", *words, "--results", str(store)])


def _whole(store: Path, words: Sequence[str]) -> Reported:
    """Do it as if there were no index, which lies elsewhere meanwhile."""
    index, elsewhere = store / INDEX, store.parent / f"elsewhere{INDEX}"
    if index.exists():
        index.rename(elsewhere)
    try:
        return measured([sys.executable, "-c", _WHOLE, *words, "--results", str(store)])
    finally:
        if elsewhere.exists():
            elsewhere.rename(index)
