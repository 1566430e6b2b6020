"""A sentence of the user's own as a model gets it, and what the model says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bench.errors import BenchError, CannotRun
from bench.formatting import counted, one_line
from bench.task import Array, Encoded, Prepared, Question
from bench.text.alphabet import NO_WORDS
from bench.text.corpus import START
from bench.text.encode import word_indices
from bench.text.opening import open_view
from bench.text.reading import words_of
from bench.text.views import UNKNOWN

#: Encodings whose shape does not tell how long a review is.
_BAGS = ("multi_hot", "counts", "tf_idf", "hashed")


def encode(prepared: Prepared, view: Mapping[str, Any], question: Question) -> Encoded:
    """Encode a text as the reviews are that a model was trained on.

    A word that no training review has is left out, as it is in test reviews; one that is too
    rare for the view has the number of unknown words.

    Args:
        prepared: See ``bench.text.corpus.prepare``.
        view: The view of the model; all options.
        question: Its text is asked about.

    Raises:
        BenchError: There is no text, or something else is asked.
        CannotRun: The data have no words.
    """
    if question.at or question.files:
        raise BenchError("--at and --data are for tasks of a series; give a sentence")
    words = words_of(question.text)
    if not words:
        raise BenchError("give a sentence, with a word at least")
    ranks_of = _ranks(prepared)
    ranks = np.array([ranks_of[word] for word in words if word in ranks_of], dtype=np.int64)
    limit = _limit(prepared, view)
    opened = open_view(_with_one(prepared, ranks), {**view, "maxlen": limit})
    index = word_indices(len(ranks_of), opened.facts["num_words"])
    known = [word for word in words if word in ranks_of]
    rare = [word for word, rank in zip(known, ranks, strict=True) if index[rank] == UNKNOWN]
    told = {
        "words": f"{len(words):,}",
        "unknown": _named([w for w in words if w not in ranks_of], "in no training review"),
        "too rare": _named(rare, f"numbers go to {opened.facts['num_words'] - 1:,}"),
        "cut": _cut(known, limit, view),
    }
    answer = partial(_answer_of_classes, opened.classes) if opened.classes else _answer
    return Encoded(opened.test.gather(np.array([0])), told, answer)


def _ranks(prepared: Prepared) -> dict[str, int]:
    """Return the rank of each word of the data, from 1."""
    stored = prepared.arrays.get("vocabulary")
    if stored is None:
        raise CannotRun(NO_WORDS)
    return {word: n + 1 for n, word in enumerate(bytes(np.asarray(stored)).decode().split("\n"))}


def _limit(prepared: Prepared, view: Mapping[str, Any]) -> int | None:
    """Return the items that a model takes: of a view without limit those of the longest review."""
    if view["maxlen"] is not None or view["encoding"] in _BAGS:
        limit: int | None = view["maxlen"]
        return limit
    unit = "characters" if view["encoding"] == "characters" else "with_start"
    return int(prepared.meta[f"longest_{unit}"])


def _with_one(prepared: Prepared, ranks: Array) -> Prepared:
    """Return the data with one test review, of these ranks; nothing of them is kept on disk."""
    tokens = np.concatenate([[START], ranks]).astype(prepared.arrays["test_tokens"].dtype)
    one = {
        "test_tokens": tokens,
        "test_offsets": np.array([0, len(tokens)], dtype=np.int64),
        "test_labels": np.zeros(1, dtype=np.uint8),
    }
    return replace(prepared, arrays={**prepared.arrays, **one}, folder=None)


def _named(words: Sequence[str], why: str) -> str:
    if not words:
        return "none"
    return one_line(f"{len(words):,}: {', '.join(dict.fromkeys(words))}", 160) + f" ({why})"


def _cut(words: Sequence[str], limit: int | None, view: Mapping[str, Any]) -> str:
    """Say what of a text is beyond the items that a model takes."""
    if limit is None:
        return "none"
    if view["encoding"] == "characters":
        number, unit = len(" ".join(words)) - limit, "character"
    else:
        # The mark of the start is an item too: the first to be cut, the last where reversed.
        number, unit = len(words) + view["reverse"] - limit, "word"
    if number <= 0:
        return "none"
    end = "end" if view["reverse"] else "beginning"
    return f"{counted(number, unit)} at the {end}: a model takes {limit:,} items"


def _answer(numbers: Array) -> Mapping[str, str]:
    (probability,) = numbers.tolist()
    kind = "positive" if probability > 0.5 else "negative"
    return {"probability of a positive review": f"{probability:.4f} ({kind})"}


#: Classes whose probabilities are told, the most probable first.
_MOST_CLASSES = 5


def _answer_of_classes(classes: Sequence[str], numbers: Array) -> Mapping[str, str]:
    """Say which class a model chooses; of two it gives the probability of the second."""
    found = numbers.reshape(-1).tolist()
    shares = [1 - found[0], found[0]] if len(classes) == 2 else found
    ordered = sorted(zip(shares, classes, strict=True), key=lambda each: -each[0])
    told = [f"{one_line(name, 40)} {share:.4f}" for share, name in ordered[:_MOST_CLASSES]]
    return {"class": ordered[0][1], "probabilities": ", ".join(told)}
