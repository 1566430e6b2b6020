"""The two sides: one process each from its start to its scores, never two at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.protocol import OK
from bench.records.record import Record
from bench.records.store import Store

from .samples import Sample, steady
from .specification import Specification, Work

ROOT = Path(__file__).parents[2]
#: Steps in which kernels are still chosen and caches filled.
_WARM_UP = 5
_LONGEST_REASON = 300


class SideFailed(Exception):
    """A side has no figures: says why, on one line."""


def plain(specification: Specification) -> Sample:
    """Run the plain script and return what it took.

    Raises:
        SideFailed: It ended without scores.
    """
    with tempfile.TemporaryDirectory() as folder:
        told, outcome = Path(folder) / "specification.json", Path(folder) / "outcome.json"
        told.write_text(specification.to_json(), encoding="utf-8")
        whole = seconds_of(["-m", "campaigns.speed.plain", str(told), str(outcome)])
        clocks = json.loads(outcome.read_text(encoding="utf-8"))
    work = specification.work
    return Sample(
        work=work,
        step=steady(clocks["epochs"]) / work.steps,
        validation=1000 * steady(clocks["validations"]) / work.validated,
        end=1000 * clocks["evaluate"] / work.scored,
        whole=whole,
        peak=clocks["peak"],
        details={
            "median_step": median(clocks["steps"][_WARM_UP:] or clocks["steps"]),
            "read": clocks["read"],
            "scores": clocks["scores"],
        },
    )


def suite(name: str, options: Sequence[str], work: Work) -> Sample:
    """Have the suite run a trial as a user does and return what it took.

    Args:
        name: The plugin.
        options: What else stands on the command line of ``bench run``.
        work: What the trial does; the epochs are taken from the record.

    Raises:
        SideFailed: The trial did not end well.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "bench", "run", name, *options, "--results", folder]
        # Status 1 says that the trial failed; its record says why.
        whole = seconds_of(words, allowed=(0, 1))
        records = Store(Path(folder)).read().records
    if [record.status for record in records] != [OK]:
        told = [f"{record.status}: {record.reason}" for record in records]
        raise SideFailed("; ".join(told) or "left no record")
    return sample_of(records[0], work, whole)


def sample_of(record: Record, work: Work, whole: float) -> Sample:
    """Read a sample off the record of a trial that is ok."""
    curves, timing = record.metrics["curves"], record.timing
    epochs = curves["epoch_seconds"]
    ends = [0.0, *curves["elapsed_seconds"]]
    # What is not training of the time between two epochs' ends is validation.
    passes = [end - last - epoch for (last, end), epoch in zip(pairwise(ends), epochs, strict=True)]
    return Sample(
        work=replace(work, epochs=len(epochs)),
        step=steady(epochs) / work.steps,
        validation=1000 * steady(passes) / work.validated,
        end=timing["predict_per_1000"],
        whole=whole,
        peak=record.memory["peak_rss"],
        details={
            "total": timing["total"],
            "fit": timing["fit"],
            "compilation": record.environment.get("compilation"),
            "scores": {part: record.metrics[part] for part in ("validation", "test")},
        },
    )


def seconds_of(words: Sequence[str], allowed: Collection[int] = (0,)) -> float:
    """Run Python with these words and return the seconds until it has ended.

    Raises:
        SideFailed: It ended with a status that is not allowed.
    """
    started = time.perf_counter()
    ended = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if ended.returncode not in allowed:
        said = ended.stderr.strip().splitlines() or [f"ended with status {ended.returncode}"]
        raise SideFailed(said[-1][:_LONGEST_REASON])
    return seconds
