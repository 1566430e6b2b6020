"""Small reviews and the task that opens them, shared by the tests of text."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.task import Examples, OpenTask, Prepared
from bench.text.corpus import Corpus, Reviews, prepare
from bench.text.reading import read

WORDS = ["the", "film", "not", "good", "bad", "very", "it's", "café", "a", "50s"]


def load_task() -> ModuleType:
    path = Path(__file__).parents[1] / "datasets" / "imdb.py"
    spec = importlib.util.spec_from_file_location("imdb_task_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


imdb = load_task()


def made_reviews(count: int, seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    reviews = [rng.integers(1, 11, rng.integers(1, 15)).tolist() for _ in range(count)]
    reviews[0] = list(range(1, 11))
    return reviews


def as_part(reviews: list[list[int]]) -> Reviews:
    return Reviews(
        np.array([rank for review in reviews for rank in review], dtype=np.uint32),
        np.array([len(review) for review in reviews], dtype=np.int64),
        np.array([len(review) % 2 for review in reviews], dtype=np.uint8),
    )


def made_data(words: list[str] | None = WORDS) -> Prepared:
    corpus = Corpus(as_part(made_reviews(20, 1)), as_part(made_reviews(12, 2)), words)
    return prepare(corpus, "made reviews")


def opened(prepared: Prepared | None = None, **view: Any) -> OpenTask:
    task = imdb.open_view(made_data() if prepared is None else prepared, view)
    assert isinstance(task, OpenTask)
    return task


def all_inputs(part: Examples) -> Any:
    return part.gather(np.arange(len(part), dtype=np.int64))


def stored_reviews(prepared: Prepared, part: str) -> list[list[int]]:
    """Word ranks of one part's reviews, read off the stored arrays one by one."""
    tokens, offsets = prepared.arrays[f"{part}_tokens"], prepared.arrays[f"{part}_offsets"]
    return [tokens[offsets[i] + 1 : offsets[i + 1]].tolist() for i in range(len(offsets) - 1)]


def as_keras_loads(review: list[int], num_words: int) -> list[int]:
    """What keras.datasets.imdb.load_data makes of a stored review."""
    sequence = [1]
    for rank in review:
        sequence.append(rank + 3 if rank + 3 < num_words else 2)
    return sequence


def as_keras_pads(sequence: list[int], maxlen: int) -> list[int]:
    """What pad_sequences makes of a sequence by default."""
    last = sequence[len(sequence) - maxlen :] if len(sequence) > maxlen else sequence
    return [0] * (maxlen - len(last)) + last


def as_objects(items: list[Any]) -> Any:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def overwrite(path: Path) -> Path:
    path.write_bytes(b"no archive of any kind")
    return path


def assert_refused(files: list[Path], said: str = "") -> None:
    with pytest.raises(DataError) as caught:
        read(files)
    message = str(caught.value)
    assert str(files[-1]) in message
    assert said in message
    assert "; " in message, "says how to fix it"
    assert not any(word in message for word in ("delete", "remove"))
    assert "\n" not in message
