"""What is run again with --failed: what failed when it was last tried, as it was asked for then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin, a_record, a_task

from bench.plan.plan import Group
from bench.plan.retry import ask_again, failed_trials
from bench.protocol import CRASHED, DIVERGED, FAILED, OK, OUT_OF_MEMORY, SKIPPED, STATUSES, TIMEOUT
from bench.records.record import Record
from bench.records.selection import is_named
from bench.registry.discover import Registry
from bench.registry.plugins import read_plugin


def failed(*records: Record) -> list[tuple[str, int]]:
    return [(trial.plugin, trial.seed) for trial in failed_trials(records)]


def a_failure(plugin: str = "model", minute: int = 0, **parts: Any) -> Record:
    return a_record(plugin, minute=minute, status=FAILED, reason="no", **parts)


@pytest.fixture
def registry(plugin_folder: Path) -> Registry:
    """A folder with two plugins of one task."""
    tasks = {"jena": a_task()}
    paths = [a_plugin(plugin_folder, name) for name in ("model", "other")]
    return Registry(tasks, tuple(read_plugin(path, tasks) for path in paths))


def asked(groups: list[Group]) -> list[tuple[Any, ...]]:
    return [
        (g.plugins[0].name, g.request.profile, g.request.seeds, dict(g.request.overrides))
        for g in groups
    ]


# What failed


def test_all_that_is_neither_ok_nor_skipped_has_failed():
    records = [a_record(status, status=status, reason="so") for status in STATUSES]
    assert {*STATUSES} - {plugin for plugin, _ in failed(*records)} == {OK, SKIPPED}


def test_nothing_failed_in_no_records():
    assert failed_trials([]) == []


@pytest.mark.parametrize("status", [FAILED, DIVERGED, TIMEOUT, OUT_OF_MEMORY, CRASHED])
def test_a_trial_that_is_ok_is_so_whatever_came_before_or_after(status):
    good, bad = a_record("a", minute=1), a_record("a", minute=2, status=status)
    assert failed(good, bad) == []
    assert failed(a_record("a", minute=0, status=status), good) == []


def test_what_counts_is_the_configuration_tried_last():
    repaired = {"plugin_sha256": "abcd"}
    assert failed(a_failure("a"), a_record("a", minute=1, trial=repaired)) == []
    assert failed(a_record("a"), a_failure("a", minute=1, trial=repaired)) == [("a", 0)]


def test_failures_of_other_data_and_versions_are_not_counted_twice():
    other = [{"fingerprint": "beef"}, {"versions": {"keras": "9"}}, {"source": "official"}]
    records = [a_failure("a", minute, trial=trial) for minute, trial in enumerate(other)]
    assert failed(*records) == [("a", 0)]


@pytest.mark.parametrize(
    "other",
    [
        {"trial": {"profile": "full"}},
        {"trial": {"backend": "jax"}},
        {"trial": {"overrides": {"units": 4}, "hyperparameters": {"units": 4}}},
        {"seed": 3},
    ],
)
def test_what_was_asked_for_in_other_words_is_another_trial(other):
    assert failed(a_failure("a", **other), a_record("a", minute=1)) == [("a", other.get("seed", 0))]


@pytest.mark.parametrize(
    ("names", "task", "named"),
    [
        ([], None, True),
        (["model"], None, True),
        (["other", "mod*"], None, True),
        (["my/plugins/model.py"], None, True),
        (["other"], None, False),
        ([], "jena", True),
        (["model"], "imdb", False),
    ],
)
def test_names_globs_files_and_the_task_narrow_what_is_run_again(names, task, named):
    assert is_named(a_failure("model").trial, names, task) is named


# Asking again


def test_a_failed_trial_is_asked_for_as_it_was_then(registry):
    trial = {"profile": "full", "backend": "jax", "overrides": {"units": 4}}
    again = ask_again([a_failure(seed=7, trial=trial).trial], registry, reuse="missing")
    (group,) = again.groups
    request = group.request
    assert [plugin.name for plugin in group.plugins] == ["model"]
    assert (request.profile, request.backend, request.reuse) == ("full", "jax", "missing")
    assert (request.seeds, request.overrides) == ((7,), {"units": 4})
    assert (again.left_out, again.gone) == ([], [])


def test_seeds_of_what_is_asked_in_the_same_words_go_together(registry):
    failures = [
        a_failure("model", seed=2),
        a_failure("other", seed=2),
        a_failure("model", seed=0),
        a_failure("model", seed=1, trial={"profile": "smoke"}),
        a_failure("model", seed=1, trial={"overrides": {"units": 4}}),
    ]
    again = ask_again([record.trial for record in failures], registry, "missing")
    assert asked(again.groups) == [
        ("model", "quick", (0, 2), {}),
        ("other", "quick", (2,), {}),
        ("model", "smoke", (1,), {}),
        ("model", "quick", (1,), {"units": 4}),
    ]


@pytest.mark.parametrize(
    ("plugin", "trial", "reason"),
    [
        ("gone", {}, "there is no such plugin for task jena any more"),
        ("model", {"task": "imdb"}, "there is no such plugin for task imdb any more"),
        ("model", {"profile": "old"}, "task jena has no profile old any more"),
    ],
)
def test_what_there_is_no_more_is_told_in_one_line_and_the_rest_is_asked(
    registry, plugin, trial, reason
):
    failures = [a_failure(plugin, seed=seed, trial=trial) for seed in (0, 1)]
    trials = [record.trial for record in [*failures, a_failure("other")]]
    again = ask_again(trials, registry, "missing")
    (line,) = again.gone
    assert [name for name, *_ in asked(again.groups)] == ["other"]
    assert again.left_out == []
    assert line.startswith(f"{plugin}: {reason}")


def test_a_plugin_that_tells_no_task_any_more_is_left_out_with_its_line(registry, plugin_folder):
    path = a_plugin(plugin_folder, "half", source='"""Half."""\nTASK = "jena"\ndef build(')
    half = read_plugin(path, registry.tasks)
    there = Registry(registry.tasks, (*registry.plugins, half))
    again = ask_again([a_failure("half").trial], there, "missing")
    (line,) = again.left_out
    assert (again.groups, again.gone) == ([], [])
    assert "half.py:3: does not parse" in line
