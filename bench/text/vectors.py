"""Word vectors from a text file: a word a line, then its numbers, as GloVe is published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.task import Array


def read_vectors(path: Path, words: Sequence[str]) -> Array:
    """Return the vectors of words, shape (len(words), numbers), float32.

    A word that the file does not have gets zeros. Every line must have as many numbers
    as the first; those of words that are not asked for are counted, not read.

    Raises:
        DataError: A line is malformed; names the file and the line.
    """
    row_of = {word.encode(): row for row, word in enumerate(words)}
    with path.open("rb") as file:
        numbers = file.readline().count(b" ")
        if not numbers:
            raise _malformed(path, 1, "has no number after a word")
        vectors = np.zeros((len(words), numbers), dtype=np.float32)
        file.seek(0)
        for place, line in enumerate(file, start=1):
            word, _, values = line.partition(b" ")
            found = values.count(b" ") + 1 if values else 0
            if found != numbers:
                raise _malformed(path, place, f"has {found} numbers after a word, not {numbers}")
            row = row_of.get(word)
            if row is not None:
                vectors[row] = _vector(values, path, place)
    return vectors


def _vector(values: bytes, path: Path, place: int) -> Array:
    try:
        vector = np.array(values.split(), dtype=np.float32)
    except ValueError:
        raise _malformed(path, place, "has a word where a number belongs") from None
    if not np.isfinite(vector).all():
        raise _malformed(path, place, "has a number that is not finite")
    return vector


def _malformed(path: Path, place: int, what: str) -> DataError:
    return DataError(f"{path.name}:{place}: {what}; delete the file and get it again")
