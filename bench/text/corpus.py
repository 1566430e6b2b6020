"""Tokenised reviews, and how they become the arrays that are stored and memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.formatting import counted
from bench.task import Array, Prepared
from bench.text.alphabet import longest_text, spans

PARTS = ("train", "validation", "test")
VALIDATION_SHARE = 5  # one training review in five
START = 0  # stands in the stored stream before every review; word ranks begin at 1


@dataclass(frozen=True)
class Reviews:
    """Labelled reviews as one stream of word ranks.

    ``ranks`` has shape (words,), the most frequent word being 1; ``lengths`` and
    ``labels`` (0 negative, 1 positive; of a task of one's own the number of the class) have
    shape (reviews,).
    """

    ranks: Array
    lengths: Array
    labels: Array


@dataclass(frozen=True)
class Corpus:
    """Training and test reviews; ``words[r - 1]`` is the word of rank r, where known.

    ``notes`` say in plain words how they were read where that is not plain.
    """

    train: Reviews
    test: Reviews
    words: Sequence[str] | None
    notes: tuple[str, ...] = ()


def rank_words(train_ids: Array, known: int) -> Array:
    """Return the rank of every word id, shape (known,), 0 for a word training lacks.

    Ids number words in first-seen order, so a stable sort breaks ties by first sight.
    """
    counts = np.bincount(train_ids, minlength=known)
    by_frequency = np.argsort(-counts, kind="stable")
    ranks = np.empty(known, dtype=np.uint32)
    ranks[by_frequency] = np.arange(1, known + 1, dtype=np.uint32)
    ranks[counts == 0] = 0
    return ranks


def drop_unranked(ranks: Array, lengths: Array) -> tuple[Array, Array]:
    """Leave out words of rank 0; return the remaining ranks and the new lengths."""
    kept = ranks > 0
    ends = np.cumsum(lengths)
    kept_before = np.concatenate(([0], np.cumsum(kept)))
    return ranks[kept], kept_before[ends] - kept_before[ends - lengths]


def prepare(corpus: Corpus, made_from: str) -> Prepared:
    """Split the training reviews and lay every part out for memory mapping.

    Per part: ``<part>_tokens`` (word ranks, each review led by START), ``<part>_offsets``
    (int64, reviews + 1) and ``<part>_labels`` (uint8). Besides: ``document_frequency``
    (uint32, training part only, position = rank) and, where words are known,
    ``vocabulary`` (UTF-8 bytes, rank order, newline between words).

    Raises:
        DataError: there are fewer than two training reviews, or no test review.
    """
    count = len(corpus.train.labels)
    if count < 2 or len(corpus.test.labels) < 1:
        raise DataError(
            f"{made_from}: {count} training and {len(corpus.test.labels)} test reviews are too "
            "few to train, validate and test; give two or more to train on and one to test"
        )
    order, cut = split_order(corpus.train)
    parts = {
        "train": _take(corpus.train, order[cut:]),
        "validation": _take(corpus.train, order[:cut]),
        "test": corpus.test,
    }
    return lay_out(parts, corpus.words, _describe(parts, made_from))


def lay_out(
    parts: Mapping[str, Reviews], words: Sequence[str] | None, meta: Mapping[str, Any]
) -> Prepared:
    """Lay reviews that are split already out for memory mapping; see ``prepare``.

    Args:
        parts: The reviews of each of ``PARTS``.
        words: ``words[r - 1]`` is the word of rank r, where known.
        meta: What a reader of the data would want to know; the sizes are added.
    """
    top = max(int(part.ranks.max(initial=0)) for part in parts.values())
    size = max(top, len(words or ()))
    arrays: dict[str, Array] = {}
    for name in PARTS:
        arrays.update(_stream(name, parts[name], np.uint16 if size < 2**16 else np.uint32))
    train = parts["train"]
    arrays["document_frequency"] = document_frequency(train.ranks, train.lengths, size)
    if words is not None:
        spelled = [*words, *["?"] * (size - len(words))]
        arrays["vocabulary"] = np.frombuffer("\n".join(spelled).encode(), dtype=np.uint8)
    meta = {**meta, **_lengths(parts), "vocabulary": size}
    if "vocabulary" in arrays:
        meta["longest_characters"] = max(
            longest_text(arrays["vocabulary"], arrays[f"{name}_tokens"], arrays[f"{name}_offsets"])
            for name in PARTS
        )
    return Prepared(arrays, meta)


def check_classes(corpus: Corpus, name: str) -> None:
    """Refuse reviews of one kind only; ``name`` is what to call them in the error.

    Raises:
        DataError: All training or all test reviews have one label.
    """
    for part, labels in (("training", corpus.train.labels), ("test", corpus.test.labels)):
        if len(labels) > 1 and labels.min() == labels.max():
            label = "positive (1)" if labels[0] else "negative (0)"
            raise DataError(
                f"{name}: all {len(labels):,} {part} reviews are {label}, which leaves nothing to "
                "tell apart; give reviews of both kinds"
            )


def notes_on(corpus: Corpus) -> list[str]:
    """Say how the reviews were read, and which are copies of others or have no words."""
    parts = {"training": corpus.train, "test": corpus.test}
    copies = {
        name: Labelled(
            _digests(part), part.labels.tolist(), hashlib.blake2b(digest_size=16).digest()
        )
        for name, part in parts.items()
    }
    return [*corpus.notes, *notes_on_parts(copies, "review", "both labels")]


@dataclass(frozen=True)
class Labelled:
    """The digest and the label of each text of a part; ``empty`` is that of no words."""

    digests: Sequence[bytes]
    labels: Sequence[int]
    empty: bytes


def notes_on_parts(parts: Mapping[str, Labelled], noun: str, conflicting: str) -> list[str]:
    """Say how many texts are copies of others or have no words.

    Args:
        parts: The training part first; others are compared with it.
        noun: What to call one text.
        conflicting: What copies have that are not labelled alike, such as "both labels".
    """
    notes = []
    for name, part in parts.items():
        different = len(set(part.digests))
        both = len(set(zip(part.digests, part.labels, strict=True))) - different
        if different < len(part.digests):
            conflict = f"; {counted(both, 'text')} with {conflicting}" if both else ""
            copies = counted(len(part.digests) - different, f"{name} {noun}")
            notes.append(f"the same as another, word by word: {copies}{conflict}")
        if empty := part.digests.count(part.empty):
            notes.append(f"without words: {counted(empty, f'{name} {noun}')}")
    first, *others = parts
    for name in others:
        if shared := len(set(parts[first].digests) & set(parts[name].digests)):
            notes.append(f"in {first} and in {name}: {counted(shared, noun)}")
    return notes


def split_order(train: Reviews) -> tuple[Array, int]:
    """Return the order of the training reviews and how many of its first validate.

    Reviews are ordered by the BLAKE2b digest of their ranks, then by position, which
    depends on what a review says and not on where the file has it. Copies of one review
    are neighbours, so the cut moves to the nearest place that does not part copies; only
    where all reviews are copies of one does it stay.
    """
    digests = _digests(train)
    order = order_by_digest(digests)
    ordered = [digests[review] for review in order]
    return np.array(order, dtype=np.int64), clean_cut(
        ordered, max(1, len(order) // VALIDATION_SHARE)
    )


def order_by_digest(digests: Sequence[bytes]) -> list[int]:
    """Return the numbers of texts in the order of their digests, then of their positions."""
    return sorted(range(len(digests)), key=lambda text: (digests[text], text))


def clean_cut(
    ordered: Sequence[bytes], wanted: int, first: int = 1, otherwise: int | None = None
) -> int:
    """Return the place nearest to the wanted one that does not part copies.

    Args:
        ordered: Digests, copies side by side.
        wanted: How many texts should lie before the cut.
        first: The least number of texts before it.
        otherwise: What is returned where every place parts copies; None is the wanted place.
    """
    places = range(first, len(ordered))
    clean = [cut for cut in places if ordered[cut - 1] != ordered[cut]]
    default = wanted if otherwise is None else otherwise
    return min(clean, key=lambda place: abs(place - wanted), default=default)


def _digests(reviews: Reviews) -> list[bytes]:
    stream = reviews.ranks.astype("<u4").tobytes()
    ends = (4 * np.cumsum(reviews.lengths)).tolist()
    return [
        hashlib.blake2b(stream[start:end], digest_size=16).digest()
        for start, end in zip([0, *ends], ends, strict=False)
    ]


def document_frequency(ranks: Array, lengths: Array, size: int) -> Array:
    """Return in how many reviews each rank occurs, shape (size + 1,), position = rank."""
    review = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    pairs = np.sort(review * (size + 1) + ranks)  # np.unique takes ten times as long here
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = pairs[1:] != pairs[:-1]
    return np.bincount(pairs[first] % (size + 1), minlength=size + 1).astype(np.uint32)


def _take(reviews: Reviews, chosen: Array) -> Reviews:
    lengths = reviews.lengths[chosen]
    first = (np.cumsum(reviews.lengths) - reviews.lengths)[chosen]
    return Reviews(reviews.ranks[spans(first, lengths)], lengths, reviews.labels[chosen])


def _stream(name: str, part: Reviews, dtype: type[np.unsignedinteger[Any]]) -> dict[str, Array]:
    offsets = np.zeros(len(part.lengths) + 1, dtype=np.int64)
    np.cumsum(part.lengths + 1, out=offsets[1:])
    tokens = np.full(int(offsets[-1]), START, dtype=dtype)
    tokens[spans(offsets[:-1] + 1, part.lengths)] = part.ranks
    labels = part.labels.astype(np.min_scalar_type(int(part.labels.max(initial=0))))
    return {f"{name}_tokens": tokens, f"{name}_offsets": offsets, f"{name}_labels": labels}


def _describe(parts: Mapping[str, Reviews], made_from: str) -> dict[str, Any]:
    return {
        "made_from": made_from,
        "reviews": {name: len(part.labels) for name, part in parts.items()},
        "positive_share": {
            name: round(float(part.labels.mean()), 4) for name, part in parts.items()
        },
    }


def _lengths(parts: Mapping[str, Reviews]) -> dict[str, Any]:
    lengths = {name: part.lengths + 1 for name, part in parts.items()}
    fitted = np.concatenate((lengths["train"], lengths["validation"]))
    return {
        "mean_length_with_start": {
            "train_and_validation": round(float(fitted.mean()), 2),
            "test": round(float(lengths["test"].mean()), 2),
        },
        "longest_with_start": max(int(part.max()) for part in lengths.values()),
    }
