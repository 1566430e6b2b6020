"""Scores are made of predictions and stored targets, outside the trial."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_trial
from run_world import an_outcome

from bench.data.ready import Answers, no_inputs
from bench.protocol import DIVERGED, FAILED, OK, Outcome
from bench.records.predictions import summary_in, unpack
from bench.runs.scoring import settle
from bench.task import Array, Examples

TARGETS = np.linspace(-1, 1, 40, dtype="float32")
TRIAL = a_trial(scored_examples=None)


def split(targets: Array) -> Examples:
    return Examples(targets, no_inputs, np.arange(len(targets), dtype="int32"))


ANSWERS = Answers(split(TARGETS[:30]), split(TARGETS), {"mae_degC": 8.0})


def left(path: Path, **arrays: Any) -> Path:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def honest(path: Path, **changes: Any) -> Path:
    right = {"validation_predictions": TARGETS[:30] + 1, "predictions": TARGETS + 0.5}
    return left(path, **{**right, **changes})


def settled(file: Path, told: Outcome | None = None) -> tuple[Outcome, bytes | None]:
    return settle(told or an_outcome_of_a_worker(), TRIAL, "mae", file, ANSWERS)


def an_outcome_of_a_worker() -> Outcome:
    made = an_outcome()
    return replace(made, metrics={"best_epoch": 2, "curves": made.metrics["curves"]})


def test_scores_are_those_of_the_predictions_whatever_the_trial_claims(tmp_path):
    lies = {"best_epoch": 1, "validation": {"mae": 0.0001}, "test": {"mae": 0.0001}}
    told = replace(an_outcome_of_a_worker(), metrics=lies)
    outcome, content = settled(honest(tmp_path / "left.npz"), told)

    assert outcome.status == OK
    assert outcome.metrics["validation"]["mae"] == pytest.approx(1.0)
    assert outcome.metrics["test"] == pytest.approx({"mae": 0.5, "mae_degC": 4.0})
    assert content is not None
    kept = unpack(tmp_path / "kept.npz", content)
    assert kept["targets"].tolist() == TARGETS.tolist()
    assert kept["validation_groups"].tolist() == [*range(30)]
    assert not (tmp_path / "left.npz").exists()


def test_the_summary_of_a_model_is_kept_beside_its_predictions_and_not_in_the_record(tmp_path):
    told = an_outcome_of_a_worker()
    told = replace(told, model={**told.model, "summary": "Model: \u250f\u2501"})
    outcome, content = settled(honest(tmp_path / "left.npz"), told)

    assert "summary" not in outcome.model
    assert content is not None
    assert summary_in(unpack(tmp_path / "kept.npz", content)) == "Model: \u250f\u2501"
    failed, content = settled(tmp_path / "none.npz", replace(told, status=FAILED))
    assert ("summary" in failed.model, content) == (False, None)


def test_only_the_examples_that_are_scored_are_asked_for_and_kept(tmp_path):
    trial = replace(TRIAL, scored_examples=10)
    right = {"validation_predictions": TARGETS[:10], "predictions": TARGETS[:10]}
    told, file = an_outcome_of_a_worker(), left(tmp_path / "left.npz", **right)
    outcome, content = settle(told, trial, "mae", file, ANSWERS)

    assert outcome.status == OK
    assert content is not None
    assert len(unpack(file, content)["targets"]) == 10


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"predictions": TARGETS[1:]}, "predictions of shape (39,), not one number each of 40"),
        ({"predictions": TARGETS.astype("float64")}, "that are not of the type float32"),
        ({"predictions": TARGETS.reshape(2, 20)}, "of shape (2, 20)"),
        ({"predictions": np.zeros(10**5, "float32")}, "of more than 40 examples"),
        ({"validation_predictions": np.array(["a"])}, "not of the type float32"),
        ({"validation_predictions": np.array([{}], object)}, "left no validation_predictions"),
    ],
)
def test_predictions_of_another_form_are_a_failure_with_its_reason(tmp_path, changes, reason):
    outcome, content = settled(honest(tmp_path / "left.npz", **changes))

    assert (outcome.status, content) == (FAILED, None)
    assert reason in outcome.reason
    assert not {"validation", "test"} & {*outcome.metrics}


def test_predictions_that_are_not_finite_are_a_divergence(tmp_path):
    predictions = TARGETS.copy()
    predictions[3] = np.nan
    outcome, content = settled(honest(tmp_path / "left.npz", predictions=predictions))

    assert (outcome.status, content) == (DIVERGED, None)
    assert outcome.reason == "predictions of the test split are not all finite"


def test_a_link_is_not_followed_and_a_second_name_of_a_file_is_not_taken(tmp_path):
    other, file = honest(tmp_path / "other.npz"), tmp_path / "left.npz"
    for make in (os.symlink, os.link):
        make(other, file)
        outcome, content = settled(file)

        assert (outcome.status, content) == (FAILED, None)
        assert outcome.reason == "the file of predictions that the worker left is a link"
        assert other.exists()
        assert not file.exists()


def test_a_pipe_and_a_sparse_terabyte_are_refused_unread(tmp_path):
    file = tmp_path / "left.npz"
    os.mkfifo(file)
    assert "is not a regular file" in settled(file)[0].reason
    file.touch()
    os.truncate(file, 2**40)
    assert "has 1,099,511,627,776 bytes, more than" in settled(file)[0].reason


def test_an_outcome_that_is_ok_has_left_predictions_and_told_of_all_that_is_measured(tmp_path):
    nothing, _ = settled(tmp_path / "none.npz")
    assert nothing.reason == "the worker reported success and left no predictions"
    told = replace(an_outcome_of_a_worker(), timing={})
    silent, _ = settled(honest(tmp_path / "left.npz"), told)
    assert (silent.status, silent.reason) == (
        FAILED,
        "the worker told no build in its outcome's timing",
    )
    odd, _ = settled(
        honest(tmp_path / "left.npz"),
        replace(told, model={"parameters": "x", "size": 1}, timing=an_outcome().timing),
    )
    assert odd.reason == "the worker told a parameters of its model that is no count"


def test_a_second_member_of_the_archive_with_the_same_name_is_not_what_is_scored(tmp_path):
    import zipfile

    file = honest(tmp_path / "left.npz")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(40, dtype="float64"))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("predictions.npy", buffer.getvalue())

    assert settled(file)[0].status == FAILED


def test_what_has_failed_keeps_its_reason_and_nothing_that_it_left(tmp_path):
    told = Outcome(FAILED, "ValueError: no")
    outcome, content = settled(honest(tmp_path / "left.npz"), told)
    assert (outcome.reason, content) == ("ValueError: no", None)


# Several outputs, and classes of more than two


CLASSES = np.arange(40, dtype="float32") % 3
OF_CLASSES = Answers(split(CLASSES[:30]), split(CLASSES), {}, width=3, are_shares=True)


def settled_classes(path: Path, shares: Array) -> Outcome:
    shares = shares.astype("float32")
    file = left(path, validation_predictions=shares[:30], predictions=shares)
    return settle(an_outcome_of_a_worker(), TRIAL, "accuracy", file, OF_CLASSES)[0]


def test_classes_are_scored_by_their_probabilities(tmp_path):
    outcome = settled_classes(tmp_path / "left.npz", np.eye(3)[CLASSES.astype(int)])
    assert outcome.metrics["test"] == {"accuracy": 1.0}


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        (np.ones((40, 3)), "test predictions that add up to 3 over the classes of an example"),
        (np.full((40, 3), [2, -1, 0]), "predictions that go down to -1, which is no probability"),
        (CLASSES, "of shape (30,), not 3 numbers each of 30 examples"),
        (np.full((40, 4), 0.25), "of shape (30, 4), not 3 numbers each"),
    ],
)
def test_what_are_no_probabilities_of_the_classes_fails_the_trial(tmp_path, shares, reason):
    outcome = settled_classes(tmp_path / "left.npz", shares)

    assert outcome.status == FAILED
    assert reason.replace("test ", "") in outcome.reason.replace("validation ", "")
    assert "test" not in outcome.metrics


def test_parts_of_the_outputs_are_scored_by_themselves_too(tmp_path):
    targets = np.stack([TARGETS, TARGETS], axis=1)
    answers = Answers(
        split(targets[:30]), split(targets), {}, width=2, parts={"step 1": (0,), "step 2": (1,)}
    )
    off = np.array([1, 3], dtype="float32")
    file = left(
        tmp_path / "left.npz", validation_predictions=targets[:30] + off, predictions=targets + off
    )
    outcome, _ = settle(an_outcome_of_a_worker(), TRIAL, "mae", file, answers)

    expected = {"mae": 2.0, "mae_step 1": 1.0, "mae_step 2": 3.0}
    assert outcome.metrics["test"] == pytest.approx(expected)
