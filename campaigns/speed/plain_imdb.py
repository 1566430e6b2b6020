"""How a plain script feeds reviews: lists of word indices, made into arrays at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Lists = list[list[int]]

START, UNKNOWN, INDEX_FROM = 1, 2, 3  # as keras.datasets.imdb.load_data has them
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'"


@dataclass(frozen=True)
class Reviews:
    """Ranks of the words of each part in an npz file, and how a view encodes them.

    ``words`` is a file with a word a line by rank, "" where the data have none.
    """

    file: str
    words: str
    encoding: str
    num_words: int
    maxlen: int | None
    reverse: bool
    dimensions: int

    def read(self) -> dict[str, tuple[Lists, Array]]:
        """Return for each part a list of word ranks a review, and the labels."""
        with np.load(Path(self.file)) as arrays:
            return {
                part: (
                    _lists(arrays[f"{part}_tokens"], arrays[f"{part}_offsets"]),
                    arrays[f"{part}_labels"].astype("float32"),
                )
                for part in ("train", "validation", "test")
            }

    def encode(self, ranks: Lists) -> Array:
        """Return reviews as a model sees them, one array for all.

        Raises:
            KeyError: A plain script was never written for the encoding.
            MemoryError: The array would take more than the machine has free.
        """
        return _ENCODERS[self.encoding](self, ranks)

    def indices(self, ranks: Lists) -> Lists:
        """Return word indices, led by the start, rare words replaced."""
        shifted = [[START] + [rank + INDEX_FROM for rank in review] for review in ranks]
        kept = [[i if i < self.num_words else UNKNOWN for i in review] for review in shifted]
        return [review[::-1] for review in kept] if self.reverse else kept


def _lists(tokens: Array, offsets: Array) -> Lists:
    # The stored stream has a 0 before each review.
    return [tokens[start + 1 : end].tolist() for start, end in pairwise(offsets)]


def _ranks(reviews: Reviews, ranks: Lists) -> Array:
    """Return padded indices, shape (reviews, maxlen), int32."""
    from keras.utils import pad_sequences

    padded: Array = pad_sequences(reviews.indices(ranks), maxlen=reviews.maxlen)
    return padded


def _one_hot(reviews: Reviews, ranks: Lists) -> Array:
    """Return one-hot indices, shape (reviews, maxlen, num_words), float64."""
    from keras.utils import to_categorical

    padded = _ranks(reviews, ranks)
    _check_free(8 * padded.size * reviews.num_words)
    hot: Array = to_categorical(padded, reviews.num_words)
    return hot


def _multi_hot(reviews: Reviews, ranks: Lists) -> Array:
    """Return which words a review has, shape (reviews, num_words), float64."""
    _check_free(8 * len(ranks) * reviews.num_words)
    bags = np.zeros((len(ranks), reviews.num_words))
    for place, review in enumerate(reviews.indices(ranks)):
        bags[place, review] = 1.0
    return bags


def _hashed(reviews: Reviews, ranks: Lists) -> Array:
    """Return which buckets a review's words fall into, shape (reviews, dimensions), float64."""
    bags = np.zeros((len(ranks), reviews.dimensions))
    for place, review in enumerate(ranks):
        for rank in review:
            if rank + INDEX_FROM < reviews.num_words:
                bags[place, hash(str(rank)) % reviews.dimensions] = 1.0
    return bags


def _characters(reviews: Reviews, ranks: Lists) -> Array:
    """Return codes of letters, 1 for any other, 2 a space, shape (reviews, maxlen), int64."""
    words = Path(reviews.words).read_text(encoding="utf-8").split("\n")
    codes: Mapping[str, int] = {" ": 2, **{c: 3 + i for i, c in enumerate(LETTERS)}}
    assert reviews.maxlen is not None
    rows = np.zeros((len(ranks), reviews.maxlen), dtype="int64")
    for place, review in enumerate(ranks):
        text = " ".join(words[rank - 1] for rank in review)[-reviews.maxlen :]
        for column, letter in enumerate(text, reviews.maxlen - len(text)):
            rows[place, column] = codes.get(letter, 1)
    return rows


_ENCODERS: Mapping[str, Callable[[Reviews, Lists], Array]] = {
    "ranks": _ranks,
    "one_hot": _one_hot,
    "multi_hot": _multi_hot,
    "hashed": _hashed,
    "characters": _characters,
}


def _check_free(size: int) -> None:
    """Refuse what would drive the machine out of memory, other processes with it.

    Half as much again is needed when Keras casts the array to its own precision.
    """
    import psutil

    free = psutil.virtual_memory().available
    if 1.5 * size > free:
        raise MemoryError(f"arrays of {size / 2**30:.1f} GiB with {free / 2**30:.1f} GiB free")
