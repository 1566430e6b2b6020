"""Batches are predicted side by side where that changes nothing, and come out in order."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from test_worker_keras_model import a_model, sums

keras = pytest.importorskip("keras")

EXAMPLES = sums(2100, 0)  # Five batches, the last one filled up.


class Counter(keras.layers.Layer):
    """Adds how often it was asked before: what is asked first gives less."""

    def build(self, shape: Any) -> None:
        self.asked = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        self.asked.assign_add(1.0)
        return 0.0 * inputs[:, :1] + self.asked


def predicted(monkeypatch: Any, model: Any, cores: int) -> Any:
    from bench.worker import prediction

    monkeypatch.setattr(prediction, "_cores", lambda: cores)
    return prediction.predict(model, EXAMPLES)


def test_batches_side_by_side_give_what_they_give_one_by_one(monkeypatch):
    model = a_model()
    model.compile(jit_compile=False)
    one, four = (predicted(monkeypatch, model, cores) for cores in (1, 4))

    assert one.shape == (2100, 1)
    assert np.array_equal(one, four)
    assert np.allclose(one, model.predict(EXAMPLES.gather(np.arange(2100)), verbose=0), atol=1e-6)


def test_cores_share_the_batches(monkeypatch):
    model, together = a_model(), threading.Barrier(2, timeout=30)
    model.compile()
    ask, calls = model.predict_on_batch, []

    def meeting(batch: Any) -> Any:
        calls.append(len(batch))
        if len(calls) > 1:
            together.wait()  # Passed only if two batches are under way at once.
        return ask(batch)

    monkeypatch.setattr(model, "predict_on_batch", meeting)
    assert len(predicted(monkeypatch, model, 2)) == 2100
    assert calls == [512] * 5


def test_a_model_that_changes_as_it_predicts_is_asked_in_order(monkeypatch):
    model = keras.Sequential([keras.Input((4,)), Counter()])
    model.compile()

    assert np.array_equal(
        predicted(monkeypatch, model, 4)[:, 0], np.repeat(np.arange(1.0, 6.0), 512)[:2100]
    )


def test_a_split_smaller_than_a_batch_is_one(monkeypatch):
    from bench.worker.prediction import predict

    model = a_model()
    model.compile()
    assert predict(model, sums(3, 0)).shape == (3, 1)
