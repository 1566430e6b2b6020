"""A run in parts: each by itself, put together, and the table of one run comes out."""

from __future__ import annotations

import csv
import io
import re

import pytest
from verify_world import Place, Workshop

from bench.records.store import Store

_CLOCKED = re.compile("second|bytes|trials|contended|reached|frontier|to_.*_seeds|parameters")


@pytest.fixture
def place(make_place) -> Place:
    return make_place(Workshop({"half": 0.1, "slow": 0.3}), ["half", "mean", "slow"])


def scores(table: str) -> list[dict[str, str]]:
    """The rows of a table in CSV without what depends on the clock."""
    rows = csv.DictReader(io.StringIO(table))
    return [{name: row[name] for name in row if not _CLOCKED.search(name)} for row in rows]


def reported(place: Place, results: str) -> list[dict[str, str]]:
    assert place.bench("report", "--results", results, "--format", "csv") == 0
    return scores(place.out)


def test_shards_that_are_merged_give_the_table_of_one_run(place):
    words = ("half", "mean", "slow", "--seeds", "0,1")
    assert place.run(*words, "--results", "whole") == 0, place.err
    for number in (1, 2):
        shard = ("--shard", f"{number}/2", "--results", f"part-{number}")
        assert place.run(*words, *shard) == 0, place.err
        assert f"shard {number}/2: 3 of 6 trials" in place.err
    assert place.bench("merge", "part-1", "part-2", "--into", "merged") == 0
    assert "merged: 6 records copied, 0 already there, none refused" in place.out
    whole, merged = reported(place, "whole"), reported(place, "merged")
    assert len(whole) == 3
    assert merged == whole
    assert place.run(*words, "--results", "merged") == 0
    assert len(Store(place.folder / "merged").read().records) == 6


def test_shards_may_share_a_results_folder(place):
    for number in (1, 2, 3):
        assert place.run("mean", "slow", "--seeds", "0,1,2", "--shard", f"{number}/3") == 0
    assert len({record.identity for record in place.records}) == len(place.records) == 6


def test_a_shard_without_a_trial_is_no_failure(place):
    assert place.run("mean", "--shard", "2/2") == 0
    assert place.out == ""
    assert "shard 2/2: 0 of 1 trial" in place.err
