"""How encoded reviews are kept: small on disk, and quick to expand to what a model is fed.

A form packs the batches of an encoder into arrays, and expands any reviews of them to
exactly what the encoder gives. Which form fits depends on what an encoder gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bench.task import Array
from bench.text.spans import spans

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
