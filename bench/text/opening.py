"""Open prepared reviews under one view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.errors import CannotRun
from bench.task import Array, Examples, Lookup, OpenTask, Prepared
from bench.text import encode
from bench.text.alphabet import ALPHABET_SIZE, NO_WORDS, Vocabulary, spelling
from bench.text.corpus import PARTS
from bench.text.forms import Form, form_of
from bench.text.kept import Kept, Part, kept_parts
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

    Reviews of stored data are encoded once, when the first are gathered, and kept.

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
    kept = _kept_parts(opened)
    train, validation, test = (_examples(prepared, part, kept[part]) for part in PARTS)
    return OpenTask(shape, dtype, train, validation, test, facts=_facts(opened))


def _examples(prepared: Prepared, part: str, kept: Kept) -> Examples:
    labels = prepared.arrays[f"{part}_labels"]
    return Examples(
        targets=labels.astype(np.float32),
        gather=kept.gather,
        groups=np.arange(len(labels), dtype=np.int32),
        lookup=kept.lookup,
    )


def _kept_parts(opened: _Opened) -> dict[str, Kept]:
    """Return what gathers each part: from what is kept, where the data are stored."""
    parts = {part: _part(opened, part) for part in PARTS}
    found = {name: Kept(part.encode, lambda: None) for name, part in parts.items()}
    label, form = _kept_as(opened)
    if opened.prepared.folder is not None and form is not None:
        found = kept_parts(opened.prepared.folder, label, form, parts)
    if opened.view.encoding == "one_hot":
        return {name: _one_hot(ranks, opened.num_words) for name, ranks in found.items()}
    return found


def _one_hot(ranks: Kept, num_words: int) -> Kept:
    def lookup() -> Lookup | None:
        found = ranks.lookup()
        return None if found is None else replace(found, depth=num_words)

    return Kept(encode.one_hot(ranks.gather, num_words), lookup)


def _part(opened: _Opened, part: str) -> Part:
    arrays = opened.prepared.arrays
    stream = encode.Stream(
        # Indexing a memmap is slower by its subclass's overhead; the view is still mapped.
        np.asarray(arrays[f"{part}_tokens"]),
        np.asarray(arrays[f"{part}_offsets"]),
    )
    return Part(_encoder(opened, stream), len(stream.offsets) - 1, len(stream.tokens))


def _kept_as(opened: _Opened) -> tuple[dict[str, Any], Form | None]:
    """Return all that an encoding depends on, and its form; rows of ranks serve one-hot too."""
    view, num_words = opened.view, opened.num_words
    encoding = "ranks" if view.encoding == "one_hot" else view.encoding
    label = {"encoding": encoding, "maxlen": view.maxlen, "reverse": view.reverse}
    if encoding != "characters":
        label["num_words"] = num_words
    if encoding == "hashed" or encoding in encode.NGRAMS:
        label["dimensions"] = view.dimensions
    width = _width(opened) if encoding == "ranks" else _shape(opened)[0][0]
    sizes = {"characters": ALPHABET_SIZE, "ranks": num_words}
    return label, form_of(encoding, width, sizes.get(encoding, num_words + view.dimensions) - 1)


def _encoder(opened: _Opened, stream: encode.Stream) -> encode.Gather:
    """Return what encodes a part; one-hot words are made of their ranks."""
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
