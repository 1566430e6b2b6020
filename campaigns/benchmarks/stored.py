"""How long does it take to rank 200 plugins of 10 seeds from their stored predictions?"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np

from bench.records.store import Store
from campaigns.benchmarks.reported import report
from tests.builders import a_record

PLUGINS, SEEDS = 200, 10
#: As many reviews as IMDB has for validation and for the test.
SPLITS = {"validation_": 5_000, "": 25_000}
#: What the report was built to stay within: seconds, and GiB of its process.
SECONDS, GIBIBYTES = 60.0, 1.2


def measure(rounds: int) -> bool:
    """Write made records once, render their leaderboard, and say whether the bounds hold."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Store(Path(folder)))
        found = report(Path(folder))
    seconds, peak = found.seconds, found.gibibytes
    plugins = [row for row in found.board if row.split("|")[2].strip().startswith("p")][1:]
    ranked = sum(row.split("|")[1].strip(" best–") != "" for row in plugins)
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
