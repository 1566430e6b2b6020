"""Word vectors from a text file: a word a line, then its numbers, as GloVe is published."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench.errors import DataError
from bench.task import Array

_LONGEST = 1 << 20  # bytes of a line; one of 4,096 numbers has 50 kB


def read_vectors(path: Path, words: Sequence[str]) -> Array:
    """Return the vectors of words, shape (len(words), numbers), float32.

    A word that the file does not have gets zeros. Every line must have as many numbers
    as the first; those of words that are not asked for are counted, not read. A first line
    with the numbers of words and of numbers (word2vec, fastText), a byte order mark, blanks
    at the ends of lines and words with blanks in them are read too.

    Raises:
        DataError: A line is malformed; names the file and the line.
    """
    row_of = {word.encode(): row for row, word in enumerate(words)}
    with path.open("rb") as file:
        header, numbers = _layout(file.readline(_LONGEST), file.readline(_LONGEST))
        if not numbers:
            raise _malformed(path, 1, "has no number after a word")
        vectors = np.zeros((len(words), numbers), dtype=np.float32)
        file.seek(0)
        for place, line in enumerate(_lines(file), start=1):
            if len(line) == _LONGEST:
                raise _malformed(path, place, "does not end")
            if header and place == 1:
                continue
            word, values = _parted(line, numbers, path, place)
            row = row_of.get(word)
            if row is not None:
                vectors[row] = _vector(values, path, place)
    return vectors


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(_LONGEST), b"")


def _layout(first: bytes, second: bytes) -> tuple[bool, int]:
    """Return whether the first line is a header, and how many numbers follow a word."""
    fields, below = _trimmed(first).split(), _trimmed(second).split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        numbers = int(fields[1])
        if numbers and len(below) > numbers and _numbers_at_end(below) >= numbers:
            return True, numbers
    most = max(len(fields) - 1, 0)
    return False, min(_numbers_at_end(fields) or most, most)


def _parted(line: bytes, numbers: int, path: Path, place: int) -> tuple[bytes, bytes]:
    """Return a line's word, which may have blanks in it, and the text of its numbers."""
    line = _trimmed(line)
    if line.count(b" ") == numbers and b"\t" not in line:
        word, _, values = line.partition(b" ")
        return word, values
    fields = line.split()
    found = len(fields) - 1
    extra = found - numbers
    if extra < 0 or (extra and _is_number(fields[extra])):
        raise _malformed(path, place, f"has {max(found, 0)} numbers after a word, not {numbers}")
    return b" ".join(fields[: extra + 1]), b" ".join(fields[extra + 1 :])


def _trimmed(line: bytes) -> bytes:
    return line.removeprefix(codecs.BOM_UTF8).strip(b" \t\r\n")


def _numbers_at_end(fields: Sequence[bytes]) -> int:
    return sum(1 for _ in takewhile(_is_number, reversed(fields)))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _vector(values: bytes, path: Path, place: int) -> Array:
    try:
        vector = np.array(values.split(), dtype=np.float32)
    except ValueError:
        raise _malformed(path, place, "has a word where a number belongs") from None
    if not np.isfinite(vector).all():
        raise _malformed(path, place, "has a number that is not finite")
    return vector


def _malformed(path: Path, place: int, what: str) -> DataError:
    return DataError(f"{path.name}:{place}: {what}; correct the line, or get the file again")
