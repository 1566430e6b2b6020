"""Words as letters: the small alphabet, spelling from ranks, and words from indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from bench.errors import CannotRun
from bench.task import Array

# The one step that lets ragged reviews be handled without a loop over them


def spans(first: Array, count: Array) -> Array:
    """Return the positions of spans laid end to end: first[i], first[i] + 1, ... count[i] of them.

    Both arguments have shape (n,), int64; the result has shape (count.sum(),).
    """
    ends = np.cumsum(count)
    shift: Array = np.repeat(first - (ends - count), count)
    return np.arange(int(count.sum()), dtype=np.int64) + shift


NO_WORDS = (
    "this data has ranks but no words: put imdb_word_index.json beside imdb.npz, "
    "or run `python -m bench data fetch imdb`"
)
PLACEHOLDERS = ("<padding>", "<start>", "<unknown>", "<unused>")

# Codes: 0 padding, 1 any other character, 2 space, then these.
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'"
_OTHER, _SPACE = 1, 2
ALPHABET_SIZE = 3 + len(_LETTERS)

_NEWLINE = ord("\n")


@dataclass(frozen=True)
class Spelling:
    """The characters of every word, each word led by a space.

    Word of rank r is ``codes[starts[r]:starts[r + 1]]``; rank 0 is no word.
    """

    codes: Array
    starts: Array

    def spell(self, ranks: Array, words: Array) -> tuple[Array, Array]:
        """Return the codes of reviews of ``words`` words each, and each review's length.

        Words are joined by single spaces: the space that would lead a review is left out.
        """
        first = self.starts[ranks]
        length = self.starts[ranks.astype(np.int64) + 1] - first
        leads = (np.cumsum(words) - words)[words > 0]
        first[leads] += 1
        length[leads] -= 1
        through = np.concatenate(([0], np.cumsum(length)))
        ends = np.cumsum(words)
        return self.codes[spans(first, length)], through[ends] - through[ends - words]


def spelling(vocabulary: Array) -> Spelling:
    """Turn the stored vocabulary (UTF-8, newline between words) into codes of letters.

    A character outside the alphabet has one code however many bytes it takes.
    """
    stored = np.concatenate((np.array([_NEWLINE], dtype=np.uint8), vocabulary))
    characters = stored[(stored & 0xC0) != 0x80]  # drops the continuation bytes of UTF-8
    code_of = np.full(256, _OTHER, dtype=np.uint8)
    code_of[np.frombuffer(_LETTERS.encode(), dtype=np.uint8)] = np.arange(3, ALPHABET_SIZE)
    code_of[_NEWLINE] = _SPACE
    heads = np.flatnonzero(characters == _NEWLINE)
    # Rank 0 takes no characters.
    return Spelling(code_of[characters], np.concatenate(([0], heads, [len(characters)])))


def longest_text(vocabulary: Array, tokens: Array, offsets: Array) -> int:
    """Return the characters of the longest review of a part."""
    starts = spelling(vocabulary).starts
    through = np.concatenate(([0], np.cumsum(np.diff(starts)[tokens])))
    return int((through[offsets[1:]] - through[offsets[:-1]] - 1).max(initial=0))


class Vocabulary(Sequence[str]):
    """Words by index, decoded when first looked at.

    ``vocabulary[i]`` is the word that index i stands for in the input; the first four
    indices stand for no word. Looking at it raises CannotRun where the data has no words.
    """

    def __init__(self, stored: Array | None, size: int) -> None:
        """Take the stored words (None: there are none) and the size of the index space."""
        self._stored = stored
        self._size = size

    @cached_property
    def _words(self) -> list[str]:
        if self._stored is None:
            raise CannotRun(NO_WORDS)
        words = self._stored.tobytes().decode().split("\n")
        return [*PLACEHOLDERS, *words][: self._size]

    def __len__(self) -> int:
        """Return how many indices stand for something."""
        return len(self._words)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        """Return the word of an index."""
        return self._words[index]
