"""Open prepared reviews under one view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.errors import CannotRun
from bench.task import Array, Examples, OpenTask, Prepared
from bench.text import encode
from bench.text.alphabet import ALPHABET_SIZE, NO_WORDS, Vocabulary, spelling
from bench.text.corpus import PARTS
from bench.text.views import View, parse_view


@dataclass(frozen=True)
class _Opened:
    """What the encoders of all parts share."""

    view: View
    prepared: Prepared
    num_words: int
    index: Array

    @property
    def stored_words(self) -> Array | None:
        return self.prepared.arrays.get("vocabulary")


def open_view(prepared: Prepared, options: Mapping[str, Any]) -> OpenTask:
    """Open the reviews as ``options`` ask for them, without a pass over their words.

    Raises:
        BenchError: an option has a value that is not possible.
        CannotRun: the encoding needs words and the data has ranks only.
    """
    view = parse_view(options)
    if view.encoding == "characters" and "vocabulary" not in prepared.arrays:
        raise CannotRun(f"encoding='characters' needs words: {NO_WORDS}")
    vocabulary = len(prepared.arrays["document_frequency"]) - 1
    num_words = view.index_space(vocabulary)
    opened = _Opened(view, prepared, num_words, encode.word_indices(vocabulary, num_words))
    shape, dtype = _shape(opened)
    train, validation, test = (_examples(opened, part) for part in PARTS)
    return OpenTask(shape, dtype, train, validation, test, facts=_facts(opened))


def _examples(opened: _Opened, part: str) -> Examples:
    arrays = opened.prepared.arrays
    labels = arrays[f"{part}_labels"]
    stream = encode.Stream(
        # Indexing a memmap is slower by its subclass's overhead; the view is still mapped.
        np.asarray(arrays[f"{part}_tokens"]),
        np.asarray(arrays[f"{part}_offsets"]),
    )
    return Examples(
        targets=labels.astype(np.float32),
        gather=_encoder(opened, stream),
        groups=np.arange(len(labels), dtype=np.int32),
    )


def _encoder(opened: _Opened, stream: encode.Stream) -> encode.Gather:
    view, num_words = opened.view, opened.num_words
    window = encode.Window(view.maxlen, view.reverse)
    words = encode.Words(stream, window, opened.index)
    width = _width(opened)
    if view.encoding == "multi_hot":
        return encode.multi_hot_encoder(words, num_words)
    if view.encoding == "counts":
        return encode.counts_encoder(words, num_words)
    if view.encoding == "tf_idf":
        # Of the whole training part, however many are trained on: it holds no label.
        frequency = opened.prepared.arrays["document_frequency"]
        documents = len(opened.prepared.arrays["train_labels"])
        return encode.tf_idf_encoder(words, encode.idf(frequency, documents, num_words))
    if view.encoding == "hashed":
        return encode.hashed_encoder(words, view.dimensions)
    if view.encoding == "one_hot":
        return encode.one_hot_encoder(words, width, num_words)
    if view.encoding in encode.NGRAMS:
        longest = encode.NGRAMS[view.encoding]
        return encode.ngrams_encoder(words, width, num_words, view.dimensions, longest)
    if view.encoding == "characters":
        assert opened.stored_words is not None  # open_view has refused the rest
        return encode.characters_encoder(words, width, spelling(opened.stored_words))
    return encode.ranks_encoder(words, width)


def _width(opened: _Opened) -> int:
    """Return the items of a padded review: ``maxlen``, or those of the longest review."""
    if opened.view.maxlen is not None:
        return opened.view.maxlen
    unit = "characters" if opened.view.encoding == "characters" else "with_start"
    return int(opened.prepared.meta[f"longest_{unit}"])


def _shape(opened: _Opened) -> tuple[tuple[int, ...], str]:
    view = opened.view
    if view.encoding in ("multi_hot", "counts", "tf_idf"):
        return (opened.num_words,), "float32"
    if view.encoding == "hashed":
        return (view.dimensions,), "float32"
    if view.encoding == "one_hot":
        return (_width(opened), opened.num_words), "float32"
    if view.encoding in encode.NGRAMS:
        return (encode.NGRAMS[view.encoding] * _width(opened),), "int32"
    return (_width(opened),), "int32"


def _facts(opened: _Opened) -> dict[str, Any]:
    view = opened.view
    facts = {
        "num_words": opened.num_words,
        "maxlen": view.maxlen,
        "encoding": view.encoding,
        "reverse": view.reverse,
        "dimensions": view.dimensions,
        "vocabulary": Vocabulary(opened.stored_words, opened.num_words),
    }
    if view.encoding == "characters":
        facts["alphabet_size"] = ALPHABET_SIZE
    return facts
