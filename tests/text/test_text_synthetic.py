"""The made reviews: the same bytes everywhere, and sentiment that has to be read."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from bench.text import synthetic
from bench.text.corpus import Corpus, Reviews
from bench.text.synthetic import make_corpus, synthesise

# Changes only together with SYNTHETIC in datasets/imdb.py.
FINGERPRINT = "23dda342ffd07fdeb3d286daa47f84c2f67f07d0ca30d520d3a5a6336e04c251"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(4000, 1000)


def polarity(corpus: Corpus) -> Any:
    """+1, -1 or 0 for every rank."""
    assert corpus.words is not None
    positive = {*synthetic.POSITIVE_STRONG.split(), *synthetic.POSITIVE_WEAK.split()}
    negative = {*synthetic.NEGATIVE_STRONG.split(), *synthetic.NEGATIVE_WEAK.split()}
    signs = [(word in positive) - (word in negative) for word in corpus.words]
    return np.array([0, *signs])


def sums(values: Any, reviews: Reviews) -> Any:
    through = np.concatenate(([0], np.cumsum(values)))
    ends = np.cumsum(reviews.lengths)
    return through[ends] - through[ends - reviews.lengths]


def ranks_of(corpus: Corpus, words: str) -> list[int]:
    assert corpus.words is not None
    return [corpus.words.index(word) + 1 for word in words.split()]


def accuracy(meaning: Any, reviews: Reviews) -> float:
    return float(((meaning > 0) == reviews.labels).mean())


def test_all_arrays_are_the_same_bytes_on_every_platform() -> None:
    prepared = synthesise()
    digest = hashlib.sha256()
    for name in sorted(prepared.arrays):
        array = prepared.arrays[name]
        digest.update(name.encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert digest.hexdigest() == FINGERPRINT
    assert prepared.meta["reviews"] == {"train": 20_000, "validation": 5_000, "test": 25_000}


def test_lengths_are_like_those_of_real_reviews(corpus: Corpus) -> None:
    lengths = corpus.train.lengths
    assert np.median(lengths) == pytest.approx(178, abs=8)
    assert lengths.mean() == pytest.approx(235, abs=12)
    assert lengths.max() > 1000


def test_labels_are_balanced_in_each_part(corpus: Corpus) -> None:
    assert corpus.train.labels.mean() == 0.5
    assert corpus.test.labels.mean() == 0.5


def test_frequent_words_fall_off_as_zipf_has_it(corpus: Corpus) -> None:
    counts = np.bincount(corpus.train.ranks)[1:]
    assert (np.diff(counts) <= 0).all()
    assert counts[99] / counts[999] == pytest.approx(10, rel=0.4)


def test_words_are_spelled_differently_and_sentiment_is_frequent(corpus: Corpus) -> None:
    assert corpus.words is not None
    assert len(set(corpus.words)) == len(corpus.words)
    strong = f"{synthetic.POSITIVE_STRONG} {synthetic.NEGATIVE_STRONG}"
    assert max(ranks_of(corpus, strong)) < 2000
    assert sum(rank < 500 for rank in ranks_of(corpus, strong)) > 25


def test_words_alone_tell_much_and_their_order_tells_more(corpus: Corpus) -> None:
    reviews = corpus.train
    sign = polarity(corpus)[reviews.ranks]
    bag = accuracy(sums(sign, reviews), reviews)
    assert 0.8 < bag < 0.92

    # Turn a word round when a negation stands before it or before its intensifier.
    negation = np.isin(reviews.ranks, ranks_of(corpus, synthetic.NEGATIONS))
    intensifier = np.isin(reviews.ranks, ranks_of(corpus, synthetic.INTENSIFIERS))
    negated = np.roll(negation, 1) | (np.roll(negation, 2) & np.roll(intensifier, 1))
    read = np.where(negated, -sign, sign)
    assert accuracy(sums(read, reviews), reviews) > bag + 0.03

    # And let what comes last weigh more.
    ends = np.repeat(np.cumsum(reviews.lengths), reviews.lengths)
    lengths = np.repeat(reviews.lengths, reviews.lengths)
    late = ends - np.arange(len(ends)) <= lengths // 4
    assert accuracy(sums(read * (1 + 2 * late), reviews), reviews) > bag + 0.06
