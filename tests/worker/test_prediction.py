"""Batches are predicted side by side, with the results and the state of one by one."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import psutil
import pytest
from keras_world import a_model, sums

keras = pytest.importorskip("keras")

EXAMPLES = sums(2100, 0)  # Five batches, the last one filled up.


class Counter(keras.layers.Layer):
    """Adds how often it was asked before: what is asked first gives less.

    ``keeps`` is the type it counts in; ``outside`` a variable that counts in its place.
    """

    def __init__(self, keeps: str = "float32", step: int = 1, outside: Any = None) -> None:
        super().__init__()
        self._keeps, self._step, self._outside = keeps, step, [outside]

    def build(self, shape: Any) -> None:
        if self._outside[0] is None:
            self.asked = self.add_weight((), "zeros", self._keeps, trainable=False)

    def call(self, inputs: Any) -> Any:
        asked = self.asked if self._outside[0] is None else self._outside[0]
        asked.assign(asked * self._step + 1)
        return 0.0 * inputs[:, :1] + keras.ops.cast(asked, "float32")


@pytest.fixture
def cores(monkeypatch):
    """A machine of so many cores."""
    from bench.worker import prediction

    return lambda count: monkeypatch.setattr(prediction, "_cores", lambda: count)


@pytest.fixture
def meeting(monkeypatch, cores):
    """Batches after the first are predicted only if two of them are in progress at once."""
    from bench.worker.tensorflow import PureStep

    cores(2)
    together, ask, sizes = threading.Barrier(2, timeout=30), PureStep.__call__, []

    def meet(self: Any, inputs: Any, state: Any) -> Any:
        sizes.append(len(inputs))
        if len(sizes) > 1:
            together.wait()
        return ask(self, inputs, state)

    monkeypatch.setattr(PureStep, "__call__", meet)
    return sizes


def predicted(model: Any, examples: Any = EXAMPLES, **compiled: Any) -> Any:
    from bench.worker.prediction import Predictor

    model.compile(**compiled)
    return Predictor(model).predict(examples)


def counting(**counter: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), Counter(**counter)])


def in_turn(*batches: float) -> Any:
    return np.repeat(batches, 512)[:2100]


def test_batches_side_by_side_give_what_they_give_one_by_one(cores):
    model, found = a_model(), []
    for count in (1, 4):
        cores(count)
        found.append(predicted(model, jit_compile=False))

    assert found[0].shape == (2100, 1)
    assert np.array_equal(*found)
    whole = model.predict(EXAMPLES.gather(np.arange(2100)), verbose=0)
    assert np.allclose(found[0], whole, atol=1e-6)


def test_cores_share_the_batches(meeting):
    assert len(predicted(a_model())) == 2100
    assert meeting == [512] * 5


def test_a_model_that_changes_as_it_predicts_is_asked_in_order(cores):
    cores(4)
    model = counting()

    assert np.array_equal(predicted(model)[:, 0], in_turn(1, 2, 3, 4, 5))
    assert model.layers[0].asked.numpy() == 5, "the model goes on from where it was left"


def test_dropout_does_not_keep_the_cores_from_sharing(meeting):
    recurrent = keras.layers.GRU(2, recurrent_dropout=0.5)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Reshape((4, 1)), recurrent, keras.layers.Dense(1)]
    )
    (seeds,) = [variable for variable in model.non_trainable_variables if "seed" in variable.path]
    before = seeds.numpy()

    assert len(predicted(model, jit_compile=False)) == 2100
    assert meeting == [512] * 5
    assert (seeds.numpy() - before).tolist() == [0, 15], "as one by one: three draws a batch"


def test_dropout_that_stays_on_draws_for_each_batch_what_it_would_in_order(cores):
    class AlwaysOn(keras.layers.Dropout):
        def call(self, inputs: Any, training: bool = False) -> Any:
            return super().call(inputs, training=True)

    model = keras.Sequential([keras.Input((4,)), AlwaysOn(0.5, seed=1)])
    (seeds,) = model.non_trainable_variables
    start = seeds.numpy()
    cores(4)
    side_by_side = predicted(model, jit_compile=False)
    seeds.assign(start)

    in_order = [
        model.predict_on_batch(EXAMPLES.gather(np.arange(i, i + 512) % 2100)) for i in (0, 512)
    ]
    assert np.array_equal(side_by_side[:1024], np.concatenate(in_order))
    assert not np.array_equal(side_by_side[:512] != 0, side_by_side[512:1024] != 0)


@pytest.mark.parametrize("keeps", ["int32", "uint8"])
def test_whole_numbers_that_grow_evenly_are_known_ahead(meeting, keeps):
    model = counting(keeps=keeps)

    assert np.array_equal(predicted(model)[:, 0], in_turn(1, 2, 3, 4, 5))
    assert meeting == [512] * 5
    assert model.layers[0].asked.numpy() == 5


def test_whole_numbers_that_do_not_are_asked_in_order(cores):
    cores(4)
    model = counting(keeps="int32", step=3)

    assert np.array_equal(predicted(model)[:, 0], in_turn(1, 4, 13, 40, 121))
    assert model.layers[0].asked.numpy() == 121


def test_a_model_that_counts_in_a_variable_of_nobody_is_asked_in_order(cores):
    cores(4)
    outside = keras.Variable(0.0)
    model = counting(outside=outside)

    assert np.array_equal(predicted(model)[:, 0], in_turn(1, 2, 3, 4, 5))
    assert outside.numpy() == 5


def test_a_model_that_runs_as_python_code_is_asked_in_order(cores):
    cores(4)
    asked: list[int] = []

    class Noting(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            asked.append(len(asked))
            return 0.0 * inputs[:, :1] + float(len(asked))

    model = keras.Sequential([keras.Input((4,)), Noting()])
    asked.clear()
    assert np.array_equal(predicted(model, run_eagerly=True)[:, 0], in_turn(1, 2, 3, 4, 5))


def test_weights_that_are_trained_on_are_the_ones_that_predict():
    from bench.worker.prediction import Predictor

    model = a_model()
    model.compile()
    predictor = Predictor(model)
    before = predictor.predict(EXAMPLES)
    model.set_weights([2 * weight for weight in model.get_weights()])

    assert np.array_equal(predictor.predict(EXAMPLES), 2 * before)


def test_a_split_smaller_than_a_batch_is_one():
    assert predicted(a_model(), sums(3, 0)).shape == (3, 1)


@pytest.mark.parametrize(("numbers", "batch"), [(8192, 512), (8193, 256), (10_000, 256)])
def test_wide_inputs_are_predicted_in_smaller_batches(numbers, batch):
    from bench.worker.batches import ScoringBatches

    class Wide:
        def __len__(self) -> int:
            return 600

        def gather(self, rows: Any) -> Any:
            return np.zeros((len(rows), numbers), "float32")

    assert len(ScoringBatches(Wide())[0][0]) == batch


def test_what_a_model_does_not_write_is_handed_on_uncopied():
    from bench.worker.tensorflow import PureStep

    frozen = keras.layers.Dense(1, trainable=False)
    model = keras.Sequential([keras.Input((4,)), Counter(), frozen])
    model.compile(jit_compile=False)
    step = PureStep(model)
    before = step.state
    _, after = step(EXAMPLES.gather(np.arange(3)), before)

    written = [one is not other for one, other in zip(before, after, strict=True)]
    assert written == [
        variable is model.layers[0].asked for variable in model.non_trainable_variables
    ]
    assert sum(written) == 1
    assert model.layers[0].asked.numpy() == 0, "the model itself is as it was"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the memory")
def test_freed_memory_goes_back_to_the_system():
    import ctypes

    from bench.worker.prediction import give_back

    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this C library cannot be told to give memory back")
    blocks = [bytes(64 * 1024) for _ in range(3000)]
    kept = blocks[::50]  # Pieces in use here and there keep the rest from going by itself.
    del blocks
    before = psutil.Process().memory_info().rss
    give_back()

    assert before - psutil.Process().memory_info().rss > 100e6
    assert len(kept) == 60


def test_it_goes_back_once_before_the_first_prediction(monkeypatch):
    from bench.worker import prediction
    from bench.worker.prediction import Predictor

    calls: list[str] = []
    monkeypatch.setattr(prediction, "give_back", lambda: calls.append("back"))
    model = a_model()
    model.compile()
    predictor = Predictor(model)
    predictor.predict(EXAMPLES)
    predictor.predict(EXAMPLES)

    assert calls == ["back"]


def test_every_pass_is_predicted_by_the_same_threads(monkeypatch, cores):
    from bench.worker.prediction import Predictor
    from bench.worker.tensorflow import PureStep

    cores(2)
    ask, threads = PureStep.__call__, set()

    def note(self: Any, inputs: Any, state: Any) -> Any:
        threads.add(threading.get_ident())
        return ask(self, inputs, state)

    monkeypatch.setattr(PureStep, "__call__", note)
    model = a_model()
    model.compile()
    predictor = Predictor(model)
    for _ in range(4):
        predictor.predict(EXAMPLES)

    assert len(threads) <= 3, "this one, and a thread for each core"
