"""The made vocabulary of the synthetic reviews: a few English words, many invented ones."""

from __future__ import annotations

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
