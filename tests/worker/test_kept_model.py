"""The best epoch's model, left by a trial and asked later: the same numbers, and no code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_job import a_small_job, some_data

from bench.errors import BenchError
from bench.protocol import OK, Outcome

keras = pytest.importorskip("keras")

COMPILED = (
    "def build(task):\n"
    "    from keras import Sequential, layers\n"
    "    model = Sequential([task.inputs(), layers.Dense(4, activation='tanh'), layers.Dense(1)])\n"
    "    model.compile('adam', loss=lambda y, p: (y - p) ** 2, metrics=['mae'])\n"
    "    return model\n"
)
CLASS = (
    "def build(task):\n"
    "    import keras\n"
    "    @keras.saving.register_keras_serializable('own')\n"
    "    class Mine(keras.layers.Dense):\n"
    "        pass\n"
    "    return keras.Sequential([task.inputs(), Mine(1)])\n"
)
LAMBDA = (
    "def build(task):\n"
    "    from keras import Sequential, layers\n"
    "    double = layers.Lambda(lambda x: 2 * x, output_shape=(3,))\n"
    "    return Sequential([task.inputs(), double, layers.Dense(1)])\n"
)
ESTIMATOR = (
    "class Mean:\n"
    "    def fit(self, x, y): self.mean = y.mean()\n"
    "    def predict(self, x): return [self.mean] * len(x)\n"
    "def build(task): return Mean()\n"
)


def trained(folder: Path, build: str) -> tuple[Outcome, Path]:
    job = a_small_job(folder, some_data(), build, epochs=3)
    job = replace(job, model=str(folder / "left.keras"))
    from bench.worker.train import perform

    return perform(job, lambda message: None), Path(job.model)


def numbers_of(*asked: Any) -> Any:
    from bench.worker import kept_model

    return kept_model.numbers_of(*asked)


def test_a_kept_model_gives_what_its_trial_predicted_and_keeps_no_optimizer(tmp_path):
    outcome, file = trained(tmp_path / "job", COMPILED)
    assert outcome.status == OK
    inputs = some_data()["x_test"]
    found = numbers_of(file.read_bytes(), outcome.model["output"], inputs, "it")
    predicted = np.load(tmp_path / "job" / "kept.npz")["predictions"]
    # The weights are those of the best epoch; a batch of another size adds in another order.
    assert np.allclose(found, predicted, rtol=0, atol=1e-6)
    assert b"adam" not in file.read_bytes().lower()


@pytest.mark.parametrize(("build", "said"), [(CLASS, "own>Mine"), (LAMBDA, "a Lambda layer")])
def test_a_model_with_code_of_its_own_is_kept_and_refused_when_it_is_asked(tmp_path, build, said):
    outcome, file = trained(tmp_path / "job", build)
    assert "model_not_kept" not in outcome.environment
    with pytest.raises(BenchError, match=f"it: has .*{said}.* no code of a file is run"):
        numbers_of(file.read_bytes(), outcome.model["output"], some_data()["x_test"], "it")


def test_what_cannot_be_kept_says_why_and_fails_nothing(tmp_path, monkeypatch):
    outcome, file = trained(tmp_path / "estimator", ESTIMATOR)
    assert outcome.status == OK
    assert "would be a pickle, which runs code" in outcome.environment["model_not_kept"]
    assert not file.exists()
    monkeypatch.setattr("bench.worker.kept_model.LARGEST", 1000)
    outcome, file = trained(tmp_path / "large", COMPILED)
    assert outcome.status == OK
    assert "bytes, more than the 1,000 that are kept" in outcome.environment["model_not_kept"]
    assert not file.exists()


@pytest.mark.parametrize("output", [{"kind": "number", "odd": 1}, {}])
def test_a_file_that_cannot_be_asked_is_one_line(tmp_path, output: dict[str, Any]):
    outcome, file = trained(tmp_path / "job", COMPILED)
    inputs = some_data()["x_test"][:, :2]  # Of another shape than the model's.
    with pytest.raises(BenchError, match=r"^it: cannot be asked ") as caught:
        numbers_of(file.read_bytes(), output or outcome.model["output"], inputs, "it")
    assert "\n" not in str(caught.value)
