"""How many times as long, or as large: two sides' processes compared by the ratio.

Values of one process agree with each other better than with those of the next, so a process
counts once (Kalibera & Jones 2013, "Rigorous benchmarking in reasonable time"), and ratios
are compared as differences of logarithms.

Side by side, in rounds of one process each, ranks are used. What makes processes slow now
and then makes some of them very slow: of 8 rounds in which a base ran twice and a candidate
once, with 1.2% deviation from process to process and one process in 20 a fifth slower, the
ranks found 79% of 5% slowdowns at a tolerance of 2%, where Student's t on log ratios found
30%, the signed-rank bounds of Hodges and Lehmann 44% and a t of means trimmed by one round
at each end 65%. With normal deviations alone it was 99%, 98%, 95% and 94%; with those of
Student's t with 3 degrees of freedom 99%, 96%, 94% and 98%.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.intervals import t_quantile
from bench.task import Array

#: How many median absolute deviations make a standard deviation of the normal distribution.
NORMAL_MAD = 1.4826
#: Half lengths beyond the threshold from which a change is found with 95% power: one for the
#: interval and nearly as much for its scatter. On made rounds 1.8 found it with normal
#: deviations, 2.1 with long tails; by the non-central t it is 1.7 to 1.9 for Welch's test. On
#: made scores of two to five seeds two of them found 93% to 99%.
HALVES = 2.0
#: Halvings of a range of logarithms, which leave less than a ten-thousandth of it.
_HALVINGS = 15
#: The largest logarithm of a ratio: e to it is 7e86, and its square can still be computed.
_FARTHEST = 200.0
#: Beyond all differences, however small the range that these span.
_BEYOND = 1e-9


@dataclass(frozen=True)
class Ratio:
    """How many times as large as the base's a candidate's value is; 1.05 is 5% more.

    ``low`` and ``high`` are each missed with the probability of the test's level. ``larger``
    is how often chance alone makes a candidate that is the same as large as it is, or larger;
    ``smaller`` likewise.
    """

    estimate: float
    low: float
    high: float
    larger: float = 1.0
    smaller: float = 1.0

    @property
    def half(self) -> float:
        """Half of the interval's length, as a difference of logarithms."""
        return math.log(self.high / self.low) / 2

    def detectable(self, threshold: float, direction: str) -> float | None:
        """Return the smallest change for the worse that would be found with 95% power.

        With as much noise as there was, and none of it in the threshold.

        Args:
            threshold: What the whole interval has to lie beyond, as a share, 0.02 for 2%.
            direction: "min" or "max", which values are better.

        Returns:
            A share, positive; None for a fall by a threshold that leaves nothing.
        """
        if direction == "min":
            return math.expm1(math.log1p(threshold) + HALVES * self.half)
        return -math.expm1(math.log1p(-threshold) - HALVES * self.half) if threshold < 1 else None


def fewest_rounds(sides: int, level: float) -> int:
    """Return how many rounds of ``sides`` processes can be significant at all.

    The candidate is the slowest of every round by chance alone once in ``sides**rounds``.
    """
    rounds = 1
    while float(sides) ** -rounds > level:
        rounds += 1
    return rounds


def paired_ratio(
    candidate: Sequence[float], bases: Sequence[Sequence[float]], level: float
) -> Ratio | None:
    """Compare a candidate with what was measured beside it, round by round.

    The aligned rank test (Hodges & Lehmann 1962, "Rank methods for combination of
    independent experiments in analysis of variance"): each round's median is taken off its
    values, all rounds are ranked together, and the sum of the candidate's ranks is compared
    with those of all ways to choose one side of each round. That distribution is exact if
    the sides of a round may be exchanged, as they may be where nothing but the candidate's
    factor differs; no shape is assumed, and what a round shares cancels. The interval holds
    the factors that, taken off the candidate, leave nothing significant. With one base it
    is nearly the interval of the signed-rank test.

    Args:
        candidate: A positive value for each round, shape (n,).
        bases: Those of the base's processes in the same rounds, k - 1 of shape (n,) each.
        level: How often each end of the interval may miss.

    Returns:
        The ratio; None where there are fewer than ``fewest_rounds(k, level)``.
    """
    values = np.log(np.array([*bases, candidate], dtype="float64")).T
    rounds, sides = values.shape
    if rounds < fewest_rounds(sides, level):
        return None
    apart = values[:, -1:] - values[:, :-1]
    margin = _BEYOND + _BEYOND * float(np.ptp(apart))
    ends = float(apart.min()) - margin, float(apart.max()) + margin
    middle = sides * rounds * (sides * rounds + 1) / sides

    def above(shift: float) -> bool:
        """Whether the candidate, less a factor, still has more than its share of ranks."""
        return bool(_ranks(values, shift)[:, -1].sum() > middle)

    def not_below(shift: float) -> bool:
        return bool(_ranks(values, shift)[:, -1].sum() >= middle)

    low = _last(lambda shift: _upper_tail(_ranks(values, shift)) <= level, ends)
    high = _last(lambda shift: _upper_tail(-_ranks(values, shift)) > level, ends)
    estimate = (_last(above, ends) + _last(not_below, ends)) / 2
    tails = paired_chances(candidate, bases)
    return Ratio(_factor(estimate), _factor(low), _factor(high), *tails)


def paired_chances(
    candidate: Sequence[float], bases: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """Return how often chance alone makes a candidate as large as it is, and as small.

    The p-values of ``paired_ratio``'s test of no change; arguments as there.
    """
    ranks = _ranks(np.log(np.array([*bases, candidate], dtype="float64")).T, 0.0)
    return _upper_tail(ranks), _upper_tail(-ranks)


#: What a sample shows that can tell, with 95% power, as a multiple of what is tolerated: 5% at 2%.
SHOWN = 2.5
#: More rounds or processes are not asked for.
MOST = 1000


def rounds_needed(ratio: Ratio, rounds: int, tolerance: float) -> int | None:
    """Return how many rounds would tell; None for more than ``MOST``.

    So many show ``SHOWN`` tolerances, or half of what was seen if that is more: what comes out
    far beyond the tolerance needs no interval as narrow as that.

    Args:
        ratio: What so many ``rounds`` gave, whose interval shortens with the root of their number.
        rounds: How many there were.
        tolerance: As a share, 0.02 for 2%.
    """
    gap = _gap(ratio, tolerance)
    needed = rounds * (HALVES * ratio.half / gap) ** 2 if gap > 0 else math.inf
    return max(rounds + 1, math.ceil(needed)) if needed <= MOST else None


def processes_needed(
    ratio: Ratio,
    candidate: Sequence[float],
    base: Sequence[float],
    level: float,
    tolerance: float,
) -> int | None:
    """Return how many processes a side would tell by ``unpaired_ratio``; see ``rounds_needed``."""
    logs = [np.log(np.asarray(side, dtype="float64")) for side in (candidate, base)]
    deviation = math.sqrt(sum(float(side.var(ddof=1)) for side in logs))
    counts = np.arange(min(len(candidate), len(base)) + 1, MOST + 1)
    halves = t_quantile(2 * counts - 2, level) * deviation / np.sqrt(counts)
    enough = counts[HALVES * halves <= _gap(ratio, tolerance)]
    return int(enough[0]) if len(enough) else None


def _gap(ratio: Ratio, tolerance: float) -> float:
    seen = abs(math.log(ratio.estimate)) / 2
    return max(math.log1p(SHOWN * tolerance), seen) - math.log1p(tolerance)


def _ranks(values: Array, shift: float) -> Array:
    """Rank the aligned values, shape (n, k), with ``shift`` taken off the last side's.

    Ranks are doubled, so that those of equal values, which are averaged, are whole.
    """
    shifted = values.copy()
    shifted[:, -1] -= shift
    ordered, sides = np.sort(shifted, axis=1), values.shape[1]
    medians = (ordered[:, (sides - 1) // 2] + ordered[:, sides // 2]) / 2
    aligned = (shifted - medians[:, None]).reshape(-1)
    # Of a handful of values; comparing all takes less time than sorting.
    below = (aligned[:, None] > aligned).sum(axis=1)
    not_above = (aligned[:, None] >= aligned).sum(axis=1)
    return np.asarray(below + not_above + 1).reshape(values.shape)


#: Of more rounds the sum of the ranks is taken as normal: to count all takes seconds and more.
_COUNTED = 128


def _upper_tail(ranks: Array) -> float:
    """Return how often one side a round, chosen at random, has the last side's sum or more.

    The tail of a normal distribution of the same mean and variance is a little the longer of
    the two, by 8% at one in 30,000 with ``_COUNTED`` rounds of three sides.
    """
    if len(ranks) > _COUNTED:
        beyond = float(ranks[:, -1].sum() - ranks.mean(axis=1).sum())
        deviation = math.sqrt(float(ranks.var(axis=1).sum()))
        return 0.5 * math.erfc(beyond / deviation / math.sqrt(2)) if deviation else 1.0
    smallest = ranks.min(axis=1)
    chances = np.ones(1)
    for row in ranks - smallest[:, None]:
        longer = np.zeros(len(chances) + int(row.max()))
        for rank in row:
            longer[rank : rank + len(chances)] += chances / len(row)
        chances = longer
    found = int(ranks[:, -1].sum() - smallest.sum())
    return float(chances[found:].sum())


def _last(holds: Callable[[float], bool], ends: tuple[float, float]) -> float:
    """Return where what holds at the first end, and not at the second, ceases to hold."""
    low, high = ends
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def spread(base: Sequence[float], again: Sequence[float]) -> float:
    """Return how far apart, as a share, the same revision measured twice may lie.

    The interval of a comparison already holds what is by chance. What it cannot hold is a
    difference that stays through all rounds, such as that of the two sides' folders. It is
    as large as the estimate and its standard error leave open; an interval at the level of
    the tests would say so three times over, and hide a tenth of the 5% slowdowns with 1.2%
    noise and two thirds with 2%. Both are told by medians, the error by the median absolute
    deviation (Hampel 1974): two of eight processes that were held up must not hide all else.

    Args:
        base: A positive value for each round, shape (n,), n at least 1.
        again: Those of the second measurement, in the same rounds.
    """
    apart = np.log(np.asarray(again, dtype="float64") / np.asarray(base, dtype="float64"))
    estimate = float(np.median(apart))
    deviation = NORMAL_MAD * float(np.median(np.abs(apart - estimate)))
    return math.expm1(abs(estimate) + deviation * math.sqrt(math.pi / 2 / len(apart)))


def unpaired_ratio(candidate: Sequence[float], base: Sequence[float], level: float) -> Ratio | None:
    """Compare two sides that were measured apart: Welch's test on logarithms (Welch 1947).

    It knows the noise from process to process only: nothing tells how much a machine's
    speed changes between one day and another. At a level of 1% it erred 0.4% to 1.9% of the
    times on two to eight made processes a side, most with two against six.

    Args:
        candidate: A positive value for each process, shape (n,).
        base: Shape (m,).
        level: How often each end of the interval may miss.

    Returns:
        The ratio; None where a side has fewer than two processes.
    """
    if min(len(candidate), len(base)) < 2:
        return None
    logs = [np.log(np.asarray(side, dtype="float64")) for side in (candidate, base)]
    parts = [float(side.var(ddof=1)) / len(side) for side in logs]
    difference = float(logs[0].mean() - logs[1].mean())
    squares = sum(part**2 / (len(side) - 1) for part, side in zip(parts, logs, strict=True))
    df = sum(parts) ** 2 / squares if squares > 0 else len(logs[0]) + len(logs[1]) - 2.0
    error = math.sqrt(sum(parts))
    half = float(t_quantile(df, level)) * error
    low, high = _factor(difference - half), _factor(difference + half)
    return Ratio(_factor(difference), low, high, *_tails(difference, error, df))


def _tails(difference: float, error: float, df: float) -> tuple[float, float]:
    """Return how often a difference as large, and one as small, is by chance alone."""
    from scipy.special import stdtr

    if error == 0:
        return float(difference <= 0), float(difference >= 0)
    return float(stdtr(df, -difference / error)), float(stdtr(df, difference / error))


def _factor(logarithm: float) -> float:
    """Return e to a power, which files of others may have made so large that nothing holds it."""
    return math.exp(max(-_FARTHEST, min(logarithm, _FARTHEST)))
