"""``run --shard K/N``: parts of a plan that several machines agree on without a word."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from builders import World, a_plugin, record_of
from command_line import complaint

from bench.cli.words import parse_shard
from bench.errors import BenchError
from bench.plan.plan import Shard


@pytest.fixture
def world(plugin_folder: Path) -> World:
    for name in ("slow", "quick", "middling"):
        a_plugin(plugin_folder, name)
    return World(plugin_folder)


def test_all_shards_together_are_the_plan_and_no_trial_is_in_two(world):
    plan = world.plan(seeds=(0, 1, 2, 3, 4))
    parts = [Shard(number, 4).part(plan) for number in range(1, 5)]
    found = [each.trial.identity for part in parts for each in part]
    assert sorted(found) == sorted(each.trial.identity for each in plan)
    assert sorted(map(len, parts)) == [3, 4, 4, 4]


def test_the_seeds_of_a_plugin_come_to_different_shards(world):
    plan = world.plan(seeds=(0, 1, 2))
    for number in range(1, 4):
        part = Shard(number, 3).part(plan)
        assert Counter(each.trial.plugin for each in part) == dict.fromkeys(
            ("slow", "quick", "middling"), 1
        )


def test_what_is_recorded_or_the_order_of_a_plan_moves_no_trial(world):
    plan = world.plan(seeds=(0, 1))
    reused = world.plan(*map(record_of, plan[:3]), seeds=(0, 1))
    for number in (1, 2):
        parts = [Shard(number, 2).part(each) for each in (plan, reused, plan[::-1])]
        assert len({tuple(each.trial.identity for each in part) for part in parts}) == 1


def test_more_shards_than_trials_leave_some_without_any(world):
    plan = world.plan()
    assert [len(Shard(number, 5).part(plan)) for number in range(1, 6)] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5", ""])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(BenchError, match=r"the third of sixteen is 3/16"):
        parse_shard(text)


def test_a_shard_is_read_and_written_alike():
    assert str(parse_shard("3/16")) == "3/16"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--all", "--until-separated"], "--until-separated compares all plugins"),
        (["--failed"], "--failed runs what failed in the results folder"),
    ],
)
def test_what_needs_the_whole_plan_is_refused(words, reason, capsys):
    assert reason in complaint(capsys, "run", *words, "--shard", "1/2")
