"""The identity of a trial: all that can change its result, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, fields

import pytest
from builders import a_trial

from bench.trial import Trial

CHANGES = {
    "task": "imdb",
    "task_version": 2,
    "plugin": "jena_lstm",
    "plugin_sha256": "another",
    "hyperparameters": {"units": 33},
    "view": {"lookback": 720, "reverse": False},
    "training": {"epochs": 5, "steps_per_epoch": 60, "batch_size": 128},
    "scored_examples": None,
    "source": "local",
    "fingerprint": "another",
    "profile": "full",
    "seed": 1,
    "backend": "jax",
    "versions": {"keras": "3.16.0", "numpy": "2.4.0", "tensorflow": "2.21.0"},
    "harness_version": 2,
    "task_sha256": "another",
}


def test_every_field_of_a_trial_has_its_say_here():
    assert {field.name for field in fields(Trial)} == {*CHANGES, "overrides"}


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_that_can_change_a_result_changes_the_identity(name):
    assert a_trial(**{name: CHANGES[name]}).identity != a_trial().identity


def test_the_label_of_an_override_does_not():
    assert a_trial(overrides={"units": 32}).identity == a_trial().identity


def test_repeats_of_one_row_differ_in_identity_and_share_the_configuration():
    one, two = a_trial(seed=1), a_trial(seed=2)
    assert one.identity != two.identity
    assert one.configuration == two.configuration
    assert one.configuration != a_trial(hyperparameters={"units": 33}).configuration


def test_the_order_of_keys_does_not_matter():
    one = a_trial(hyperparameters={"a": 1, "b": {"c": 2, "d": 3}})
    two = a_trial(hyperparameters={"b": {"d": 3, "c": 2}, "a": 1})
    assert one.identity == two.identity


def test_a_round_trip_through_json_keeps_it():
    trial = a_trial(hyperparameters={"sizes": (3, 5), "rate": 1e-4, "name": "°", "none": None})
    back = Trial(**json.loads(json.dumps(asdict(trial))))
    assert back.identity == trial.identity
    assert back.configuration == trial.configuration


def test_it_is_the_same_in_another_process():
    program = (
        "from builders import a_trial; print(a_trial(hyperparameters={'b': 1, 'a': 2}).identity)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == a_trial(hyperparameters={"a": 2, "b": 1}).identity


def test_the_identity_of_a_known_trial_never_changes():
    """Old records answer for new trials only as long as this digest stays."""
    assert a_trial(source="local").identity == (
        "f6bd7b2edbd0904bbe78517080365e5e68ff0c5091cb71412b20198ff6d416e0"
    )


def test_the_label_tells_what_the_command_line_changed():
    assert a_trial().label == "jena_gru"
    trial = a_trial(seed=3, overrides={"units": 64, "epochs": 2})
    assert trial.label == "jena_gru (epochs=2, units=64)"
    assert str(trial) == "jena_gru (epochs=2, units=64) seed 3"
