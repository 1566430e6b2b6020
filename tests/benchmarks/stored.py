"""How long does it take to rank 200 plugins of 10 seeds from their stored predictions?"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from bench.store import Store
from tests.builders import a_record

PLUGINS, SEEDS = 200, 10
#: As many reviews as IMDB has for validation and for the test.
SPLITS = {"validation_": 5_000, "": 25_000}
#: What the report was built to stay within: seconds, and GiB of its process.
SECONDS, GIBIBYTES = 60.0, 4.0


def measure(rounds: int) -> bool:
    """Write made records once, render their leaderboard, and say whether the bounds hold."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Store(Path(folder)))
        seconds, peak, table = _report(Path(folder))
    ranked = sum(line.split("|")[1].strip(" best–") != "" for line in table)
    print(
        f"report of {PLUGINS} plugins x {SEEDS} seeds with predictions of "
        f"{sum(SPLITS.values()):,} reviews each: {seconds:.1f} s, {peak:.2f} GiB, {ranked} ranked"
    )
    return seconds <= SECONDS and peak <= GIBIBYTES and ranked == PLUGINS


def _fill(store: Store) -> None:
    """Write the records of plugins that are right about 80 to 90% of the reviews."""
    random = np.random.default_rng(0)
    targets = {p: random.integers(0, 2, n).astype("float32") for p, n in SPLITS.items()}
    easy = {p: random.random(n, dtype="float32") for p, n in SPLITS.items()}
    store.prepare()
    for plugin in range(PLUGINS):
        for seed in range(SEEDS):
            arrays = {}
            share = 0.8 + 0.1 * plugin / PLUGINS
            for prefix, count in SPLITS.items():
                right = 0.7 * easy[prefix] + 0.3 * random.random(count, dtype="float32") < share
                sure = random.uniform(0.5, 1.0, count).astype("float32")
                of_one = np.where(right, targets[prefix], 1 - targets[prefix])
                arrays[f"{prefix}predictions"] = np.where(of_one > 0.5, sure, 1 - sure)
                arrays[f"{prefix}targets"] = targets[prefix]
                arrays[f"{prefix}groups"] = np.arange(count, dtype="int32")
            content = io.BytesIO()
            np.savez_compressed(content, **arrays)
            record = a_record(f"p{plugin:03}", share, seed=seed, trial={"task": "imdb"})
            store.write(record, content.getvalue())


def _report(folder: Path) -> tuple[float, float, list[str]]:
    """Return seconds, the peak of the process's memory in GiB, and the rows of the table."""
    words = [sys.executable, "-m", "bench", "report", "--format", "md", "--results", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    peaks = [0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peaks))
    watch.start()
    printed, _ = process.communicate()
    seconds = time.perf_counter() - started
    watch.join()
    board = printed.split("### Cost")[0]
    return seconds, max(peaks) / 2**30, [row for row in board.splitlines() if "| p" in row][1:]


def _watch(process: psutil.Process, peaks: list[int]) -> None:
    while process.is_running():
        try:
            peaks.append(process.memory_info().rss)
        except psutil.Error:
            return
        time.sleep(0.01)
