"""Training options: what values they take, and how a profile limits a schedule."""

from __future__ import annotations

import pytest

from bench.registry.training_options import DEFAULTS, TRAINING_OPTIONS, Limits, schedule

TASK = {"epochs": 20, "steps_per_epoch": 500, "batch_size": 128}


def test_every_option_has_a_default_that_it_takes_itself():
    assert set(DEFAULTS) == set(TRAINING_OPTIONS)
    for name, default in DEFAULTS.items():
        assert TRAINING_OPTIONS[name].complaint(default) == ""


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("epochs", 0, ""),
        ("epochs", True, "must be a whole number, not True"),
        ("epochs", None, "must be a whole number, not None"),
        ("steps_per_epoch", None, ""),
        ("steps_per_epoch", 0, "must be at least 1, not 0"),
        ("training_examples", None, ""),
        ("training_examples", 0, "must be at least 1, not 0"),
        ("learning_rate", 1, ""),
        ("learning_rate", -1e-3, "must be at least 0, not -0.001"),
        ("optimizer", "adam", ""),
        ("jit_compile", 1, "must be True or False, not 1"),
    ],
)
def test_an_option_says_what_is_wrong_with_a_value(name, value, complaint):
    assert TRAINING_OPTIONS[name].complaint(value) == complaint


def test_the_plugin_goes_before_the_task_and_the_task_before_the_suite():
    made = schedule(TASK, {"epochs": 40}, Limits(), 10_000)
    assert (made["epochs"], made["steps_per_epoch"], made["optimizer"]) == (40, 500, "rmsprop")


def test_without_a_number_of_steps_an_epoch_is_one_pass():
    assert schedule({"batch_size": 32}, {}, Limits(), 1000)["steps_per_epoch"] == 32
    assert schedule({"batch_size": 32}, {}, Limits(), 1024)["steps_per_epoch"] == 32
    assert schedule({"batch_size": 32}, {}, Limits(), 0)["steps_per_epoch"] == 1


@pytest.mark.parametrize(("batch", "steps"), [(32, 240), (128, 60), (512, 15), (10_000, 1)])
def test_a_profile_shows_every_model_as_many_examples_whatever_its_batch_size(batch, steps):
    limits = Limits(epochs=4, examples_per_epoch=7680)
    made = schedule(TASK, {"batch_size": batch}, limits, 200_000)
    assert made["steps_per_epoch"] == steps
    assert made["epochs"] == 4


def test_a_profile_never_adds_training():
    limits = Limits(epochs=4, examples_per_epoch=7680)
    made = schedule(TASK, {"epochs": 0, "steps_per_epoch": 3}, limits, 200_000)
    assert (made["epochs"], made["steps_per_epoch"]) == (0, 3)
    assert schedule({}, {}, limits, 200)["steps_per_epoch"] == 2


def test_a_pass_over_part_of_the_examples_is_as_long_as_the_part():
    made = schedule({"batch_size": 32}, {"training_examples": 200}, Limits(), 20_000)
    assert (made["training_examples"], made["steps_per_epoch"]) == (200, 7)
    assert schedule(TASK, {"training_examples": 200}, Limits(), 20_000)["steps_per_epoch"] == 500


def test_a_schedule_never_names_more_training_examples_than_there_are():
    made = schedule({"batch_size": 32}, {"training_examples": 2000}, Limits(), 240)
    assert (made["training_examples"], made["steps_per_epoch"]) == (240, 8)
    assert schedule({}, {}, Limits(), 240)["training_examples"] is None
