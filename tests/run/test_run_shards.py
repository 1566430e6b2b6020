"""A run in parts: each by itself, put together, and the table of one run comes out."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from bench.records.store import Store

MEAN = '''"""Predicts the mean of what it was trained on."""

TASK = "jena"
HYPERPARAMETERS = {"share": 1.0}


class Mean:
    def __init__(self, share):
        self.share = share

    def fit(self, inputs, targets):
        self.mean = targets.mean() * self.share

    def predict(self, inputs):
        return [self.mean] * len(inputs)


def build(task, share):
    return Mean(share)
'''


_CLOCKED = re.compile("second|bytes|trials|contended|reached|frontier|to_.*_seeds|parameters")


def scores(table: str) -> list[dict[str, str]]:
    """The rows of a table in CSV without what depends on the clock."""
    rows = csv.DictReader(io.StringIO(table))
    return [{name: row[name] for name in row if not _CLOCKED.search(name)} for row in rows]


def test_shards_that_are_merged_give_the_table_of_one_run(
    small_run, bench, plugin_folder, tmp_path
):
    for name in ("mean", "half"):
        (plugin_folder / f"{name}.py").write_text(MEAN, encoding="utf-8")
    words = ("mean", "half", "jena_naive", "--plugins", plugin_folder, "--seeds", "0,1")
    whole = small_run(*words, "--results", "whole")
    assert whole.returncode == 0, whole.stderr
    for number in (1, 2):
        part = small_run(*words, "--shard", f"{number}/2", "--results", f"part-{number}")
        assert part.returncode == 0, part.stderr
        assert f"shard {number}/2: 3 of 6 trials" in part.stderr
    merged = bench("merge", "part-1", "part-2", "--into", "merged")
    assert (merged.returncode, merged.stdout.split(": ")[1]) == (
        0,
        "6 records copied, 0 already there, none refused\n",
    )
    tables = [
        bench("report", "--results", name, "--format", "csv", "--plugins", plugin_folder).stdout
        for name in ("whole", "merged")
    ]
    assert len(scores(tables[0])) == 3
    assert scores(tables[0]) == scores(tables[1])
    again = small_run(*words, "--results", "merged")
    assert again.returncode == 0
    assert len(Store(tmp_path / "merged").read().records) == 6


def test_a_shard_without_a_trial_is_no_failure(small_run):
    run = small_run("jena_naive", "--shard", "2/2", "--results", Path("results"))
    assert (run.returncode, run.stdout) == (0, "")
    assert "shard 2/2: 0 of 1 trial" in run.stderr
