"""TensorFlow is fed the same batches as other backends, to the bit, by a pipeline of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_trial, sums
from text_world import made_data, opened

from bench.data.prepared import open_prepared, write_folder
from bench.task import Array, Examples, Lookup
from bench.text.views import ENCODINGS

keras = pytest.importorskip("keras")

LOOKED_UP = ("ranks", "one_hot", "characters", "bigrams", "trigrams")


def the_batches(examples: Examples, steps: int = 3, batch_size: int = 8) -> Any:
    from bench.worker.batches import TrainingBatches

    return TrainingBatches(examples, a_trial(steps_per_epoch=steps, batch_size=batch_size))


def one_by_one(batches: Any, epochs: int) -> list[tuple[Array, Array]]:
    """Return the batches of some epochs as other backends ask for them."""
    found = []
    for epoch in range(epochs):
        batches.begin(epoch)
        found += [batches[index] for index in range(len(batches))]
    return found


def piped(batches: Any, count: int) -> list[tuple[Array, Array]]:
    from bench.worker.tensorflow import pipeline

    return [(x.numpy(), y.numpy()) for x, y in pipeline(batches).take(count)]


def windows(steps: int = 40) -> Examples:
    """Every second window of five rows, of a table of two columns."""
    table = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    first = 2 * np.arange(steps, dtype="int64")
    lookup = Lookup(table, first, np.arange(5, dtype="int64"))
    targets = table[first + 6, 0]
    return Examples(targets, lookup.rows, np.arange(steps) // 8, lambda: lookup)


def are_equal(found: list[tuple[Array, Array]], expected: list[tuple[Array, Array]]) -> bool:
    return len(found) == len(expected) and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for pair, other in zip(found, expected, strict=True)
        for a, b in zip(pair, other, strict=True)
    )


@pytest.mark.parametrize("examples", [windows(), sums(50, 0)], ids=["looked up", "asked for"])
def test_the_batches_of_one_epoch_after_the_other_are_the_same(examples):
    batches = the_batches(examples)

    assert are_equal(piped(batches, 9), one_by_one(batches, 3))


def test_a_part_of_the_examples_is_looked_up_too():
    part = windows().only(np.array([31, 5, 5, 12, 0, 39, 7, 8, 2]))
    batches = the_batches(part, batch_size=4)

    assert part.lookup() is not None
    assert are_equal(piped(batches, 6), one_by_one(batches, 2))


def test_a_table_too_large_for_memory_is_left_on_disk(monkeypatch):
    from bench.worker import tensorflow

    asked = []
    examples = windows()
    gather = examples.gather

    def noting(numbers: Array) -> Array:
        asked.append(len(numbers))
        return gather(numbers)

    batches = the_batches(replace(examples, gather=noting))
    piped(batches, 3)
    assert asked == [1]  # Only for the type.

    monkeypatch.setattr(tensorflow, "LARGEST_TABLE", 0)
    assert are_equal(piped(batches, 3), one_by_one(the_batches(examples), 1))
    assert len(asked) >= 4


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_reviews_in_every_encoding_are_fed_as_they_are_gathered(tmp_path, encoding):
    folder = tmp_path / "prepared" / "imdb-v1-local-0-l2"
    write_folder(folder, made_data(), {})
    view = {"encoding": encoding, "maxlen": 6, "num_words": 300, "dimensions": 7}
    train = opened(open_prepared(folder), **view).train
    batches = the_batches(train, batch_size=3)

    assert (train.lookup() is not None) == (encoding in LOOKED_UP)
    assert are_equal(piped(batches, 6), one_by_one(batches, 2))


def test_nothing_waits_for_autotuning_at_the_end_of_an_epoch():
    from bench.worker.tensorflow import pipeline

    assert pipeline(the_batches(sums(50, 0))).options().autotune.enabled is False


def test_other_backends_ask_for_batches_themselves(monkeypatch):
    from bench.worker.keras_model import fed

    batches = the_batches(sums(50, 0))
    assert fed(batches, 1)["steps_per_epoch"] == 3

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert fed(batches, 1) == {"x": batches}
