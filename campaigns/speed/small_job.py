"""A small job beside a peer: from the command to the table, here and in benchopt.

Three models of the weather task (naive, dense, GRU) under the smoke schedule, on the same windows
and with the same steps. benchopt trains them one after the other in its own process and writes
its results and a page; the suite gives each a process of its own, and its table has intervals.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.errors import BenchError

from .comparisons import Schedule, comparisons
from .plain_jena import Series
from .sides import seconds_of
from .specification import Specification
from .tables import spread

PLUGINS = ("jena_naive", "jena_dense", "jena_gru")
#: How long the suite may take, in times of the peer.
MOST = 1.0
_PEER = Path(__file__).parent / "peer"


@dataclass(frozen=True)
class Took:
    """What a command took, in seconds: on the clock, and of the processors in all processes."""

    wall: float
    processor: float


def measure(rounds: int, say: Callable[[str], None]) -> list[tuple[Took, Took]]:
    """Return what peer and suite took in each round; which is first alternates.

    Raises:
        BenchError: benchopt is not installed, or a side failed.
    """
    if find_spec("benchopt") is None:
        raise BenchError(
            "benchopt is not installed; `pip install 'benchopt>=1.10'` brings it into this "
            "environment, and `tox -e speed -- small-job` has it"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [_peer_words(folder, say), _suite_words(folder)]
        for each in words:
            took(each)  # What is compiled to bytecode once, is no one's.
        found = []
        for number in range(rounds):
            first = number % 2
            pair = {side: took(words[side]) for side in (first, 1 - first)}
            found.append((pair[0], pair[1]))
            say(f"round {number + 1}/{rounds}: peer {pair[0].wall:.1f} s, suite {pair[1].wall:.1f}")
    return found


def took(words: Sequence[str]) -> Took:
    """Run Python with these words, and say what that took.

    Raises:
        SideFailed: It ended with another status than 0.
    """
    before = os.times()
    wall = seconds_of(words)
    after = os.times()
    user = after.children_user - before.children_user
    return Took(wall, user + after.children_system - before.children_system)


def report(found: Sequence[tuple[Took, Took]], say: Callable[[str], None]) -> bool:
    """Tell what was measured; return whether the suite took no longer than it may."""
    say(f"\nnaive, dense and GRU, smoke schedule, {len(found)} interleaved rounds, seconds:\n")
    for what, of in (("on the clock", _wall), ("of the processors", _processor)):
        peer, suite = ([of(pair[side]) for pair in found] for side in (0, 1))
        ratios = [of(ours) / of(theirs) for theirs, ours in found]
        say(
            f"{what}: benchopt {spread(peer, 1)}, suite {spread(suite, 1)}, "
            f"suite / benchopt {spread(ratios, 2)}"
        )
    held = median(_wall(ours) / _wall(theirs) for theirs, ours in found) <= MOST
    say(f"at most {MOST:g} times benchopt's time: {'met' if held else 'NOT met'}")
    return held


def _wall(one: Took) -> float:
    return one.wall


def _processor(one: Took) -> float:
    return one.processor


def _suite_words(folder: Path) -> list[str]:
    results = ["--results", str(folder / "results"), "--reuse", "never"]
    return ["-m", "bench", "run", *PLUGINS, "--profile", "smoke", "--source", "synthetic", *results]


def _peer_words(folder: Path, say: Callable[[str], None]) -> list[str]:
    """Copy the peer's benchmark, which writes beside itself, and tell it what is to be done."""
    benchmark, file = folder / "peer", folder / "specification.json"
    shutil.copytree(_PEER, benchmark)
    schedule = Schedule("smoke", source="synthetic")
    compared = comparisons(PLUGINS, schedule, folder, say)
    told = specification([one.specification for one in compared if one.specification], folder)
    file.write_text(json.dumps(told), encoding="utf-8")
    options = ["-d", f"jena[specification={file}]", "--no-cache", "--no-display"]
    return [
        "-m",
        "benchopt",
        "run",
        str(benchmark),
        "-l",
        "-j",
        "1",
        "-n",
        "1",
        "-r",
        "1",
        *options,
    ]


def specification(compared: Sequence[Specification], folder: Path) -> dict[str, Any]:
    """Return what the peer has to know: windows, schedule, and the plugins with their options.

    The series lies in the folder as one array, standardised and float32, as the suite has it.
    """
    trained = compared[-1]
    series, work = trained.data, trained.work
    assert isinstance(series, Series)
    table = series.read().astype("float32")
    np.save(folder / "series.npy", table)
    return {
        "file": str(folder / "series.npy"),
        "window": {name: getattr(series, name) for name in ("lookback", "step", "delay", "target")},
        "limits": series.limits(len(table)),
        "examples": {
            "train": work.steps * trained.batch_size,
            "validation": _SCORED,
            "test": _SCORED,
        },
        "optimizer": trained.optimizer["class_name"],
        "batch_size": trained.batch_size,
        "plugins": {
            Path(one.plugin).stem: {
                "path": one.plugin,
                "options": one.options,
                "facts": one.facts,
                "epochs": one.work.epochs,
            }
            for one in compared
        },
    }


#: Examples of each split that the smoke profile scores.
_SCORED = 500
