"""Encoders: from word ranks in one long stream to the batch that a model is fed.

Each ``*_encoder`` returns a function from review numbers, int64 of shape (batch,), to
an array of shape (batch, ...). Nothing is computed for reviews that are not asked for,
and no step loops over words or reviews.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.task import Array
from bench.text.alphabet import Spelling, spans
from bench.text.views import INDEX_FROM, PADDING, START, UNKNOWN

Gather = Callable[[Array], Array]

#: The encodings of n-grams, and how many words the longest has.
NGRAMS = {"bigrams": 2, "trigrams": 3}


@dataclass(frozen=True)
class Stream:
    """One part of the data: review i is ``tokens[offsets[i]:offsets[i + 1]]``.

    Tokens are word ranks, led by a 0 that stands for the start of the review.
    """

    tokens: Array
    offsets: Array


@dataclass(frozen=True)
class WordWindow:
    """The last ``maxlen`` items of a review (None: all), reversed first if asked.

    Reversing comes before cutting, as in ``pad_sequences([x[::-1] for x in reviews])``,
    so that a reversed review keeps its beginning.
    """

    maxlen: int | None
    reverse: bool

    def cut(self, first: Array, length: Array) -> tuple[Array, Array]:
        """Return the positions of the items kept, end to end, and how many per review."""
        kept = length if self.maxlen is None else np.minimum(length, self.maxlen)
        if not self.reverse:
            return spans(first + length - kept, kept), kept
        # Counting down from b to a is counting up from -b to -a.
        return -spans(1 - first - kept, kept), kept


@dataclass(frozen=True)
class Words:
    """The words of reviews as indices: what all encodings of words start from.

    ``index`` has shape (vocabulary + 1,): the index of every rank, START for rank 0.
    """

    stream: Stream
    window: WordWindow
    index: Array

    def indices(self, reviews: Array) -> tuple[Array, Array]:
        """Return the indices kept, end to end, and how many each review has."""
        first = self.stream.offsets[reviews]
        positions, kept = self.window.cut(first, self.stream.offsets[reviews + 1] - first)
        return self.index[self.stream.tokens[positions]], kept


def word_indices(vocabulary: int, num_words: int) -> Array:
    """Return the index of every rank 0 .. vocabulary, shape (vocabulary + 1,), int32.

    As ``keras.datasets.imdb.load_data`` has it: ranks are shifted by INDEX_FROM and
    what reaches ``num_words`` becomes UNKNOWN.
    """
    index = np.arange(vocabulary + 1, dtype=np.int32) + INDEX_FROM
    index[index >= num_words] = UNKNOWN
    index[0] = START
    return index


def padded(items: Array, kept: Array, width: int) -> Array:
    """Right-align each review's items in a row of PADDING, shape (batch, width), int32."""
    rows = np.full((len(kept), width), PADDING, dtype=np.int32)
    ends = width * np.arange(1, len(kept) + 1, dtype=np.int64)
    rows.reshape(-1)[spans(ends - kept, kept)] = items
    return rows


def ranks_encoder(words: Words, width: int) -> Gather:
    """Word indices, padded in front: (batch, width), int32."""
    return lambda reviews: padded(*words.indices(reviews), width)


def one_hot(ranks: Gather, num_words: int) -> Gather:
    """One-hot what a gather of word indices gives, padding included, as ``to_categorical``.

    The result has shape (batch, width, num_words), float32.
    """

    def gather(reviews: Array) -> Array:
        indices = ranks(reviews)
        hot = np.zeros((indices.size, num_words), dtype=np.float32)
        hot[np.arange(indices.size), indices.reshape(-1)] = 1
        return hot.reshape(*indices.shape, num_words)

    return gather


def multi_hot_encoder(words: Words, num_words: int) -> Gather:
    """1 where a word occurs, start and unknown included: (batch, num_words), float32."""

    def gather(reviews: Array) -> Array:
        bag = np.zeros((len(reviews), num_words), dtype=np.float32)
        bag.reshape(-1)[_cells(*words.indices(reviews), num_words)] = 1
        return bag

    return gather


def counts_encoder(words: Words, num_words: int) -> Gather:
    """How often each word occurs: (batch, num_words), float32."""

    def gather(reviews: Array) -> Array:
        bag = np.zeros((len(reviews), num_words), dtype=np.float32)
        np.add.at(bag.reshape(-1), _cells(*words.indices(reviews), num_words), np.float32(1))
        return bag

    return gather


def idf(document_frequency: Array, documents: int, num_words: int) -> Array:
    """Return the inverse document frequency of every index, shape (num_words,), float32.

    idf(t) = ln((1 + n) / (1 + df(t))) + 1: Spärck Jones (1972), smoothed as if one more
    document held every term, as in scikit-learn's TfidfTransformer. Indices that are no
    word (padding, start, unknown) weigh nothing.
    """
    weights = np.zeros(num_words, dtype=np.float32)
    frequency = document_frequency[1 : max(1, num_words - INDEX_FROM)].astype(np.float64)
    first = INDEX_FROM + 1
    weights[first : first + len(frequency)] = np.log((1 + documents) / (1 + frequency)) + 1
    return weights


def tf_idf_encoder(words: Words, weights: Array) -> Gather:
    """Counts times ``weights``, rows scaled to length 1: (batch, num_words), float32."""
    num_words = len(weights)

    def gather(reviews: Array) -> Array:
        indices, kept = words.indices(reviews)
        bag = np.zeros((len(reviews), num_words), dtype=np.float32)
        np.add.at(bag.reshape(-1), _cells(indices, kept, num_words), weights[indices])
        length = np.sqrt(np.einsum("ij,ij->i", bag, bag))
        bag /= np.where(length > 0, length, 1)[:, np.newaxis]
        return bag

    return gather


def hashed_encoder(words: Words, dimensions: int) -> Gather:
    """1 in the buckets of the words that occur: (batch, dimensions), float32.

    A word is hashed by its index: within one data set that is as good a name as its
    letters, it is there without a word index, and an integer mix is the same on every
    platform. Start and unknown are no words and are left out.
    """
    bucket = scaled_hash(np.arange(len(words.index) + INDEX_FROM), dimensions)

    def gather(reviews: Array) -> Array:
        indices, kept = words.indices(reviews)
        row = np.repeat(np.arange(len(kept), dtype=np.int64) * dimensions, kept)
        is_word = indices > INDEX_FROM
        bag = np.zeros((len(reviews), dimensions), dtype=np.float32)
        bag.reshape(-1)[row[is_word] + bucket[indices[is_word]]] = 1
        return bag

    return gather


def ngrams_encoder(
    words: Words, width: int, num_words: int, dimensions: int, longest: int
) -> Gather:
    """Word indices, then hashed n-grams, n = 2 .. longest: (batch, longest * width), int32.

    Position (n - 1) * width + t holds ``num_words`` + bucket of the n words that end at
    t, the start being a word too; PADDING where there are not so many (Joulin et al., 2017).
    """

    def gather(reviews: Array) -> Array:
        rows = np.zeros((len(reviews), longest * width), dtype=np.int32)
        indices = padded(*words.indices(reviews), width)
        rows[:, :width] = indices
        grams = indices.astype(np.uint64)
        for n in range(2, longest + 1):
            last = indices[:, n - 1 :]
            # All words but the last are mixed once more than the last: the order counts.
            grams = _mixed(grams[:, :-1]) + last.astype(np.uint64)
            hashed = num_words + scaled_hash(grams, dimensions)
            is_whole = indices[:, : 1 - n] != PADDING
            rows[:, (n - 1) * width + n - 1 : n * width] = np.where(is_whole, hashed, PADDING)
        return rows

    return gather


def characters_encoder(words: Words, width: int, spelling: Spelling) -> Gather:
    """Codes of the review's letters, words joined by spaces: (batch, width), int32.

    Every word is spelled, whatever ``num_words``.
    """
    stream, window = words.stream, words.window

    def gather(reviews: Array) -> Array:
        first = stream.offsets[reviews] + 1
        count = stream.offsets[reviews + 1] - first
        # A word and its space are at least two characters, so this many words reach.
        enough = count if window.maxlen is None else np.minimum(count, window.maxlen // 2 + 1)
        from_word = first if window.reverse else first + count - enough
        codes, length = spelling.spell(stream.tokens[spans(from_word, enough)], enough)
        positions, kept = window.cut(np.cumsum(length) - length, length)
        return padded(codes[positions], kept, width)

    return gather


def scaled_hash(keys: Array, buckets: int) -> Array:
    """Hash whole numbers into [0, buckets): SplitMix64's finaliser (Steele et al., 2014)."""
    high = _mixed(keys) >> np.uint64(32)
    return ((high * np.uint64(buckets)) >> np.uint64(32)).astype(np.int64)


def _mixed(keys: Array) -> Array:
    """Scatter whole numbers over 64 bits; no two fall together."""
    mixed = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _cells(indices: Array, kept: Array, width: int) -> Array:
    """Return where each item lands in the flattened (batch, width) bag."""
    return np.repeat(np.arange(len(kept), dtype=np.int64) * width, kept) + indices
