"""Open prepared reviews under one view."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

from bench.data.encoded import keep
from bench.errors import CannotRun
from bench.task import Array, Examples, Lookup, OpenTask, Prepared
from bench.text import encode
from bench.text.alphabet import ALPHABET_SIZE, NO_WORDS, Vocabulary, spans, spelling
from bench.text.corpus import PARTS
from bench.text.encode import Gather
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
    highest, facts = _highest(opened), _facts(opened)
    classes = tuple(prepared.meta.get("classes", ()))
    return OpenTask(
        shape, dtype, train, validation, test, facts=facts, highest=highest, classes=classes
    )


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


def _part(opened: _Opened, part: str) -> EncodedPart:
    arrays = opened.prepared.arrays
    stream = encode.Stream(
        # Indexing a memmap is slower by its subclass's overhead; the view is still mapped.
        np.asarray(arrays[f"{part}_tokens"]),
        np.asarray(arrays[f"{part}_offsets"]),
    )
    return EncodedPart(_encoder(opened, stream), len(stream.offsets) - 1, len(stream.tokens))


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
    return label, form_of(encoding, width, _index_space(opened) - 1)


def _index_space(opened: _Opened) -> int:
    """Return one more than the highest number of an encoding in whole numbers."""
    num_words = opened.num_words
    sizes = {"characters": ALPHABET_SIZE, "ranks": num_words, "one_hot": num_words}
    return sizes.get(opened.view.encoding, num_words + opened.view.dimensions)


def _highest(opened: _Opened) -> int:
    """Return the highest number that the input can hold: the data may have fewer words."""
    if opened.view.encoding in ("ranks", "one_hot"):
        return int(opened.index.max())
    return _index_space(opened) - 1


def _encoder(opened: _Opened, stream: encode.Stream) -> encode.Gather:
    """Return what encodes a part; one-hot words are made of their ranks."""
    view, num_words = opened.view, opened.num_words
    window = encode.WordWindow(view.maxlen, view.reverse)
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


# Gather reviews from encodings that are made once and kept, instead of encoding each batch

#: A view that would take more is encoded anew for each batch, in bytes.
LARGEST_VIEW = 256 * 1024**2
#: Numbers in a batch that is encoded to be kept.
_BATCH_NUMBERS = 2**22
_BATCH_REVIEWS = 512


@dataclass(frozen=True)
class EncodedPart:
    """One part of the data under a view: what encodes it, its reviews, and their items in all."""

    encode: Gather
    reviews: int
    items: int


@dataclass(frozen=True)
class Kept:
    """What gathers a part's reviews, and where in a table they are found, if they are."""

    gather: Gather
    lookup: Callable[[], Lookup | None]


def kept_parts(
    prepared: Path, label: Mapping[str, Any], form: Form, parts: Mapping[str, EncodedPart]
) -> dict[str, Kept]:
    """Return what gathers each part from what is kept, the same numbers as its encoder gives.

    Nothing is looked for or made before the first reviews of any part are gathered or looked
    up; then all parts are, so that no later clock has it in it. A view too large to keep, or
    one that cannot be, is encoded batch by batch.

    Args:
        prepared: The folder of the prepared arrays.
        label: JSON-able; the view.
        form: How its rows are kept.
        parts: What to gather from, by name.
    """
    if sum(form.size(part.reviews, part.items) for part in parts.values()) > LARGEST_VIEW:
        return {name: Kept(part.encode, lambda: None) for name, part in parts.items()}
    view = _KeptView(prepared, label, form, parts)
    return {name: Kept(partial(view.gather, name), partial(view.lookup, name)) for name in parts}


class _KeptView:
    def __init__(
        self, prepared: Path, label: Mapping[str, Any], form: Form, parts: Mapping[str, EncodedPart]
    ) -> None:
        self._prepared = prepared
        self._label = {**label, "code": _code(), "numpy": np.__version__}
        self._form = form
        self._parts = parts
        self._stored: dict[str, Stored | None] = {}
        # Batches may be gathered ahead in a thread.
        self._opening = Lock()

    def gather(self, part: str, reviews: Array) -> Array:
        """Return the encoded reviews of a part."""
        stored = self._open()[part]
        if stored is None:
            return self._parts[part].encode(reviews)
        return self._form.expand(stored, reviews)

    def lookup(self, part: str) -> Lookup | None:
        """Return where a part's reviews are found, if they are rows of a table."""
        stored = self._open()[part]
        if stored is None or not isinstance(self._form, Rows):
            return None
        reviews = np.arange(self._parts[part].reviews, dtype=np.int64)
        return Lookup(stored["rows"], reviews, np.zeros((), dtype=np.int64))

    def _open(self) -> Mapping[str, Stored | None]:
        if not self._stored:
            with self._opening:
                self._stored = self._stored or {name: self._keep(name) for name in self._parts}
        return self._stored

    def _keep(self, name: str) -> Stored | None:
        part = self._parts[name]
        return keep(self._prepared, {**self._label, "part": name}, lambda: self._pack(part))

    def _pack(self, part: EncodedPart) -> Stored:
        return self._form.pack(_batches(part), part.reviews)


def _batches(part: EncodedPart) -> Iterator[Array]:
    """Encode all reviews of a part, in order, a bounded amount of memory at a time."""
    width = part.encode(np.arange(1)).size
    step = max(1, min(_BATCH_REVIEWS, _BATCH_NUMBERS // width))
    for first in range(0, part.reviews, step):
        yield part.encode(np.arange(first, min(first + step, part.reviews)))


@cache
def _code() -> str:
    """Return a digest of all code that encodes: changed code finds nothing it did not make."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


# How encoded reviews are kept: small on disk, and quick to expand to what a model is fed


Stored = Mapping[str, Array]
Type = type[np.integer[Any]]

#: A row of bits this wide takes as much as the cells of a usual review, and expands sooner.
_WIDEST_BITS = 2048
#: Writing the zeros of a wider row is nearly all there is to do: nothing is gained by keeping.
_WIDEST_CELLS = 2**15


class Form(Protocol):
    """What all forms do."""

    def size(self, reviews: int, items: int) -> int:
        """Return the bytes that reviews with so many items in all take at most."""
        ...

    def pack(self, batches: Iterable[Array], reviews: int) -> dict[str, Array]:
        """Return what to store of so many reviews, which come in batches, in order."""
        ...

    def expand(self, stored: Stored, reviews: Array) -> Array:
        """Return the rows of review numbers, int64 of shape (batch,), as an encoder does."""
        ...


@dataclass(frozen=True)
class Rows:
    """Rows of ``width`` whole numbers from 0 to ``largest``, int32 when expanded."""

    width: int
    largest: int

    def size(self, reviews: int, items: int) -> int:
        """Return the bytes of the rows."""
        return reviews * self.width * np.dtype(_smallest(self.largest)).itemsize

    def pack(self, batches: Iterable[Array], reviews: int) -> dict[str, Array]:
        """Return ``rows``, shape (reviews, width), of the smallest type."""
        rows = np.empty((reviews, self.width), dtype=_smallest(self.largest))
        first = 0
        for batch in batches:
            rows[first : first + len(batch)] = batch
            first += len(batch)
        return {"rows": rows}

    def expand(self, stored: Stored, reviews: Array) -> Array:
        """Return rows, shape (batch, width), int32."""
        rows: Array = stored["rows"][reviews]
        return rows.astype(np.int32, copy=False)


@dataclass(frozen=True)
class Bits:
    """Rows of ``width`` zeros and ones, float32 when expanded."""

    width: int

    def size(self, reviews: int, items: int) -> int:
        """Return the bytes of the rows."""
        return reviews * -(-self.width // 8)

    def pack(self, batches: Iterable[Array], reviews: int) -> dict[str, Array]:
        """Return ``bits``, shape (reviews, width / 8 rounded up), uint8."""
        return {"bits": np.concatenate([np.packbits(batch > 0, axis=1) for batch in batches])}

    def expand(self, stored: Stored, reviews: Array) -> Array:
        """Return rows, shape (batch, width), float32."""
        bits = np.unpackbits(stored["bits"][reviews], axis=1, count=self.width)
        return bits.astype(np.float32)


@dataclass(frozen=True)
class Cells:
    """Rows of ``width`` < 65,536 numbers of which few are not 0, float32 when expanded.

    Without ``valued`` all of those few are 1.
    """

    width: int
    valued: bool

    def size(self, reviews: int, items: int) -> int:
        """Return the bytes if every item has a cell of its own."""
        return items * (2 + 4 * self.valued) + 8 * (reviews + 1)

    def pack(self, batches: Iterable[Array], reviews: int) -> dict[str, Array]:
        """Return the cells that are not 0, end to end, where each review's begin, and values.

        ``cells`` and ``values`` have shape (cells,), ``offsets`` (reviews + 1,).
        """
        cells, values, counts = [], [], []
        for batch in batches:
            row, cell = np.divmod(np.flatnonzero(batch), self.width)
            counts.append(np.bincount(row, minlength=len(batch)))
            cells.append(cell.astype(np.uint16))
            if self.valued:
                values.append(batch[row, cell])
        offsets = np.zeros(reviews + 1, dtype=np.int64)
        np.cumsum(np.concatenate(counts), out=offsets[1:])
        stored: dict[str, Array] = {"cells": np.concatenate(cells), "offsets": offsets}
        if self.valued:
            stored["values"] = np.concatenate(values)
        return stored

    def expand(self, stored: Stored, reviews: Array) -> Array:
        """Return rows, shape (batch, width), float32."""
        first = stored["offsets"][reviews]
        count = stored["offsets"][reviews + 1] - first
        places = spans(first, count)
        rows = np.zeros((len(reviews), self.width), dtype=np.float32)
        row = np.repeat(np.arange(len(reviews), dtype=np.int64) * self.width, count)
        rows.reshape(-1)[row + stored["cells"][places]] = (
            stored["values"][places] if self.valued else 1
        )
        return rows


def form_of(encoding: str, width: int, largest: int) -> Form | None:
    """Return the form that rows of an encoding are kept in; None if it is not worth it.

    Args:
        encoding: Any but one_hot, which is made of rows of ranks.
        width: The numbers in a row.
        largest: The largest of them, where they are whole.
    """
    if encoding not in ("multi_hot", "hashed", "counts", "tf_idf"):
        return Rows(width, largest)
    valued = encoding in ("counts", "tf_idf")
    if not valued and width <= _WIDEST_BITS:
        return Bits(width)
    return Cells(width, valued) if width <= _WIDEST_CELLS else None


def _smallest(largest: int) -> Type:
    return next((t for t in (np.uint8, np.uint16) if largest <= np.iinfo(t).max), np.int32)
