"""The test split chooses nothing: other test targets change the test scores and no other result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_plugin, task_source
from test_worker_keras_model import a_trial

from bench.data.arrays import write_arrays
from bench.job import Job
from bench.task import Array, Prepared

keras = pytest.importorskip("keras")

TASK = """
import numpy as np
from bench.task import Examples, OpenTask


def open_view(prepared, view):
    def split(name):
        x, y = (np.array(prepared.arrays[f"{part}_{name}"]) for part in "xy")
        return Examples(y, lambda numbers: x[numbers], np.arange(len(y)) // 8)

    splits = [split(name) for name in ("train", "validation", "test")]
    return OpenTask((3,), "float32", *splits, units={"mae": 1.0})
"""

MODEL = (
    "def build(task, units):\n"
    "    from keras import Sequential, layers\n"
    "    return Sequential([task.inputs(), layers.Dense(units, activation='tanh'), "
    "layers.Dropout(0.2), layers.Dense(1)])\n"
)


def some_data() -> dict[str, Array]:
    """Noisy sums of three inputs, so that some epochs are better on validation than others."""
    random = np.random.default_rng(3)
    arrays: dict[str, Array] = {}
    for name, count in (("train", 96), ("validation", 64), ("test", 64)):
        x = random.normal(size=(count, 3)).astype("float32")
        noise = random.normal(scale=0.7, size=count)
        arrays[f"x_{name}"] = x
        arrays[f"y_{name}"] = (x.sum(axis=1) + noise).astype("float32")
    return arrays


def trained_on(folder: Path, arrays: dict[str, Array]) -> tuple[Any, dict[str, Array]]:
    """Carry out one trial; return its outcome and what it keeps beside its record."""
    from bench.worker.perform import perform

    (folder / "prepared").mkdir(parents=True)
    (folder / "made.py").write_text(task_source() + TASK, encoding="utf-8")
    write_arrays(folder / "prepared", Prepared(arrays, {}), {"task": "made"})
    plugin = a_plugin(folder, build=MODEL)
    trial = replace(
        a_trial(epochs=8, steps_per_epoch=6, learning_rate=0.03), hyperparameters={"units": 4}
    )
    job = Job(
        trial,
        str(plugin),
        plugin.read_text(encoding="utf-8"),
        str(folder / "made.py"),
        str(folder / "prepared"),
        str(folder / "kept.npz"),
    )
    outcome = perform(job, lambda epoch: None)
    with np.load(job.predictions) as kept:
        return outcome, dict(kept)


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
