"""What a plugin declares beside its model: callbacks, a schedule of the rate, weights by class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import World, a_plugin, a_task

from bench.cli.words import parse_overrides
from bench.errors import BenchError
from bench.registry.plugins import Plugin, read_plugin
from bench.registry.training_options import Limits, schedule

BUILD = "def build(task, units): return None"
BOTH = "def build(task, units): return None\ndef callbacks(task, factor, units): return []"
CLASSES = a_task(loss="binary_crossentropy")


@pytest.fixture
def world(plugin_folder: Path) -> World:
    return World(plugin_folder)


@pytest.fixture
def classifying(plugin_folder: Path) -> World:
    return World(plugin_folder, CLASSES)


def read(folder: Path, hyperparameters: str, build: str = BUILD, task: Any = None) -> Plugin:
    path = a_plugin(folder, hyperparameters=hyperparameters, build=build)
    return read_plugin(path, {"jena": task or a_task()})


def only_problem(plugin: Plugin) -> str:
    (problem,) = plugin.problems
    return f"{problem.line}: {problem.message}"


# What a plugin may declare


def test_parameters_of_callbacks_are_hyperparameters_as_those_of_build_are(tmp_path):
    plugin = read(tmp_path, '{"units": 8, "factor": 0.5, "epochs": 3}', BOTH)

    assert plugin.problems == ()
    assert (plugin.build_parameters, plugin.callback_parameters) == (
        ("units",),
        ("factor", "units"),
    )
    assert plugin.arguments(plugin.hyperparameters) == {"units": 8, "factor": 0.5}


@pytest.mark.parametrize(
    ("hyperparameters", "build", "said"),
    [
        ('{"units": 8}', BOTH, "6: callbacks takes 'factor' but HYPERPARAMETERS does not give it"),
        ('{"units": 8}', f"{BUILD}\ndef callbacks(): pass", "6: callbacks takes the task as its"),
        (
            '{"units": 8, "factr": 1, "factor": 2}',
            BOTH,
            "4: unknown hyperparameter 'factr' (did you mean 'factor'?): it is no parameter of "
            "build or callbacks",
        ),
        ('{"units": 8, "schedule": "cosin"}', BUILD, "4: schedule must be one of cosine, warmup"),
        (
            '{"units": 8, "warmup_steps": 5}',
            BUILD,
            "4: warmup_steps has no effect without a schedule that has a warm-up, 'warmup' or",
        ),
        (
            '{"units": 8, "schedule": "warmup", "warmup_steps": 5, "warmup_share": 0.1}',
            BUILD,
            "4: warmup_share says the same as warmup_steps: keep one",
        ),
        (
            '{"units": 8, "redraw_examples": True}',
            BUILD,
            "4: redraw_examples has no effect without training_examples, which says how many",
        ),
        (
            '{"units": 8, "schedule": "warmup", "warmup_share": 2}',
            BUILD,
            "4: warmup_share must be at most 1, not 2",
        ),
        (
            '{"units": 8, "class_weight": "balanced"}',
            BUILD,
            "4: class_weight has no meaning for jena, which predicts a number and no class",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, hyperparameters, build, said):
    assert only_problem(read(tmp_path, hyperparameters, build)).startswith(said)


@pytest.mark.parametrize("value", ["'even'", "{}", "{0: -1.0}", "{'one': 2.0}", "{0: None}", "3"])
def test_weights_by_class_are_a_word_or_a_number_for_each_class(tmp_path, value):
    plugin = read(tmp_path, f'{{"units": 8, "class_weight": {value}}}', task=CLASSES)
    assert "must be 'balanced', or weights by class like {0: 1.0, 1: 3.0}" in only_problem(plugin)


def test_names_that_build_takes_stay_the_plugins_own(world):
    a_plugin(
        world.folder,
        hyperparameters='{"schedule": "staircase", "warmup_steps": 3, "class_weight": [1, 2]}',
        build="def build(task, schedule, warmup_steps, class_weight): return None",
    )
    trial = world.only().trial

    assert trial.hyperparameters["schedule"] == "staircase"
    assert "schedule" not in trial.training


# What a trial is known by


def test_a_plugin_without_any_of_it_is_known_by_what_it_was(world):
    """The digest is of the suite before it knew of callbacks, schedules and weights."""
    a_plugin(world.folder, hyperparameters='{"units": 8, "epochs": 3, "learning_rate": 0.01}')
    trial = replace(world.only().trial, versions={"keras": "3.15.0"}, harness_version=1)

    assert trial.identity == IDENTITY


IDENTITY = "cab0fdcfebaf19992a88fe14e7604af682cc7190414b659d86b0006461689b2d"


@pytest.mark.parametrize(
    "option",
    ["schedule='cosine'", "schedule='warmup'", "schedule='warmup_cosine'"],
)
def test_each_schedule_is_another_trial(world, option):
    a_plugin(world.folder)
    plain, other = world.only().trial, world.only(overrides=parse_overrides([option])).trial
    assert plain.identity != other.identity


def test_weights_and_arguments_of_callbacks_are_part_of_it(classifying):
    a_plugin(classifying.folder, hyperparameters='{"units": 8, "factor": 0.5}', build=BOTH)
    weights = ("'balanced'", "{0: 1.0, 1: 3.0}", "{0: 1.0, 1: 4.0}")
    asked = [{}, {"factor": 0.25}, *(parse_overrides([f"class_weight={w}"]) for w in weights)]
    trials = [classifying.only(overrides=overrides).trial for overrides in asked]

    assert len({trial.identity for trial in trials}) == len(trials)
    assert trials[3].training["class_weight"] == {"0": 1.0, "1": 3.0}
    assert trials[1].hyperparameters == {"units": 8, "factor": 0.25}


def test_a_weight_by_class_is_written_as_it_is_read_again(tmp_path):
    (tmp_path / "file").mkdir()
    plugin = read(tmp_path / "file", '{"units": 8, "class_weight": {0: 1, 1: 3.5}}', task=CLASSES)
    assert plugin.problems == ()
    assert plugin.hyperparameters["class_weight"] == {"0": 1, "1": 3.5}
    assert parse_overrides(["class_weight={0: 1, 1: 3.5}"]) == {
        "class_weight": plugin.hyperparameters["class_weight"]
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["warmup_steps=5"], "--set warmup_steps=5: has no effect without a schedule"),
        (["schedule=linear"], "--set schedule=linear: must be one of cosine, warmup, warmup_cos"),
        (["class_weight=balanced"], "has no meaning for jena"),
        (["redraw_examples=true"], "redraw_examples=True: has no effect without training_examples"),
    ],
)
def test_an_override_without_an_effect_is_refused(world, words, said):
    a_plugin(world.folder)
    with pytest.raises(BenchError) as raised:
        world.only(overrides=parse_overrides(words))
    assert said in str(raised.value)


# The steps of a warm-up


def planned(limits: Limits | None = None, **options: Any) -> dict[str, Any]:
    task = {"epochs": 10, "steps_per_epoch": 50, "batch_size": 8}
    return schedule(task, options, limits or Limits(), 400)


def test_a_warm_up_is_a_tenth_a_share_or_a_number_of_the_steps_that_the_profile_leaves():
    assert planned(schedule="warmup")["warmup_steps"] == 50
    assert planned(schedule="warmup", warmup_share=0.25)["warmup_steps"] == 125
    assert planned(schedule="warmup_cosine", warmup_steps=7)["warmup_steps"] == 7
    short = Limits(epochs=1, examples_per_epoch=16)
    assert planned(short, schedule="warmup")["warmup_steps"] == 1
    assert planned(short, schedule="warmup", warmup_steps=1000)["warmup_steps"] == 2
    assert "warmup_share" not in planned(schedule="warmup", warmup_share=0.25)


def test_what_is_not_asked_for_is_no_part_of_a_schedule():
    later = {"schedule", "warmup_steps", "warmup_share", "class_weight"}
    assert not later & planned().keys()
    assert later & planned(schedule="cosine").keys() == {"schedule"}
    # As where --set schedule=none takes away what the file declares.
    assert not later & planned(schedule=None, warmup_share=0.5).keys()
