"""The split of the training reviews and the layout that is stored."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bench.errors import DataError
from bench.task import Prepared
from bench.text.corpus import Corpus, Reviews, document_frequency, prepare, split_order

Labelled = tuple[list[int], int]


def as_part(reviews: list[Labelled]) -> Reviews:
    return Reviews(
        np.array([rank for ranks, _ in reviews for rank in ranks], dtype=np.uint32),
        np.array([len(ranks) for ranks, _ in reviews], dtype=np.int64),
        np.array([label for _, label in reviews], dtype=np.uint8),
    )


def made_reviews(count: int) -> list[Labelled]:
    return [([1 + number % 7, 2 + number, 1], number % 2) for number in range(count)]


def prepared_from(train: list[Labelled]) -> Prepared:
    return prepare(Corpus(as_part(train), as_part(made_reviews(3)), None), "made reviews")


def contents(prepared: Prepared, part: str) -> list[Labelled]:
    tokens, offsets = prepared.arrays[f"{part}_tokens"], prepared.arrays[f"{part}_offsets"]
    labels = prepared.arrays[f"{part}_labels"]
    return [
        (tokens[offsets[i] + 1 : offsets[i + 1]].tolist(), int(labels[i]))
        for i in range(len(labels))
    ]


def test_the_split_hangs_on_what_reviews_say_and_not_on_their_order() -> None:
    reviews = made_reviews(50)
    shuffled = reviews.copy()
    random.Random(3).shuffle(shuffled)
    first, second = prepared_from(reviews), prepared_from(shuffled)
    for part in ("train", "validation"):
        assert contents(first, part) == contents(second, part)
    assert len(contents(first, "validation")) == 10
    together = contents(first, "train") + contents(first, "validation")
    assert sorted(together) == sorted(reviews)


def test_the_split_mixes_labels_that_come_sorted() -> None:
    reviews = sorted(made_reviews(1000), key=lambda review: review[1])
    prepared = prepared_from(reviews)
    for part in ("train", "validation"):
        assert prepared.meta["positive_share"][part] == pytest.approx(0.5, abs=0.1)


def test_copies_of_a_review_stay_on_one_side() -> None:
    for copies in range(2, 12):
        reviews = [review for review in made_reviews(8) for _ in range(copies)]
        prepared = prepared_from(reviews)
        validation = {tuple(ranks) for ranks, _ in contents(prepared, "validation")}
        assert validation
        assert validation.isdisjoint(tuple(ranks) for ranks, _ in contents(prepared, "train"))


def test_where_all_reviews_are_copies_the_split_still_has_both_sides() -> None:
    order, cut = split_order(as_part([([4, 2], 1)] * 10))
    assert order.tolist() == list(range(10))
    assert cut == 2


def test_tests_keep_the_order_of_the_file_and_empty_reviews_stay() -> None:
    reviews = [([5], 1), ([], 0), ([6, 6], 1)]
    prepared = prepare(Corpus(as_part(made_reviews(5)), as_part(reviews), None), "made reviews")
    assert contents(prepared, "test") == reviews
    assert prepared.arrays["test_tokens"].tolist() == [0, 5, 0, 0, 6, 6]


def test_documents_are_counted_once_and_only_in_the_training_part() -> None:
    assert document_frequency(np.array([1, 1, 2, 1]), np.array([3, 1]), 3).tolist() == [0, 2, 1, 0]
    prepared = prepared_from(made_reviews(50))
    frequency = prepared.arrays["document_frequency"]
    for rank in range(1, 52):
        assert frequency[rank] == sum(rank in ranks for ranks, _ in contents(prepared, "train"))


def test_ranks_take_two_bytes_where_they_fit() -> None:
    assert prepared_from(made_reviews(5)).arrays["train_tokens"].dtype == np.uint16
    wide = [*made_reviews(4), ([70_000], 0)]
    assert prepared_from(wide).arrays["train_tokens"].dtype == np.uint32


def test_too_few_reviews_are_refused() -> None:
    with pytest.raises(DataError, match="1 training and 3 test reviews are too few"):
        prepared_from(made_reviews(1))
    assert len(contents(prepared_from(made_reviews(2)), "validation")) == 1
