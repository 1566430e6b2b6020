"""``python -m campaigns.ways``: one table by a run here, through workers, and in shards.

Plugins are trained with the smoke profile on synthetic data: by one run, through a scheduler with
three workers on this machine, and in shards that are merged. Trials have to give the same bits each
time, and the leaderboards the same text but for what is of times and memory.
What is other through workers is trained here once more with as many trials at once: where that
gives what the workers gave, the number of threads made the difference, and the plugin is named.

Exit status: 0 all of that held, 1 something did not, and standard error says what.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from campaigns.cluster import WORKERS, dask_here
from campaigns.faults.outcomes import Outcomes, differences, read_outcomes
from campaigns.faults.tally import table_of

#: Columns of a leaderboard in CSV that are of times or memory, or say of how many times they are.
_OF_COST = re.compile("second|bytes|_trials|contended|reached|frontier|to_.*_seeds")


@dataclass(frozen=True)
class Way:
    """A results folder that was made in one way, and what a report says of it."""

    name: str
    folder: Path
    seconds: float

    @property
    def outcomes(self) -> Outcomes:
        """What trials have given, with digests of their predictions."""
        return read_outcomes(self.folder)

    @property
    def board(self) -> list[str]:
        """The leaderboard without what is of times, a line for each row."""
        return untimed(_bench("report", "--format", "csv", "--results", self.folder).stdout)


def untimed(board: str) -> list[str]:
    """Return the lines of a leaderboard in CSV without the columns of times and memory."""
    heads, *rows = csv.reader(io.StringIO(board))
    kept = [place for place, head in enumerate(heads) if not _OF_COST.search(head)]
    return [",".join(row[place] for place in kept) for row in (heads, *rows)]


def main() -> int:
    """Make the table in each way, and compare."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.ways", description=__doc__)
    parser.add_argument("names", nargs="*", help="plugins; all if there is none")
    parser.add_argument("--shards", type=int, default=8, help="into how many parts")
    parser.add_argument("--only", choices=("workers", "shards"), help="the one way to compare")
    parser.add_argument("--source", default="synthetic", help="as of a run")
    parser.add_argument("--folder", type=Path, help="where to work; what is there is reused")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bench-ways-"))
    asked = [*(options.names or ["--all"]), "--profile", "smoke", "--source", options.source]
    ways, wrong, by_threads = [_run("here", folder, asked)], [], ["not looked at"]
    if options.only != "shards":
        ways.append(_through_workers(folder, asked))
        wrong, by_threads = _compared(ways[0], ways[1], folder, asked)
    if options.only != "workers":
        ways.append(_in_shards(folder, asked, options.shards))
        wrong += _of_shards(ways[0], ways[-1])
    rows: list[list[object]] = [
        [f"{way.name}: trials that are ok", len(way.outcomes.results)] for way in ways
    ]
    rows += [[f"{way.name}: seconds", round(way.seconds)] for way in ways]
    rows += [["other with other numbers of threads", ", ".join(by_threads) or "none"]]
    rows += [["lines of the leaderboard", len(ways[0].board)], ["wrong", len(wrong)]]
    print(table_of(["what", "figure"], rows))
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    return 1 if wrong else 0


def _bench(*words: object) -> subprocess.CompletedProcess[str]:
    """Do a command of the suite.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, "-m", "bench", *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1):  # 1: a trial failed, which is compared too.
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done


def _run(name: str, folder: Path, asked: Iterable[object], *more: object) -> Way:
    started = time.monotonic()
    _bench("run", *asked, *more, "--results", folder / name)
    way = Way(name, folder / name, time.monotonic() - started)
    print(f"{name}: {way.seconds:.0f} s", file=sys.stderr, flush=True)
    return way


def _through_workers(folder: Path, asked: Sequence[object]) -> Way:
    with dask_here() as dask:
        on = ("--on", f"dask://127.0.0.1:{dask.port}", "--jobs", WORKERS)
        return _run(f"through {WORKERS} workers", folder, asked, *on)


def _in_shards(folder: Path, asked: Sequence[object], number: int) -> Way:
    parts = [
        _run(f"shard {part} of {number}", folder, asked, "--shard", f"{part}/{number}")
        for part in range(1, number + 1)
    ]
    merged, made = folder / "merged", [part.folder for part in parts if part.folder.exists()]
    _bench("merge", *made, "--into", merged)
    return Way(f"in {number} shards", merged, sum(part.seconds for part in parts))


def _of_shards(whole: Way, merged: Way) -> list[str]:
    """Say in what the shards, merged, differ from one run."""
    lines = unified_diff(whole.board, merged.board, lineterm="", n=0)
    return [
        *(f"in shards: {line}" for line in _other(whole.outcomes, merged.outcomes)),
        *(f"leaderboard in shards: {line}" for line in lines),
    ]


def _other(expected: Outcomes, found: Outcomes) -> list[str]:
    """Say in what two ways differ; what was skipped in both is no difference."""
    in_both = differences(expected, expected)
    return [line for line in differences(expected, found) if line not in in_both]


def _compared(
    whole: Way, there: Way, folder: Path, asked: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Compare what workers gave; return what is wrong, and what other threads have changed."""
    expected, found = whole.outcomes, there.outcomes
    lines = _other(expected, found)
    names = {line.split(": ", 1)[1].split()[0] for line in lines if line.startswith("other ")}
    if not names:
        return [f"through workers: {line}" for line in lines], []
    options = asked[next(n for n, word in enumerate(asked) if word == "--profile") :]
    again = _run("several at once", folder, [*sorted(names), *options], "--jobs", WORKERS)
    same = {n: r for n, r in again.outcomes.results.items() if found.results.get(n) == r}
    by_threads = {name.split()[0] for name in same}
    wrong = [
        f"through workers: {line}"
        for line in lines
        if line.split(": ", 1)[1].split()[0] not in by_threads
    ]
    return wrong, sorted(by_threads)


if __name__ == "__main__":
    sys.exit(main())
