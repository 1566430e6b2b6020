"""Made reviews whose sentiment has to be read: words, negations, turns and their order.

A review is Zipf-distributed filler in which, slot by slot of eight words, sentiment
events are set: "great", "very great", "not great", "not so great". Every review has a
tone that makes its events more often positive or more often negative. What an event
adds to the meaning of the review depends on

- its word (strong words count double), an intensifier (doubles it) and a negation
  (turns it round): order within a few words, which a bag of words cannot see;
- its place: some reviews turn ("but ..."), and what comes after the turn weighs most;
  in the others the last quarter does. Every review closes with a verdict in strong words.

The label is the sign of the summed meaning plus noise, with the median as zero, so that
both labels are equally frequent.

Every platform makes the same bytes: all randomness is the raw output of PCG64, whose
stream NumPy guarantees, and everything after it is integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.task import Array, Prepared
from bench.text.alphabet import spans
from bench.text.corpus import Corpus, Reviews, drop_unranked, prepare, rank_words

REVIEWS = 25_000  # in each of training and test
_SEED = 20110619
_SLOT = 8  # words
_FILLER_WORDS = 30_000
_ZIPF_SCALE, _ZIPF_SHIFT = 100_000, 2

# Quantiles of the review length in words (share in 1/1000, words), near those of the
# real reviews: median 178, mean 235, a long tail.
_LENGTH_QUANTILES = (
    (0, 10), (5, 36), (20, 48), (50, 63), (100, 91), (200, 121), (300, 137), (400, 155),
    (500, 178), (600, 209), (700, 254), (800, 326), (900, 458), (950, 599), (980, 788),
    (990, 915), (999, 1040), (1000, 2400),
)  # fmt: skip

# Chances in 1/256.
_EVENT = 90
_NEGATED = 48
_INTENSIFIED = 40
_LONE_NEGATION = 60  # nothing to negate, so that the word alone tells nothing
_STRONG = 110
_TURN = 48
_FAINTEST, _CLEAREST = 90, 124  # tone: how far from even the share of positive events is
_LATE_WEIGHT = 3
_CLOSING_SLOTS = 2  # the verdict: always strong words, and as clear as can be
_NOISE = 1  # the noise is triangular, within +-2 * _NOISE units of meaning


class _Draws:
    """Independent streams of raw 64-bit numbers, one per purpose."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._purpose = 0

    def take(self, count: int) -> Array:
        """Return ``count`` uint64 numbers of a stream not used before."""
        self._purpose += 1
        raw = np.random.PCG64([self._seed, self._purpose]).random_raw(count)
        return np.asarray(raw, dtype=np.uint64)


def _bits(raw: Array, low: int, width: int) -> Array:
    return ((raw >> np.uint64(low)) & np.uint64((1 << width) - 1)).astype(np.int64)


@dataclass(frozen=True)
class _Vocabulary:
    """All words, and tables that turn an even draw into a word id of one kind.

    ``sentiment`` is indexed by 2 * positive + strong.
    """

    words: list[str]
    filler: Array
    sentiment: tuple[Array, Array, Array, Array]
    negations: Array
    intensifiers: Array
    contrasts: Array


@dataclass(frozen=True)
class _Events:
    """What every slot of every review says; all shapes (slots,) but that of ``slots``.

    ``slots`` counts the slots of each review, ``start`` is a slot's first position in the
    stream of words and ``place`` where in the slot an event begins; the rest are flags.
    """

    slots: Array
    start: Array
    place: Array
    event: Array
    positive: Array
    strong: Array
    negated: Array
    intensified: Array
    lone_negation: Array
    late: Array
    turning: Array


def synthesise() -> Prepared:
    """Make 25,000 training and 25,000 test reviews, the same on every platform."""
    return prepare(make_corpus(REVIEWS, REVIEWS), "synthetic reviews")


def make_corpus(train: int, test: int) -> Corpus:
    """Make ``train`` + ``test`` reviews; each part holds as many of either label."""
    draws = _Draws(_SEED)
    vocabulary = _vocabulary()
    lengths = _lengths(draws.take(train + test))
    ids = _pick(vocabulary.filler, draws.take(int(lengths.sum())) >> np.uint64(32), 32)
    events = _plan_events(lengths, draws)
    _write(ids, events, vocabulary, draws.take(len(events.start)))
    noise = draws.take(train + test)
    # In 1/64 of a unit of meaning; the sum of two even draws is triangular.
    meaning = 64 * _meaning(events) + 2 * _NOISE * (_bits(noise, 0, 6) + _bits(noise, 6, 6) - 63)
    labels = np.concatenate((_upper_half(meaning[:train]), _upper_half(meaning[train:])))
    cut = int(lengths[:train].sum())
    ranks = rank_words(ids[:cut], len(vocabulary.words))
    words = [""] * int(ranks.max())
    for word, rank in zip(vocabulary.words, ranks.tolist(), strict=True):
        if rank:
            words[rank - 1] = word
    test_ranks, test_lengths = drop_unranked(ranks[ids[cut:]], lengths[train:])
    return Corpus(
        Reviews(ranks[ids[:cut]], lengths[:train], labels[:train]),
        Reviews(test_ranks, test_lengths, labels[train:]),
        words,
    )


def _vocabulary() -> _Vocabulary:
    words: list[str] = []

    def add(new: list[str], scale: int, shift: int) -> Array:
        first = len(words)
        words.extend(new)
        weights = scale // (np.arange(len(new), dtype=np.int64) + shift)
        return np.repeat(np.arange(first, len(words), dtype=np.uint16), weights)

    function_words = FUNCTION_WORDS.split()
    invented = invented_words(_FILLER_WORDS - len(function_words))
    filler = add(function_words + invented, _ZIPF_SCALE, _ZIPF_SHIFT)
    kinds = (
        NEGATIVE_WEAK,
        NEGATIVE_STRONG,
        POSITIVE_WEAK,
        POSITIVE_STRONG,
    )
    weak_negative, strong_negative, weak_positive, strong_positive = (
        add(kind.split(), 1000, 1) for kind in kinds
    )
    return _Vocabulary(
        words,
        filler,
        (weak_negative, strong_negative, weak_positive, strong_positive),
        add(NEGATIONS.split(), 100, 1),
        add(INTENSIFIERS.split(), 100, 1),
        add(CONTRASTS.split(), 100, 1),
    )


def _pick(table: Array, draw: Array, width: int) -> Array:
    """Turn draws of ``width`` bits into entries of a table of any length."""
    place = (draw.astype(np.uint64) * np.uint64(len(table))) >> np.uint64(width)
    return table[place.astype(np.int64)]


def _lengths(raw: Array) -> Array:
    """Interpolate the table of quantiles, in whole numbers, at even draws."""
    share, words = np.array(_LENGTH_QUANTILES, dtype=np.int64).T
    at = _bits(raw, 20, 20) * 1000  # in 1/(1000 * 2**20)
    step = np.searchsorted(share << 20, at, side="right") - 1
    within, width = at - (share[step] << 20), (share[step + 1] - share[step]) << 20
    lengths: Array = words[step] + (words[step + 1] - words[step]) * within // width
    return lengths


def _plan_events(lengths: Array, draws: _Draws) -> _Events:
    """Decide, slot by slot, what each review says."""
    slots = lengths // _SLOT
    review = np.repeat(np.arange(len(lengths), dtype=np.int64), slots)
    slot = spans(np.zeros_like(slots), slots)

    plan = draws.take(len(lengths))
    strength = _FAINTEST + _bits(plan, 0, 16) * (_CLEAREST - _FAINTEST + 1) // 2**16
    sign = 2 * _bits(plan, 40, 1) - 1
    turns = _bits(plan, 16, 8) < _TURN
    turn_slot = slots * (90 + _bits(plan, 24, 16) * 90 // 2**16) // 256
    late = slot >= np.where(turns, turn_slot, slots * 3 // 4)[review]
    closing = slot >= (slots - _CLOSING_SLOTS)[review]

    raw = draws.take(len(review))
    tone = np.where(closing, (sign * _CLEAREST)[review], (sign * strength)[review])
    opposed = turns[review] & ~late
    event = (_bits(raw, 0, 8) < _EVENT) | closing
    return _Events(
        slots=slots,
        start=(np.cumsum(lengths) - lengths)[review] + _SLOT * slot,
        place=1 + _bits(raw, 48, 8) % 4,
        event=event,
        positive=_bits(raw, 8, 8) < 128 + np.where(opposed, -tone, tone),
        strong=(_bits(raw, 16, 8) < _STRONG) | closing,
        negated=_bits(raw, 24, 8) < _NEGATED,
        intensified=_bits(raw, 32, 8) < _INTENSIFIED,
        lone_negation=~event & (_bits(raw, 40, 8) < _LONE_NEGATION),
        late=late,
        turning=turns[review] & (slot == turn_slot[review]),
    )


def _write(ids: Array, events: _Events, vocabulary: _Vocabulary, raw: Array) -> None:
    """Write the events over the filler ``ids``: [negation] [intensifier] word."""
    place = events.start + events.place
    # The tone decides what is meant; a negated event says it with the opposite word.
    kinds = 2 * (events.positive ^ events.negated) + events.strong
    at = place + events.negated + events.intensified
    for kind, table in enumerate(vocabulary.sentiment):
        chosen = events.event & (kinds == kind)
        ids[at[chosen]] = _pick(table, _bits(raw, 0, 16)[chosen], 16)
    for table, low, where, chosen in (
        (vocabulary.negations, 16, place, (events.event & events.negated) | events.lone_negation),
        (vocabulary.intensifiers, 32, place + events.negated, events.event & events.intensified),
        (vocabulary.contrasts, 48, events.start, events.turning),
    ):
        ids[where[chosen]] = _pick(table, _bits(raw, low, 16)[chosen], 16)


def _meaning(events: _Events) -> Array:
    """Sum what the events of each review say, shape (reviews,)."""
    size = (1 + events.strong) * (1 + events.intensified) * events.event
    size = size * np.where(events.late, _LATE_WEIGHT, 1)
    total = np.concatenate(([0], np.cumsum(np.where(events.positive, size, -size))))
    ends = np.cumsum(events.slots)
    meaning: Array = total[ends] - total[ends - events.slots]
    return meaning


def _upper_half(meaning: Array) -> Array:
    labels = np.zeros(len(meaning), dtype=np.uint8)
    labels[np.argsort(meaning, kind="stable")[len(meaning) // 2 :]] = 1
    return labels


# Made texts of several classes, for tasks of one's own

_TOPIC_SEED = 20261128
_TOPIC_TEXTS: Mapping[str, int] = {"train": 6_000, "validation": 2_000, "test": 2_000}
_TOPIC_FILLER = 8_000
_TOPIC_WORDS = 64  # of each class
_SHORTEST, _MORE = 12, 64  # words of a text
# Chances in 1/256: a word of the text's own class, and one of any class.
_OWN, _ANY = 24, 24
_MISLABELLED = 8


def make_topics(classes: int) -> tuple[dict[str, Reviews], list[str]]:
    """Make texts of so many classes, two or more, and their words in the order of their ranks.

    A text is Zipf-distributed filler with some words of its class among it, and more of any
    class; a few have the label of another. Earlier classes have more texts.
    """
    draws = _Draws(_TOPIC_SEED + classes)
    count = sum(_TOPIC_TEXTS.values())
    weights = np.arange(classes, dtype=np.int64)[::-1] + 4
    topics = _pick(
        np.repeat(np.arange(classes, dtype=np.int64), weights),
        draws.take(count) >> np.uint64(32),
        32,
    )
    lengths = _SHORTEST + _bits(draws.take(count), 0, 16) % _MORE
    total = int(lengths.sum())
    words = [*FUNCTION_WORDS.split(), *invented_words(_TOPIC_FILLER + classes * _TOPIC_WORDS)]
    first = len(words) - classes * _TOPIC_WORDS
    ids = _pick(_zipf(first, _ZIPF_SCALE), draws.take(total) >> np.uint64(32), 32)
    raw, other = draws.take(total), _bits(draws.take(total), 0, 32) % classes
    of_class = np.where(_bits(raw, 0, 8) < _OWN, np.repeat(topics, lengths), other)
    telling = (
        first + of_class * _TOPIC_WORDS + _pick(_zipf(_TOPIC_WORDS, 640), _bits(raw, 16, 32), 32)
    )
    ids = np.where(_bits(raw, 0, 8) < _OWN + _ANY, telling, ids)
    raw = draws.take(count)
    labels = np.where(_bits(raw, 0, 8) < _MISLABELLED, _bits(raw, 8, 32) % classes, topics)
    return _ranked(ids, lengths, labels, words)


def _zipf(count: int, scale: int) -> Array:
    """Return a table in which an even draw finds early numbers more often than late ones."""
    numbers = np.arange(count, dtype=np.int64)
    return np.repeat(numbers, np.maximum(1, scale // (numbers + _ZIPF_SHIFT)))


def _ranked(
    ids: Array, lengths: Array, labels: Array, words: Sequence[str]
) -> tuple[dict[str, Reviews], list[str]]:
    """Part made texts, and rank their words over the training part."""
    texts = np.cumsum([0, *_TOPIC_TEXTS.values()])
    starts = np.concatenate(([0], np.cumsum(lengths)))[texts]
    ranks = rank_words(ids[: starts[1]], len(words))
    parts = {}
    for part, (name, first, end) in enumerate(zip(_TOPIC_TEXTS, texts, texts[1:], strict=False)):
        kept, left = drop_unranked(ranks[ids[starts[part] : starts[part + 1]]], lengths[first:end])
        parts[name] = Reviews(kept, left, labels[first:end])
    ranked = [""] * int(ranks.max())
    for word, rank in zip(words, ranks.tolist(), strict=True):
        if rank:
            ranked[rank - 1] = word
    return parts, ranked


# The made vocabulary of the synthetic reviews: a few English words, many invented ones


FUNCTION_WORDS = (
    "the a and of to is in it i this that was as for with movie film on he are his have be one "
    "all at they by an who from like there or just her out about if has what some can when "
    "more up even she time my would which only story their had see we me than much were get been "
    "people other do also first because how him will into made make way think know after two "
    "where over watch scene character life plot them then man show end ever any say "
    "your year actor act play new look go another part director before being through old "
    "back while off down here cast work find many few every day thing night young name house "
    "friend family girl boy world war school city camera music line role script minute hour"
)

POSITIVE_STRONG = (
    "great excellent wonderful brilliant superb amazing perfect fantastic masterpiece beautiful "
    "favorite loved outstanding touching remarkable terrific marvelous stunning gripping "
    "unforgettable delightful magnificent splendid breathtaking flawless hilarious"
)
POSITIVE_WEAK = (
    "good nice enjoyable fun interesting fine solid pleasant decent charming warm clever fresh "
    "likable moving worthy engaging sweet strong honest witty graceful lively tender bright "
    "thoughtful amusing sincere polished entertaining"
)
NEGATIVE_STRONG = (
    "bad worst awful terrible horrible boring waste poor stupid ridiculous pathetic garbage "
    "dreadful hated atrocious laughable unwatchable disaster insulting lousy painful abysmal "
    "wretched hideous appalling unbearable"
)
NEGATIVE_WEAK = (
    "dull weak silly slow lame annoying predictable flat forgettable cheap bland tedious messy "
    "clumsy shallow confused wooden tired stale lazy uneven noisy hollow pointless thin awkward "
    "dated muddled empty irritating"
)
NEGATIONS = "not never hardly isn't wasn't"
INTENSIFIERS = "very really truly so extremely"
CONTRASTS = "but however yet"

# 64 syllables, so that a number below 64**3 spells at most one word of three.
_ONSETS = ["b", "br", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v"]
_VOWELS = ["a", "e", "i", "o"]
_SYLLABLES = [onset + vowel for onset in _ONSETS for vowel in _VOWELS]
_STRIDE = 7919  # odd, so multiplying by it permutes the numbers below a power of two


def invented_words(count: int) -> list[str]:
    """Return ``count`` pronounceable words of two or three syllables, all different.

    The first 2,048 have two syllables, as frequent words are short.
    """
    short = [(number * _STRIDE) % 64**2 for number in range(min(count, 2048))]
    long = [(number * _STRIDE) % 64**3 for number in range(count - len(short))]
    return [
        *(_SYLLABLES[code // 64] + _SYLLABLES[code % 64] + "n" for code in short),
        *(
            _SYLLABLES[code // 4096] + _SYLLABLES[code // 64 % 64] + _SYLLABLES[code % 64]
            for code in long
        ),
    ]
