"""The order of a plan, and what is known of how long trials take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_record, a_trial

from bench.plan.order import Durations, in_order
from bench.plan.plan import Planned
from bench.protocol import FAILED, SKIPPED, TIMEOUT
from bench.records.record import Record
from bench.registry.plugins import Plugin

MACHINE = a_record().environment["machine"]


def took(plugin: str, seconds: float, seed: int = 0, **changes: Any) -> Record:
    record = a_record(plugin, seed=seed, **changes)
    return replace(record, timing={**record.timing, "total": seconds})


def with_jobs(record: Record, jobs: int) -> Record:
    return replace(record, environment={**record.environment, "jobs": jobs})


def on(record: Record, **machine: Any) -> Record:
    found = {**record.environment["machine"], **machine}
    return replace(record, environment={**record.environment, "machine": found})


def known(*records: Record, jobs: int = 1) -> Durations:
    return Durations(records, MACHINE, jobs)


def planned(name: str, seed: int = 0, **fate: Any) -> Planned:
    return Planned(a_trial(name, seed), Plugin(name, Path(f"{name}.py")), **fate)


def names(plan: Sequence[Planned]) -> list[str]:
    return [f"{each.plugin.name}{each.trial.seed}" for each in plan]


# How long


def test_what_a_plugin_took_with_other_seeds_is_expected_of_a_new_one():
    durations = known(*(took("a", s, seed) for seed, s in enumerate((3.0, 90.0, 4.0))))
    assert durations.of(a_trial("a", 7)) == 4.0
    assert durations.of(a_trial("b", 7)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "full"},
        {"backend": "jax"},
        {"source": "synthetic"},
        {"task": "imdb"},
        {"overrides": {"units": 64}},
    ],
    ids=str,
)
def test_what_was_asked_otherwise_tells_nothing(changes):
    assert known(took("a", 3.0)).of(a_trial("a", **changes)) is None
    assert known(took("a", 3.0, trial=changes)).of(a_trial("a", **changes)) == 3.0


def test_a_plugin_that_was_edited_since_is_expected_to_take_as_long():
    assert known(took("a", 3.0)).of(a_trial("a", plugin_sha256="0ther")) == 3.0


@pytest.mark.parametrize("other", [{"processor": "A quicker one"}, {"cores": 64}], ids=str)
def test_records_of_another_machine_tell_nothing(other):
    assert known(on(took("a", 3.0), **other)).of(a_trial("a")) is None
    assert known(on(took("a", 3.0), memory=1, system="Linux 9.9")).of(a_trial("a")) == 3.0


@pytest.mark.parametrize("status", [FAILED, TIMEOUT])
def test_a_trial_that_was_not_trained_to_its_end_tells_nothing(status):
    assert known(took("a", 3.0, status=status)).of(a_trial("a")) is None


def test_records_of_as_many_trials_at_once_count_before_others():
    alone, beside = took("a", 3.0), with_jobs(took("a", 5.0, seed=1), 2)
    assert known(alone, beside).of(a_trial("a")) == 3.0
    assert known(alone, beside, jobs=2).of(a_trial("a")) == 5.0
    assert known(alone, jobs=2).of(a_trial("a")) == 3.0


def test_what_the_run_has_timed_itself_counts_before_all_records():
    durations = known(took("a", 3.0))
    durations.learn(took("a", 8.0, seed=1))
    durations.learn(took("b", 1.0, status=FAILED))
    assert durations.of(a_trial("a", 2)) == 8.0
    assert durations.of(a_trial("b", 2)) is None


# In which order


def test_the_shortest_is_first_and_what_is_unknown_follows_in_the_order_given():
    plan = [planned(name) for name in ("new", "slow", "strange", "quick")]
    durations = known(took("slow", 60.0), took("quick", 1.0))
    assert names(in_order(plan, durations, ())) == ["quick0", "slow0", "new0", "strange0"]


def test_every_plugin_has_its_first_seed_before_any_has_its_second():
    plan = [planned(name, seed) for name in ("slow", "quick") for seed in (5, 2)]
    durations = known(took("slow", 60.0), took("quick", 1.0))
    assert names(in_order(plan, durations, ())) == ["quick5", "slow5", "quick2", "slow2"]


def test_a_seed_that_is_reused_was_its_plugin_s_turn():
    there = a_record("a")
    plan = [planned("a", 0, reused=there), planned("a", 1), planned("b", 0), planned("b", 1)]
    assert names(in_order(plan, known(took("a", 1.0), took("b", 9.0)), ())) == [
        "a0",
        "b0",
        "a1",
        "b1",
    ]


def test_the_baseline_is_first_in_its_round_however_long_it_takes():
    plan = [planned(name, seed) for name in ("quick", "baseline") for seed in (0, 1)]
    durations = known(took("baseline", 60.0), took("quick", 1.0))
    assert names(in_order(plan, durations, {"baseline"})) == [
        "baseline0",
        "quick0",
        "baseline1",
        "quick1",
    ]


def test_what_needs_no_training_comes_before_all_that_does():
    skipped = planned("skipped", 1, verdict=SKIPPED, reason="needs torch")
    plan = [planned("baseline"), planned("quick"), skipped]
    ordered = in_order(plan, known(took("quick", 1.0)), {"baseline"})
    assert names(ordered) == ["skipped1", "baseline0", "quick0"]


def test_a_variant_of_a_plugin_has_turns_and_times_of_its_own():
    variant = replace(planned("a"), trial=a_trial("a", overrides={"units": 64}))
    plan = [variant, planned("a", 1), planned("a", 2)]
    assert in_order(plan, known(took("a", 1.0)), ()) == [plan[1], plan[0], plan[2]]


def test_a_plugin_stands_where_the_quickest_of_its_backends_would():
    plan = [planned("b"), planned("a"), replace(planned("a"), trial=a_trial("a", backend="jax"))]
    slow = took("a", 60.0, trial={"backend": "jax"})
    ordered = in_order(plan, known(took("a", 1.0), slow, took("b", 9.0)), ())
    assert ordered == [plan[1], plan[2], plan[0]]


def test_nothing_to_run_is_in_order():
    assert in_order([], known(), ()) == []
