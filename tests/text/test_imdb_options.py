"""What the IMDB task declares, which options it takes, and what it tells a plugin."""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from text_world import (
    WORDS,
    all_inputs,
    as_keras_loads,
    as_keras_pads,
    imdb,
    made_data,
    made_reviews,
    opened,
)

from bench.errors import BenchError, CannotRun
from bench.task import Prepared
from bench.text.views import ENCODINGS
from bench.worker.sampling import fixed_part


def test_the_declaration_is_literal_and_names_every_encoding() -> None:
    path = Path(__file__).parents[2] / "datasets" / "imdb.py"
    declared = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert tuple(declared["CHOICES"]["encoding"]) == ENCODINGS
    assert declared["VIEW"]["encoding"] in ENCODINGS
    assert set(declared["CHOICES"]) <= set(declared["VIEW"])


def test_a_file_is_read_and_opened_by_the_task(tmp_path: Path) -> None:
    reviews = np.empty(6, dtype=object)
    reviews[:] = made_reviews(6, 3)
    labels = np.array([0, 1, 0, 1, 0, 1])
    path = tmp_path / "imdb.npz"
    np.savez(path, x_train=reviews, y_train=labels, x_test=reviews, y_test=labels)
    task = opened(imdb.read([path], False), maxlen=20)
    assert len(task.train) + len(task.validation) == len(task.test) == 6
    assert all_inputs(task.test)[0].tolist() == as_keras_pads(
        as_keras_loads(list(range(1, 11)), 10_000), 20
    )


def test_the_vocabulary_names_the_indices_of_the_input() -> None:
    prepared = made_data()
    task = opened(prepared, maxlen=None, num_words=None)
    vocabulary = task.facts["vocabulary"]
    row = all_inputs(task.test)[0]
    spelled = [vocabulary[index] for index in row[row > 3]]
    assert spelled == WORDS
    assert len(vocabulary) == task.facts["num_words"] == 14
    assert list(opened(prepared, num_words=6).facts["vocabulary"])[-2:] == WORDS[:2]


def test_a_vocabulary_without_words_fails_only_when_looked_at() -> None:
    task = opened(made_data(words=None))
    with pytest.raises(CannotRun, match="no words"):
        list(task.facts["vocabulary"])


def test_a_part_of_the_training_reviews_leaves_the_rest_alone() -> None:
    task = opened()
    few = fixed_part(task.train, 3)
    assert (len(few), len(task.train)) == (3, 16)
    assert all(row in all_inputs(task.train).tolist() for row in all_inputs(few).tolist())
    assert few.targets.dtype == np.float32
    assert few.groups.dtype == np.int32
    assert len(set(few.groups.tolist())) == 3


def test_examples_are_gathered_in_the_order_asked_for() -> None:
    task = opened()
    rows = all_inputs(task.test)
    wanted = np.array([7, 0, 7, 11])
    assert (task.test.gather(wanted) == rows[wanted]).all()
    assert task.test.gather(np.zeros(0, dtype=np.int64)).shape == (0, 500)


@pytest.mark.parametrize(
    ("view", "named"),
    [
        ({"maxlen": 0}, "maxlen=0"),
        ({"maxlen": 2.5}, "maxlen=2.5"),
        ({"num_words": 3}, "num_words=3"),
        ({"num_words": True}, "num_words=True"),
        ({"dimensions": 0}, "dimensions=0"),
        ({"dimensions": None}, "dimensions=None"),
        ({"reverse": 1}, "reverse=1"),
        ({"encoding": "rank"}, "encoding='rank'"),
        ({"encoding": "one_hot", "maxlen": None}, "maxlen=None"),
        ({"encoding": "one_hot", "num_words": None}, "num_words=None"),
        ({"encoding": "one_hot"}, "maxlen=500 with num_words=10000"),
    ],
)
def test_an_impossible_option_is_named_with_its_mend(view: Mapping[str, Any], named: str) -> None:
    with pytest.raises(BenchError) as caught:
        opened(**view)
    message = str(caught.value)
    assert message.startswith(named)
    assert "\n" not in message
    assert "use " in message or "set " in message


def test_opening_does_not_pass_over_the_words() -> None:
    # Tokens that cannot be read stand for tokens that need not be.
    prepared = made_data()
    unreadable = {
        name: np.empty(0, dtype=array.dtype) if name.endswith("_tokens") else array
        for name, array in prepared.arrays.items()
    }
    began = time.perf_counter()
    for encoding in imdb.CHOICES["encoding"]:
        opened(Prepared(unreadable, prepared.meta), encoding=encoding, num_words=50, maxlen=10)
    assert time.perf_counter() - began < 0.5
