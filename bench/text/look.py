"""Texts as people want to see them: how many, how long, how balanced, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from bench.task import Array, Look, Picture, Prepared
from bench.text.corpus import PARTS
from bench.text.encode import word_indices
from bench.text.opening import open_view
from bench.text.views import UNKNOWN

_LABELS = ("negative (0)", "positive (1)")
#: Words of an example that are shown, from its end, which is what a model sees of a long one.
_WORDS = 60


def look(prepared: Prepared, view: Mapping[str, Any], split: str, number: int) -> Look:
    """Return what `data show` and `data plot` tell of prepared reviews, or of other texts.

    The meta of other texts names their ``classes``.

    Args:
        prepared: See ``bench.text.corpus.prepare``.
        view: The view under which the example is shown.
        split: One of train, validation and test.
        number: Which example of the split, from 0.
    """
    classes = prepared.meta.get("classes")
    noun = "review" if classes is None else "text"
    rows = [_split_row(prepared, part) for part in PARTS]
    lengths = np.concatenate([_lengths(prepared, part) for part in PARTS])
    counts = {part: _class_counts(prepared, part) for part in PARTS}
    tables = {f"{noun}s": rows}
    if classes is not None:
        tables["classes"] = [
            {"class": name, **{part: int(counts[part][at]) for part in PARTS}}
            for at, name in enumerate(classes)
        ]
    return Look(
        tables,
        _example(prepared, view, split, number),
        [
            Picture(
                f"{noun}-lengths",
                f"words of a {noun}",
                "histogram",
                lengths,
                x_label="words",
                y_label=f"{noun}s",
                marks={"mean": float(lengths.mean()), "median": float(np.median(lengths))},
            ),
            Picture(
                "class-balance",
                f"{noun}s of each {'kind' if classes is None else 'class'}",
                "bars",
                np.sum([*counts.values()], axis=0),
                [*(classes or _LABELS)],
                y_label=f"{noun}s",
            ),
        ],
    )


def _class_counts(prepared: Prepared, part: str) -> Array:
    """Return how many texts of a part each class has, shape (classes,)."""
    classes = len(prepared.meta.get("classes") or _LABELS)
    return np.bincount(prepared.arrays[f"{part}_labels"], minlength=classes)


def _lengths(prepared: Prepared, part: str) -> Array:
    """Return the words of each review, the mark of its start not counted."""
    return np.diff(prepared.arrays[f"{part}_offsets"]) - 1


def _split_row(prepared: Prepared, part: str) -> dict[str, str | float | None]:
    lengths, labels = _lengths(prepared, part), prepared.arrays[f"{part}_labels"]
    is_of_reviews = "classes" not in prepared.meta
    return {
        "split": part,
        "reviews" if is_of_reviews else "texts": len(labels),
        **({"positive": f"{labels.mean():.1%}"} if is_of_reviews else {}),
        "shortest": int(lengths.min()),
        "median": float(np.median(lengths)),
        "mean": float(lengths.mean()),
        "longest": int(lengths.max()),
    }


@lru_cache(maxsize=2)
def _words(vocabulary: bytes) -> list[str]:
    return vocabulary.decode().split("\n")


def _example(
    prepared: Prepared, view: Mapping[str, Any], split: str, number: int
) -> dict[str, str]:
    arrays = prepared.arrays
    first, end = (int(arrays[f"{split}_offsets"][number + more]) for more in (0, 1))
    ranks = np.asarray(arrays[f"{split}_tokens"][first + 1 : end])
    opened = open_view(prepared, view)
    encoded = getattr(opened, split).gather(np.array([number]))[0]
    vocabulary = len(arrays["document_frequency"]) - 1
    index = word_indices(vocabulary, opened.facts["num_words"])
    unknown = int((index[ranks] == UNKNOWN).sum())
    label = (prepared.meta.get("classes") or _LABELS)[int(arrays[f"{split}_labels"][number])]
    told = {"label": label, "words": f"{len(ranks):,}"}
    if "vocabulary" in arrays:
        spelled = _words(bytes(np.asarray(arrays["vocabulary"])))
        words = [spelled[rank - 1] for rank in ranks[-_WORDS:]]
        told["text"] = ("… " if len(ranks) > _WORDS else "") + " ".join(words)
    else:
        told["ranks"] = " ".join(map(str, ranks[-_WORDS:]))
    told["words that are unknown"] = (
        f"{unknown:,}, with numbers below {opened.facts['num_words']:,}"
    )
    if view["maxlen"] is not None:
        told["cut"] = f"{max(0, len(ranks) + 1 - view['maxlen']):,} words, at {view['maxlen']:,}"
    last = " ".join(f"{value:g}" for value in encoded.reshape(-1)[-12:])
    told["as a model gets it"] = f"{encoded.dtype}, shape {encoded.shape}: … {last}"
    return told
