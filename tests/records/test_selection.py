"""Which records of a row are its current ones, as far as the working tree is known."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from builders import a_record

from bench.protocol import FAILED, OK, SKIPPED
from bench.records.record import Record
from bench.records.selection import (
    EDITED,
    GONE,
    OTHER_SOURCE,
    OTHER_TASK,
    REPLACED,
    WorkingTree,
    newest,
    select,
)

HERE, OTHER = "5ca1ab1e", "0ddba11"
TREE = WorkingTree({"jena_gru": {HERE}}, {"jena": 1})


def of(source: str, minute: int, status: str = OK, **trial: Any) -> Record:
    """Make a record of a plugin's source."""
    return a_record(minute=minute, status=status, trial={"plugin_sha256": source, **trial})


def test_the_present_source_answers_however_late_another_was_run():
    here, later = of(HERE, 1), of(OTHER, 2)

    assert select([here, later], TREE).answering == (here,)
    assert select([later, here], TREE).left_out == [OTHER_SOURCE]
    assert select([here, later], TREE).outdated == ""
    assert newest([here, later], TREE) is here


def test_without_a_record_of_the_present_source_the_newest_answers_and_says_why():
    first, last = of(OTHER, 1), of("another", 2)

    found = select([first, last], TREE)
    assert (found.answering, found.outdated) == ((last,), EDITED)
    assert select([first, last], WorkingTree({}, {})).outdated == GONE


def test_of_the_present_source_the_present_version_of_the_task_answers():
    old, new = of(HERE, 2), of(HERE, 1, task_version=2)
    tree = WorkingTree({"jena_gru": {HERE}}, {"jena": 2})

    assert select([old, new], tree).answering == (new,)
    assert select([old], tree).outdated == OTHER_TASK


def test_a_configuration_that_is_known_to_be_present_answers_before_any_other():
    now, later = of(HERE, 1), of(HERE, 2, versions={"keras": "99"})

    assert select([now, later], TREE).answering == (later,)
    tree = TREE.knowing([now.trial.configuration])
    assert select([now, later], tree).answering == (now,)
    assert WorkingTree({}, {}).knowing([now.trial.configuration]).outdated(now.trial) == ""


def test_where_nothing_is_known_of_the_tree_the_newest_answers_and_nothing_is_outdated():
    first, last = of(HERE, 1), of(OTHER, 2)

    found = select([first, last])
    assert (found.answering, found.outdated) == ((last,), "")


def test_a_skipped_trial_takes_nothing_away_even_if_it_is_of_the_present_source():
    measured, skipped = of(OTHER, 1), of(HERE, 2, SKIPPED)

    found = select([measured, skipped], TREE)
    assert (found.answering, found.outdated) == ((measured,), EDITED)
    assert found.setbacks == (skipped,)


def test_a_later_failure_of_the_same_source_is_told_and_one_of_another_source_is_not():
    good, bad, other = of(HERE, 1), of(HERE, 2, FAILED), of(OTHER, 3, FAILED)

    found = select([good, bad, other], TREE)
    assert found.answering == (good,)
    assert found.setbacks == (bad,)
    assert found.left_out == [OTHER_SOURCE]


def test_of_a_trial_s_records_one_of_the_future_answers_only_where_it_is_alone():
    ahead = datetime.now(timezone.utc) + timedelta(days=400)
    real, unreal = of(HERE, 1), a_record(finished=ahead.isoformat())

    assert select([real, unreal], TREE).answering == (real,)
    assert select([real, unreal], TREE).left_out == [REPLACED]
    assert select([unreal], TREE).answering == (unreal,)
    failed = a_record(status=FAILED, finished=ahead.isoformat())
    assert select([real, failed], TREE).setbacks == ()


@pytest.mark.parametrize("known", [{HERE}, {HERE, OTHER}])
def test_each_of_several_files_of_one_name_is_of_the_tree(known):
    tree = WorkingTree({"jena_gru": known}, {})

    assert tree.outdated(of(HERE, 1).trial) == ""
    assert (tree.outdated(of(OTHER, 1).trial) == "") == (OTHER in known)
