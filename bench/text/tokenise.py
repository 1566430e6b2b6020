"""Text to words as Keras' text tokenizer does it (``text_to_word_sequence``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from bench.task import Array
from bench.text.corpus import Corpus, Reviews, drop_unranked, rank_words

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_TO_SPACES = str.maketrans(FILTERS, " " * len(FILTERS))


def words_of(text: str) -> list[str]:
    """Return the words of a text: lower case, filter characters to spaces, split at spaces.

    Only spaces part words, so other white space that is no filter character stays
    inside a word, as in Keras.
    """
    return [word for word in text.lower().translate(_TO_SPACES).split(" ") if word]


def build_corpus(train: Iterable[tuple[str, int]], test: Iterable[tuple[str, int]]) -> Corpus:
    """Tokenise (text, label) pairs and rank words by frequency over the training texts.

    Words of equal frequency are ranked in first-seen order; words that only the test
    texts have are dropped.
    """
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__  # a word not seen before takes the next number
    train_ids, train_lengths, train_labels = _numbered(train, ids)
    known = len(ids)
    test_ids, test_lengths, test_labels = _numbered(test, ids)
    ranks = rank_words(train_ids, len(ids))
    words = np.array(list(ids)[:known], dtype=object)
    words[ranks[:known].astype(np.int64) - 1] = words.copy()
    test_ranks, test_lengths = drop_unranked(ranks[test_ids], test_lengths)
    return Corpus(
        Reviews(ranks[train_ids], train_lengths, train_labels),
        Reviews(test_ranks, test_lengths, test_labels),
        words.tolist(),
    )


def _numbered(
    texts: Iterable[tuple[str, int]], ids: defaultdict[str, int]
) -> tuple[Array, Array, Array]:
    chunks: list[Array] = []
    labels: list[int] = []
    for text, label in texts:
        chunks.append(np.array([ids[word] for word in words_of(text)], dtype=np.int32))
        labels.append(label)
    return (
        np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int32),
        np.array([len(chunk) for chunk in chunks], dtype=np.int64),
        np.array(labels, dtype=np.uint8),
    )
