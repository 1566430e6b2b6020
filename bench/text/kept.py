"""Gather reviews from encodings that are made once and kept, instead of encoding each batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from bench.data.encoded import keep
from bench.task import Array, Lookup
from bench.text.encode import Gather
from bench.text.forms import Form, Rows, Stored

#: A view that would take more is encoded anew for each batch, in bytes.
LARGEST_VIEW = 256 * 1024**2
#: Numbers in a batch that is encoded to be kept.
_BATCH_NUMBERS = 2**22
_BATCH_REVIEWS = 512


@dataclass(frozen=True)
class Part:
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
    prepared: Path, label: Mapping[str, Any], form: Form, parts: Mapping[str, Part]
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
        self, prepared: Path, label: Mapping[str, Any], form: Form, parts: Mapping[str, Part]
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

    def _pack(self, part: Part) -> Stored:
        return self._form.pack(_batches(part), part.reviews)


def _batches(part: Part) -> Iterator[Array]:
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
