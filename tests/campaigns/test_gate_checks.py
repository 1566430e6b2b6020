"""Whole checks of made plugins: few call worse what has not changed, most find what has."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gate.model import CANNOT_TELL, WORSE
from campaigns.benchmarks.gate import judge_checks, made
from campaigns.benchmarks.gate_checks import (
    EASY,
    NOISES,
    UNSTEADY,
    Training,
    findings,
    newly_failing,
    planned_rounds,
    quality_alarms,
    slower_found,
    time_alarms,
    trained,
)


@pytest.mark.parametrize("seeds", [2, 3])
def test_plugins_that_fail_by_chance_alarm_most_checks_by_single_tests_and_none_together(seeds):
    before, after = quality_alarms(UNSTEADY, plugins=25, seeds=seeds, checks=8)
    assert before > 0.5
    assert after == 0.0


@pytest.mark.parametrize("noise", NOISES)
def test_times_of_which_nothing_has_changed_alarm_no_check(noise):
    assert time_alarms(NOISES[noise], plugins=5, checks=8)[1] == 0.0


def test_a_plugin_that_newly_fails_in_one_seed_of_three_is_found_with_the_seeds_asked_for():
    found, asked = newly_failing(plugins=1, checks=20)
    assert found >= 0.8 - 3 * (0.8 * 0.2 / 20) ** 0.5
    assert 20 <= asked <= 30


def test_a_slowdown_is_found_with_the_rounds_asked_for():
    found, asked = slower_found(NOISES[EASY[0]], plugins=5, checks=15)
    assert found >= 0.95 - 3 * (0.95 * 0.05 / 15) ** 0.5
    assert asked >= planned_rounds(25)


def test_more_tests_take_more_rounds():
    assert [planned_rounds(tests) for tests in (1, 25, 125, 200)] == [8, 8, 10, 10]


def broken(many: int, plugins: int, seeds: int) -> dict[str, int]:
    """Return how many verdicts of each kind there are where some plugins lost all seeds."""
    lost = Training(), Training(fails=1.0)
    kinds = [lost] * many + [(Training(),) * 2] * (plugins - many)
    found = findings(trained(kinds, seeds, np.random.default_rng(0)))[1]
    return {
        verdict: sum(each.verdict == verdict for each in found) for verdict in (WORSE, CANNOT_TELL)
    }


def test_three_lost_seeds_are_chance_in_a_table_of_changes_four_are_none():
    assert broken(1, plugins=1, seeds=3)[WORSE] == 1
    assert broken(1, plugins=25, seeds=3)[WORSE] == 0
    assert broken(1, plugins=25, seeds=4)[WORSE] == 1


def test_a_change_that_breaks_every_plugin_is_no_chance_with_three_seeds_each():
    assert broken(25, plugins=25, seeds=3)[WORSE] == 25


def test_the_checks_of_collected_processes_hold_on_made_ones(capsys):
    assert judge_checks(made(noise=0.012, outliers=0.0, triples=30), checks=6)
    assert "one plugin 5% slower: found in 100.0%" in capsys.readouterr().out
