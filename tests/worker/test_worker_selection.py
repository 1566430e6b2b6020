"""The test split chooses nothing: other test targets change the test scores and no other result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_job import MODEL, a_small_job, some_data

from bench.data.ready import Answers, no_inputs
from bench.records.predictions import unpack
from bench.runs.scoring import settle
from bench.task import Array, Examples

keras = pytest.importorskip("keras")


def trained_on(folder: Path, arrays: dict[str, Array]) -> tuple[Any, dict[str, Array]]:
    """Carry out one trial; return its outcome and what is kept beside its record."""
    from bench.worker.train import perform

    job = a_small_job(
        folder, arrays, MODEL, {"units": 4}, epochs=8, steps_per_epoch=6, learning_rate=0.03
    )
    told = perform(job, lambda epoch: None)
    assert not {"validation", "test"} & {*told.metrics}
    validation, test = (a_split(arrays[f"y_{name}"]) for name in ("validation", "test"))
    answers = Answers(validation, test, {"mae": 1.0})
    outcome, content = settle(told, job.trial, "mae", Path(job.predictions), answers)
    assert content is not None
    return outcome, unpack(Path(job.predictions), content)


def a_split(targets: Array) -> Examples:
    return Examples(targets, no_inputs, np.arange(len(targets)) // 8)


def test_permuting_the_test_targets_changes_nothing_but_the_test_scores(tmp_path):
    arrays = some_data()
    permuted = {**arrays, "y_test": np.random.default_rng(1).permutation(arrays["y_test"])}

    first, kept = trained_on(tmp_path / "first", arrays)
    other, kept_of_other = trained_on(tmp_path / "other", permuted)

    assert first.metrics["test"] != other.metrics["test"]
    assert first.metrics["best_epoch"] == other.metrics["best_epoch"]
    assert 1 < first.metrics["best_epoch"] < 8
    assert first.metrics["validation"] == other.metrics["validation"]
    assert first.metrics["train"] == other.metrics["train"]
    seconds = {"epoch_seconds", "elapsed_seconds"}
    for name in first.metrics["curves"].keys() - seconds:
        assert first.metrics["curves"][name] == other.metrics["curves"][name]
    for name in ("predictions", "validation_predictions", "validation_targets"):
        assert np.array_equal(kept[name], kept_of_other[name])


def test_the_best_epoch_is_the_best_one_on_validation(tmp_path):
    outcome, kept = trained_on(tmp_path / "only", some_data())
    curve = outcome.metrics["curves"]["validation_mae"]
    error = np.abs(kept["validation_predictions"] - kept["validation_targets"]).mean()

    assert outcome.metrics["best_epoch"] == int(np.argmin(curve)) + 1
    assert error == pytest.approx(min(curve), rel=1e-5)
