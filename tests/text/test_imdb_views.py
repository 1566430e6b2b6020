"""The IMDB task under its views, against plain loops over a small corpus."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from text_world import (
    WORDS,
    all_inputs,
    as_keras_loads,
    as_keras_pads,
    made_data,
    opened,
    stored_reviews,
)

from bench.errors import CannotRun


@pytest.mark.parametrize("maxlen", [1, 4, 40])
@pytest.mark.parametrize("num_words", [4, 9, 50])
def test_ranks_are_what_keras_loads_and_pads(maxlen: int, num_words: int) -> None:
    prepared = made_data()
    task = opened(prepared, maxlen=maxlen, num_words=num_words)
    for name in ("train", "validation", "test"):
        expected = [
            as_keras_pads(as_keras_loads(review, num_words), maxlen)
            for review in stored_reviews(prepared, name)
        ]
        assert all_inputs(getattr(task, name)).tolist() == expected
    assert task.input_shape == (maxlen,)
    assert task.input_dtype == "int32"


def test_reversing_comes_before_cutting() -> None:
    prepared = made_data()
    expected = [
        as_keras_pads(as_keras_loads(review, 50)[::-1], 5)
        for review in stored_reviews(prepared, "test")
    ]
    task = opened(prepared, maxlen=5, num_words=50, reverse=True)
    assert all_inputs(task.test).tolist() == expected
    assert expected[0] == [7, 6, 5, 4, 1]


def test_without_maxlen_reviews_are_padded_to_the_longest() -> None:
    prepared = made_data()
    task = opened(prepared, maxlen=None)
    longest = max(
        len(review) + 1
        for name in ("train", "validation", "test")
        for review in stored_reviews(prepared, name)
    )
    assert task.input_shape == (longest,)
    assert all_inputs(task.test).shape == (12, longest)


def test_without_num_words_every_word_keeps_an_index_of_its_own() -> None:
    task = opened(num_words=None)
    assert task.facts["num_words"] == 14
    assert all_inputs(task.test).max() == 13


def test_multi_hot_counts_and_tf_idf_agree_with_loops() -> None:
    prepared = made_data()
    num_words, documents = 9, len(stored_reviews(prepared, "train"))
    for index, review in enumerate(stored_reviews(prepared, "test")):
        counts = [0.0] * num_words
        for item in as_keras_loads(review, num_words):
            counts[item] += 1
        weighted = [0.0] * num_words
        for rank in range(1, 6):
            holding = sum(rank in other for other in stored_reviews(prepared, "train"))
            idf = math.log((1 + documents) / (1 + holding)) + 1
            weighted[rank + 3] = counts[rank + 3] * idf
        norm = math.sqrt(sum(weight**2 for weight in weighted)) or 1.0

        def bag(encoding: str, row: int = index) -> Any:
            task = opened(prepared, encoding=encoding, num_words=num_words, maxlen=None)
            assert task.input_shape == (num_words,)
            return task.test.gather(np.array([row]))[0]

        assert bag("counts").tolist() == counts
        assert bag("multi_hot").tolist() == [float(count > 0) for count in counts]
        assert bag("tf_idf") == pytest.approx([weight / norm for weight in weighted], abs=1e-6)


def test_a_bag_holds_only_the_words_that_maxlen_keeps() -> None:
    task = opened(encoding="counts", maxlen=3, num_words=50)
    assert all_inputs(task.test).sum(axis=1).max() == 3


def test_hashed_words_land_in_one_bucket_each_and_start_in_none() -> None:
    prepared = made_data()
    task = opened(prepared, encoding="hashed", dimensions=1000, maxlen=None)
    bags = all_inputs(task.test)
    bucket_of: dict[int, set[int]] = {}
    for review, bag in zip(stored_reviews(prepared, "test"), bags, strict=True):
        assert bag.sum() <= len(set(review))
        for rank in set(review):
            bucket_of[rank] = bucket_of.get(rank, set(range(1000))) & set(np.flatnonzero(bag))
    assert all(len(buckets) >= 1 for buckets in bucket_of.values())


def test_buckets_are_the_same_on_every_platform() -> None:
    from bench.text.encode import scaled_hash

    def literal(key: int) -> int:
        mixed = (key + 0x9E3779B97F4A7C15) % 2**64
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        mixed ^= mixed >> 31
        return (mixed >> 32) * 1000 >> 32

    keys = [0, 1, 4, 88_585, 2**40 + 7]
    assert scaled_hash(np.array(keys), 1000).tolist() == [literal(key) for key in keys]


def test_one_hot_marks_padding_as_index_zero() -> None:
    ranks = all_inputs(opened(maxlen=6, num_words=9).test)
    task = opened(encoding="one_hot", maxlen=6, num_words=9)
    hot = all_inputs(task.test)
    assert task.input_shape == (6, 9)
    assert (hot.argmax(axis=2) == ranks).all()
    assert (hot.sum(axis=2) == 1).all()


def test_bigrams_follow_the_words_and_name_ordered_pairs() -> None:
    prepared = made_data()
    task = opened(prepared, encoding="bigrams", maxlen=6, num_words=50, dimensions=100_000)
    rows = all_inputs(task.test)
    assert task.input_shape == (12,)
    ids: dict[tuple[int, int], int] = {}
    for review, row in zip(stored_reviews(prepared, "test"), rows.tolist(), strict=True):
        words = as_keras_pads(as_keras_loads(review, 50), 6)
        assert row[:6] == words
        assert row[6] == 0
        for position in range(1, 6):
            pair = (words[position - 1], words[position])
            if pair[0] == 0:
                assert row[6 + position] == 0
            else:
                assert 50 <= row[6 + position] < 100_050
                assert ids.setdefault(pair, row[6 + position]) == row[6 + position]
    assert len(set(ids.values())) == len(ids)


def test_trigrams_follow_the_bigrams_and_name_ordered_triples() -> None:
    prepared = made_data()
    view = {"maxlen": 6, "num_words": 50, "dimensions": 1_000_000}
    pairs = all_inputs(opened(prepared, encoding="bigrams", **view).test)
    task = opened(prepared, encoding="trigrams", **view)
    rows = all_inputs(task.test)
    assert task.input_shape == (18,)
    assert (rows[:, :12] == pairs).all()
    ids: dict[tuple[int, ...], int] = {}
    for row in rows.tolist():
        assert row[12:14] == [0, 0]
        for position in range(2, 6):
            triple = tuple(row[position - 2 : position + 1])
            if triple[0] == 0:
                assert row[12 + position] == 0
            else:
                assert 50 <= row[12 + position] < 1_000_050
                assert ids.setdefault(triple, row[12 + position]) == row[12 + position]
    assert len(set(ids.values())) == len(ids) > len({tuple(sorted(triple)) for triple in ids})


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("maxlen", [1, 2, 7, 200, None])
def test_characters_spell_the_end_of_the_review(maxlen: int | None, reverse: bool) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789'"
    prepared = made_data()
    task = opened(prepared, encoding="characters", maxlen=maxlen, reverse=reverse, num_words=5)
    for review, row in zip(
        stored_reviews(prepared, "test"), all_inputs(task.test).tolist(), strict=True
    ):
        text = " ".join(WORDS[rank - 1] for rank in review)
        codes = [
            2 if letter == " " else letters.index(letter) + 3 if letter in letters else 1
            for letter in (text[::-1] if reverse else text)
        ]
        assert row == as_keras_pads(codes, task.input_shape[0])
    assert task.facts["alphabet_size"] == 40


def test_characters_need_words_and_say_which_file_has_them() -> None:
    with pytest.raises(CannotRun, match=r"imdb_word_index\.json"):
        opened(made_data(words=None), encoding="characters")
