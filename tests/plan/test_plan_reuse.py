"""Which records are taken for a trial, so that it is not run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import INSTALLED, World, a_plugin, a_record, record_of

from bench.protocol import FAILED, OK, SKIPPED, TIMEOUT
from bench.records.selection import made_meanwhile, reusable


@pytest.fixture
def world(plugin_folder: Path) -> World:
    return World(plugin_folder)


@pytest.mark.parametrize(
    ("policy", "status", "reused"),
    [
        ("missing", OK, True),
        ("missing", FAILED, False),
        ("missing", TIMEOUT, False),
        ("always", OK, True),
        ("always", FAILED, True),
        ("never", OK, False),
        ("never", FAILED, False),
    ],
)
def test_the_policy_decides_which_records_answer(world, policy, status, reused):
    a_plugin(world.folder)
    known = record_of(world.only(), status)
    planned = world.only(known, reuse=policy)
    assert (planned.reused is known) is reused
    assert planned.to_run is not reused


def test_no_record_answers_for_nothing():
    assert [reusable(None, policy) for policy in ("missing", "always", "never")] == [None] * 3


def test_a_record_answers_for_its_own_seed_alone(world):
    a_plugin(world.folder)
    known = record_of(world.only(seeds=(1,)))
    assert [p.to_run for p in world.plan(known, seeds=(0, 1, 2))] == [True, False, True]


def test_an_edited_plugin_or_a_changed_version_is_trained_again(world):
    path = a_plugin(world.folder)
    known = record_of(world.only())
    assert not world.only(known).to_run
    newer = replace(world, installed={**INSTALLED, "keras": "4.0"})
    assert newer.only(known).to_run
    path.write_text(path.read_text() + "# a thought\n")
    assert world.only(known).to_run


@pytest.mark.parametrize("policy", ["missing", "always"])
def test_a_verdict_that_is_recorded_already_is_not_recorded_again(world, policy):
    a_plugin(world.folder, before="import torch")
    first = world.only()
    known = record_of(first, first.verdict, first.reason)
    again = world.only(known, reuse=policy)
    assert again.reused is known
    assert not again.verdict


def test_a_verdict_with_another_reason_is_recorded(world):
    a_plugin(world.folder, before="import torch")
    first = world.only()
    known = record_of(first, first.verdict, "for an old reason")
    assert world.only(known).verdict == SKIPPED


def test_a_record_made_since_the_plan_answers_whatever_its_status():
    old, new = a_record(status=FAILED), a_record(minute=1, status=TIMEOUT)
    known = {(old.identity, old.finished)}
    assert made_meanwhile([old], known, "missing") is None
    assert made_meanwhile([old, new], known, "missing") is new
    assert made_meanwhile([old, new], known, "always") is new
    assert made_meanwhile([old, new], known, "never") is None
    assert made_meanwhile([], known, "missing") is None


def test_of_several_records_made_since_the_plan_the_one_that_is_ok_answers():
    good, bad = a_record(minute=1), a_record(minute=2, status=TIMEOUT)
    assert made_meanwhile([good, bad], frozenset(), "missing") is good
