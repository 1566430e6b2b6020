"""From plugins to trials: what is to be done, and what cannot be, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import INSTALLED, Source, World, a_plugin, record_of

from bench.errors import BenchError, CannotRun
from bench.plan.plan import PlanContext, Request, make_plan
from bench.protocol import FAILED, SKIPPED
from bench.registry.discover import Registry
from bench.registry.plugins import read_plugin
from bench.registry.tasks import TaskInfo
from bench.runs import jobs


@pytest.fixture
def world(plugin_folder: Path) -> World:
    return World(plugin_folder)


def raises(error: Exception) -> Callable[..., int]:
    def training_examples(task: TaskInfo, view: Mapping[str, Any]) -> int:
        raise error

    return training_examples


def test_a_trial_says_all_that_is_to_be_done(world):
    path = a_plugin(
        world.folder,
        hyperparameters='{"units": 8, "lookback": 720, "batch_size": 64, "epochs": 3}',
        build="def build(task, units, lookback): pass",
        before="import sklearn",
    )
    planned = world.only(profile="full")
    trial = planned.trial

    assert planned.to_run
    assert planned.plugin.path == path
    assert trial.hyperparameters == {"units": 8, "lookback": 720}
    assert trial.view == {"lookback": 720, "reverse": False, "columns": None, "encoding": "raw"}
    assert trial.training["epochs"] == 3
    assert trial.training["steps_per_epoch"] == 3125
    assert (trial.source, trial.fingerprint, trial.scored_examples) == ("synthetic", "f00d", None)
    assert trial.versions == INSTALLED


def test_one_trial_a_plugin_and_seed_in_order(world):
    for name in ("a", "b"):
        a_plugin(world.folder, name)
    plan = world.plan(seeds=(5, 0))
    assert [(p.trial.plugin, p.trial.seed) for p in plan] == [
        ("a", 5),
        ("a", 0),
        ("b", 5),
        ("b", 0),
    ]


@pytest.mark.parametrize(("batch", "steps"), [(64, 120), (512, 15)])
def test_the_profile_limits_epochs_steps_and_scored_examples(world, batch, steps):
    a_plugin(world.folder, hyperparameters=f'{{"units": 8, "batch_size": {batch}}}')
    trial = world.only(profile="quick").trial
    assert trial.training["epochs"] == 4
    assert trial.training["steps_per_epoch"] == steps
    assert trial.scored_examples == 3000


def test_build_is_told_the_schedule_as_the_profile_limits_it(world):
    a_plugin(
        world.folder,
        hyperparameters='{"units": 8, "epochs": 40}',
        build="def build(task, units, epochs): pass",
    )
    assert world.only(profile="quick").trial.hyperparameters == {"units": 8, "epochs": 4}
    assert world.only(profile="full").trial.hyperparameters == {"units": 8, "epochs": 40}


# Overrides


def test_overrides_reach_build_view_and_schedule_and_the_label(world):
    a_plugin(world.folder)
    overrides = {"units": 64, "lookback": "5d", "epochs": 2}
    trial = world.only(profile="full", overrides=overrides).trial
    assert trial.hyperparameters == {"units": 64}
    assert trial.view["lookback"] == "5d"
    assert trial.training["epochs"] == 2
    assert trial.label == "model (epochs=2, lookback=5d, units=64)"


def test_an_override_of_what_is_declared_already_is_the_same_trial(world):
    a_plugin(world.folder)
    assert world.only(overrides={"units": 8}).trial.identity == world.only().trial.identity


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("unit", 1, "--set unit: model has no such option (did you mean 'units'?)"),
        ("epoch", 1, "--set epoch: model has no such option (did you mean 'epochs'?)"),
        ("units", "many", "--set units=many: must be a whole number, as in model (8)"),
        ("units", 0.5, "--set units=0.5: must be a whole number, as in model (8)"),
        ("units", True, "--set units=True: must be a whole number, as in model (8)"),
        ("units", float("inf"), "--set units=inf: must be finite"),
        ("name", b"x", "--set name=b'x': must be a number, text, True, False, None, or a list or "
         "dictionary of these, no bytes"),
        ("epochs", "two", "--set epochs=two: must be a whole number, not 'two'"),
        ("optimizer", "sdg", "not 'sdg'"),
        ("lookback", 2.5, "--set lookback=2.5: must be a whole number, not 2.5"),
        ("reverse", "yes", "--set reverse=yes: must be True or False, not 'yes'"),
        ("encoding", "hash", "must be one of raw, hashed, not 'hash' (did you mean 'hashed'?)"),
    ],
)  # fmt: skip
def test_an_override_that_a_plugin_cannot_take_is_a_usage_error(world, key, value, complaint):
    a_plugin(
        world.folder,
        hyperparameters='{"units": 8}',
        build="def build(task, units, name=None): pass",
    )
    with pytest.raises(BenchError) as error:
        world.plan(overrides={key: value})
    assert str(error.value).endswith(complaint)
    assert "\n" not in str(error.value)


def test_an_override_may_give_a_parameter_that_has_only_a_default(world):
    a_plugin(world.folder, build="def build(task, units, name=None): pass")
    assert world.only(overrides={"name": "x"}).trial.hyperparameters == {"units": 8, "name": "x"}


def test_an_override_may_take_a_value_away(world):
    a_plugin(world.folder)
    assert world.only(overrides={"units": None}).trial.hyperparameters == {"units": None}


# What cannot be run


def test_a_plugin_that_needs_an_absent_package_is_skipped(world):
    a_plugin(world.folder, before="import torch, jax")
    planned = world.only()
    assert (planned.verdict, planned.reason) == (SKIPPED, "needs jax and torch, not installed here")
    assert planned.trial.versions["torch"] == "absent"
    assert not planned.to_run


def test_a_view_without_meaning_on_the_data_is_skipped(world):
    a_plugin(world.folder)
    coarse = replace(world, training_examples=raises(CannotRun("data are hourly")))
    planned = coarse.only(seeds=(3,))
    assert (planned.verdict, planned.reason) == (SKIPPED, "data are hourly")


def test_a_view_that_the_plugin_declares_wrongly_fails_its_trial_alone(world):
    a_plugin(world.folder)
    wrong = replace(world, training_examples=raises(BenchError("lookback=-1 is not possible")))
    planned = wrong.only(overrides={"units": 9})
    assert (planned.verdict, planned.reason) == (
        FAILED,
        "model.py: lookback=-1 is not possible",
    )


def test_a_view_that_the_command_line_sets_wrongly_is_a_usage_error(world):
    a_plugin(world.folder)
    wrong = replace(world, training_examples=raises(BenchError("lookback=-1 is not possible")))
    with pytest.raises(BenchError, match="--set lookback: lookback=-1 is not possible"):
        wrong.plan(overrides={"lookback": -1, "units": 9})


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"hyperparameters": '{"units": {1, 2}}'}, "model.py:4: units must be a number"),
        ({"hyperparameters": '{"units": 8, "batch_size": "x"}'}, "model.py:4: batch_size must"),
        ({"hyperparameters": '{"units": 8, "lookback": b"x"}'}, "model.py:4: lookback must"),
        ({"source": '"""Half."""\nTASK = "jena"\ndef build('}, "model.py:3: does not parse"),
        ({"before": "REFERENCE = {'val_mae': 'low'}"}, "model.py:2: val_mae must be"),
    ],
)
def test_a_plugin_with_a_problem_fails_with_line_and_reason_and_the_others_run(
    world, parts, reason
):
    a_plugin(world.folder, "a_right_one")
    path = a_plugin(world.folder, **parts)
    # What does not parse tells no task: whoever runs it names the task.
    tasks = {"jena": world.task}
    plugins = [read_plugin(world.folder / "a_right_one.py", tasks), read_plugin(path, tasks)]
    plugins[1] = replace(plugins[1], task="jena")
    surroundings = PlanContext({"jena": Source()}, world.training_examples, INSTALLED.get)
    right, wrong = make_plan(
        plugins, Registry(tasks, tuple(plugins)), Request(overrides={"units": 3}), surroundings, {}
    )

    assert right.to_run
    assert wrong.verdict == FAILED
    assert wrong.reason.startswith(reason)
    assert len(record_of(wrong).to_json()) > 0


def test_what_is_installed_is_looked_up_once_a_package(monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "version_of", lambda name: asked.append(name) or "1.0")
    surroundings = jobs.plan_context_of({})
    for _ in range(2):
        assert surroundings.version_of("sklearn") == "1.0"
    assert surroundings.version_of("keras") == "1.0"
    assert asked == ["sklearn", "keras"]
