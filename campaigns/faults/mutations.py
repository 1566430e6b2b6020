"""Spoilt records, baselines, predictions and CSV files, and what reads them.

Each is read, or refused with one line; it costs neither a traceback nor much time, and what
lies beside it is read and shown as before.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import numpy as np

from bench.cli import main
from bench.data.survey import verify_files
from bench.errors import BenchError
from bench.gate import baseline
from bench.records.predictions import Predictions, load
from bench.records.store import Store
from bench.registry.tasks import discover_tasks

from .mutate import spoilt_arrays, spoilt_bytes, spoilt_document, spoilt_lines, spoilt_record
from .tally import table_of
from .world import weather

#: The examples of every schema, and a small world of records: read, never written.
_TESTS = Path(__file__).parents[2] / "tests"
_RECORDS = sorted((_TESTS / "records").glob("v*/*.json"))
_INNOCENT = _TESTS / "golden" / "results" / "jena" / "jena_gru"
_BASELINES = _TESTS / "golden" / "before-and-after"
_HOURS = 1200
#: Spoilt records that lie beside the innocent ones at once, and seconds that reading may take.
_BATCH = 20
_LIMIT = 20.0

#: Of how many spoilt files each kind has its share.
_SHARES = {"records": 0.4, "predictions": 0.2, "baselines": 0.2, "CSV files": 0.2}


class _Hang(BaseException):
    """It took too long."""


@dataclass
class Found:
    """How many files of each kind were read or refused; ``faults`` says what must not be."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    commands: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0


def strike_readers(folder: Path, count: int, seed: int, found: Found) -> Iterator[str]:
    """Spoil so many files and have them read; yield a line now and then.

    Args:
        folder: Where the files are; it is there, and those that made a fault stay in it.
        count: How many files of all kinds are spoilt.
        seed: Decides what is spoilt, and how.
        found: What is seen is added to it.
    """
    started = time.monotonic()
    kinds = {
        "records": _records,
        "predictions": _predictions,
        "baselines": _baselines,
        "CSV files": _csv_files,
    }
    for kind, strike in kinds.items():
        share, random = round(count * _SHARES[kind]), Random(f"{seed} {kind}")
        own = folder / kind.split(" ")[0]
        own.mkdir(parents=True)
        for done in strike(own, share, random, found):
            yield f"{kind}: {done} of {share}, {len(found.faults)} faults"
    found.seconds = time.monotonic() - started


def _records(folder: Path, count: int, random: Random, found: Found) -> Iterator[int]:
    originals = [path.read_bytes() for path in _RECORDS]
    innocent = sorted(path.name for path in _INNOCENT.glob("*.json"))
    predictions = _arrays()
    for first in range(0, count, _BATCH):
        results = folder / f"{first:05}"
        shutil.copytree(_INNOCENT, results / "jena" / "jena_gru")
        # Where predictions of the examples would lie: of the first schema, that has no digest.
        spoilt = results / "jena" / "jena_dense"
        spoilt.mkdir()
        for number in range(first, min(count, first + _BATCH)):
            content = spoilt_record(random.choice(originals), random)
            (spoilt / f"{number:05}.json").write_bytes(content)
        (spoilt / "20261121T025748.680298Z-5d6115bd8371.npz").write_bytes(
            spoilt_arrays(predictions, random)
        )
        before = len(found.faults)
        contents = _watched(found, str(results), lambda at=results: Store(at).read())
        if contents is not None:
            refused = len(contents.unreadable)
            found.counts["records", "refused"] += refused
            found.counts["records", "read"] += min(_BATCH, count - first) - refused
            kept = [r for r in contents.records if r.trial.plugin == "jena_gru"]
            if len(kept) < len(innocent):
                found.faults.append(f"{results}: {len(innocent) - len(kept)} records are lost")
            _commands(results, len(innocent), found)
        if len(found.faults) == before:
            shutil.rmtree(results)
        yield min(count, first + _BATCH)


def _commands(results: Path, innocent: int, found: Found) -> None:
    """Have every command that reads records read a folder, and look for the innocent ones."""
    kept, at = results.parent / "kept.json", ["--results", str(results)]
    for form in ("json", "html"):
        shown = _command(["report", *at, "--format", form], {0}, found)
        if "jena_gru" not in shown:
            found.faults.append(f"{results}: report --format {form} does not show jena_gru")
    shown = _command(["show", "jena_gru", *at, "--json"], {0}, found)
    if shown and len(json.loads(shown)) < innocent:
        found.faults.append(f"{results}: show does not show every record")
    _command(["show", "jena_dense", *at], {0}, found)
    words = ["jena_gru", *at, "--profile", "full", "--output", str(kept)]
    shown = _command(["baseline", *words], {0}, found)
    _command(["check", *at, "--baseline", str(kept)], {0, 1, 3, 5}, found)


def _predictions(folder: Path, count: int, random: Random, found: Found) -> Iterator[int]:
    original, path = _arrays(), folder / "spoilt.npz"
    for number in range(count):
        path.write_bytes(spoilt_arrays(original, random))

        def read() -> None:
            load(folder, Predictions(path.name, None, None))

        _count("predictions", path, number, read, found)
        if number % 100 == 99:
            yield number + 1


def _baselines(folder: Path, count: int, random: Random, found: Found) -> Iterator[int]:
    original, path = (_BASELINES / "before.json").read_bytes(), folder / "spoilt.json"
    candidate = str(_BASELINES / "after.json")
    for number in range(count):
        way = random.choice((spoilt_bytes, spoilt_document, spoilt_document))
        path.write_bytes(way(original, random))
        read = _count("baselines", path, number, lambda: baseline.read(path), found)
        statuses = {0, 1, 3, 5} if read else {2}
        words = ["check", "--baseline", str(path), "--candidate", candidate]
        if read or number % 10 == 0:
            _command(words, statuses, found)
        if number % 100 == 99:
            yield number + 1


def _csv_files(folder: Path, count: int, random: Random, found: Found) -> Iterator[int]:
    original, path = weather(_HOURS).encode(), folder / "spoilt.csv"
    jena = discover_tasks()["jena"]

    def read() -> None:
        if (finding := verify_files(jena, [path])).damaged:
            raise BenchError(finding.message)

    for number in range(count):
        path.write_bytes(spoilt_lines(original, random))
        readable = _count("CSV files", path, number, read, found)
        if number % 20 == 0:
            words = ["data", "verify", f"jena={path}"]
            _command(words, {0} if readable else {1}, found)
        if number % 100 == 99:
            yield number + 1


def _count(kind: str, path: Path, number: int, read: Callable[[], Any], found: Found) -> bool:
    """Read a file and count how it went; keep a copy of one that made a fault."""
    before, refusals = len(found.faults), found.counts[kind, "refused"]

    def counted() -> None:
        try:
            read()
        except BenchError as error:
            found.counts[kind, "refused"] += 1
            if "\n" in str(error):
                found.faults.append(f"{kind} {number}: more than one line: {error}")
        else:
            found.counts[kind, "read"] += 1

    _watched(found, f"{kind} {number}", counted)
    if len(found.faults) > before:
        shutil.copy(path, path.with_name(f"{number:05}{path.suffix}"))
    return len(found.faults) == before and found.counts[kind, "refused"] == refusals


def _command(words: list[str], statuses: set[int], found: Found) -> str:
    """Run a command in this process; return what it printed, "" if it made a fault."""
    found.commands += 1
    out, err = io.StringIO(), io.StringIO()

    def run() -> int:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(["--debug", *words])
            except SystemExit as ended:
                return int(ended.code or 0)
        raise AssertionError("a command that does not exit")

    status = _watched(found, " ".join(words), run)
    # Of an expected error --debug shows the traceback too: the status tells that it is none.
    if status is not None and status not in statuses:
        said = err.getvalue()[-1000:]
        found.faults.append(f"{' '.join(words)}: exit status {status}: {said}")
    return out.getvalue() if status in statuses else ""


def _watched(found: Found, what: str, work: Callable[[], Any]) -> Any:
    """Do some work; an exception, a warning or too long a time is a fault, and gives None."""
    before = signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT)
    started = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return work()
    except _Hang:
        found.faults.append(f"{what}: takes more than {_LIMIT:g} s")
    except Exception:
        found.faults.append(f"{what}: {traceback.format_exc()}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        found.slowest = max(found.slowest, time.monotonic() - started)
    return None


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _Hang


def _arrays() -> bytes:
    made = io.BytesIO()
    lists = {name: np.linspace(0, 1, 9, dtype="float32") for name in ("predictions", "targets")}
    np.savez_compressed(made, groups=np.arange(9), **lists)
    return made.getvalue()


def to_markdown(found: Found) -> str:
    """Write how many files of each kind were read and refused, and what else was counted."""
    rows = [[kind, *(found.counts[kind, how] for how in ("read", "refused"))] for kind in _SHARES]
    rows.append(["all", *(sum(row[place] for row in rows) for place in (1, 2))])
    figures = [
        ["commands on them", found.commands],
        ["faults", len(found.faults)],
        ["slowest, in seconds", round(found.slowest, 1)],
        ["minutes", round(found.seconds / 60, 1)],
    ]
    files = table_of(["spoilt", "read", "refused", "all"], [[*row, sum(row[1:])] for row in rows])
    return f"{files}\n\n{table_of(['what', 'figure'], figures)}\n"


def run(folder: Path, count: int, seed: int, say: Callable[[str], None]) -> int:
    """Strike the readers, print the table and every fault; return how many faults there were."""
    found = Found()
    for line in strike_readers(folder, count, seed, found):
        say(line)
    print(to_markdown(found), end="", flush=True)
    for fault in found.faults:
        print(f"fault: {fault}", file=sys.stderr)
    return len(found.faults)
