"""The options of a review task's view, checked, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError

PADDING, START, UNKNOWN, INDEX_FROM = 0, 1, 2, 3  # as keras.datasets.imdb.load_data
ENCODINGS = (
    "ranks", "multi_hot", "counts", "tf_idf", "hashed", "one_hot", "characters", "bigrams",
    "trigrams",
)  # fmt: skip
_LARGEST_ONE_HOT = 2_000_000  # numbers in one review, 8 MB


@dataclass(frozen=True)
class View:
    """What a model sees of a review.

    ``num_words`` bounds the word indices (None: the whole vocabulary), ``maxlen`` the
    items kept of a review (None: all); ``dimensions`` counts the buckets of the encodings
    that hash.
    """

    num_words: int | None
    maxlen: int | None
    encoding: str
    reverse: bool
    dimensions: int

    def index_space(self, vocabulary: int) -> int:
        """Return one more than the highest word index, for ``vocabulary`` ranked words.

        The word of rank r has index r + INDEX_FROM, so rank 1 is index 4 and 3 is unused.
        """
        return vocabulary + INDEX_FROM + 1 if self.num_words is None else self.num_words


def parse_view(options: Mapping[str, Any]) -> View:
    """Check the options and return them typed.

    Raises:
        BenchError: an option has a value without meaning; names the option and the fix.
    """
    encoding = options["encoding"]
    if encoding not in ENCODINGS:
        raise BenchError(f"encoding={encoding!r} is unknown; use one of {', '.join(ENCODINGS)}")
    if not isinstance(options["reverse"], bool):
        raise BenchError(f"reverse={options['reverse']!r} is not true or false; use one of them")
    view = View(
        num_words=_whole(options, "num_words", 4, optional=True),
        maxlen=_whole(options, "maxlen", 1, optional=True),
        encoding=encoding,
        reverse=options["reverse"],
        dimensions=_whole(options, "dimensions", 1, optional=False) or 0,
    )
    if encoding == "one_hot":
        _check_one_hot(view)
    return view


def _check_one_hot(view: View) -> None:
    if view.maxlen is None or view.num_words is None:
        name = "maxlen" if view.maxlen is None else "num_words"
        raise BenchError(
            f"{name}=None with encoding='one_hot' has no bound; set maxlen=100 and num_words=500"
        )
    if view.maxlen * view.num_words > _LARGEST_ONE_HOT:
        raise BenchError(
            f"maxlen={view.maxlen} with num_words={view.num_words} and encoding='one_hot' makes "
            f"{view.maxlen * view.num_words:,} numbers a review, more than {_LARGEST_ONE_HOT:,}; "
            "set num_words=500 or encoding='ranks' with an Embedding layer"
        )


def _whole(options: Mapping[str, Any], name: str, least: int, optional: bool) -> int | None:
    value = options[name]
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        otherwise = ", or None for all" if optional else ""
        raise BenchError(
            f"{name}={value!r} is not possible; use a whole number of {least} or more{otherwise}"
        )
    return value
