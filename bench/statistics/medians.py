"""How well a median is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return a confidence interval of the median that no distribution has to be assumed for.

    It reaches from the r-th smallest to the r-th largest value, with the largest r for
    which its coverage, 1 - 2 P(B < r) with B binomial (n, 1/2), is still at least
    ``level`` (Conover, Practical Nonparametric Statistics, 1999, section 3.2; Hahn and
    Meeker, Statistical Intervals, 1991, section 5.2). It holds for values that are
    independent and of one distribution.

    Args:
        values: Finite numbers, in any order.
        level: The least coverage, between 0 and 1.

    Returns:
        The lower and the upper end, or None where even the whole range covers less:
        at 95% with fewer than six values.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    rank = _rank(len(values), level)
    if rank == 0:
        return None
    ordered = sorted(values)
    return ordered[rank - 1], ordered[-rank]


def _rank(count: int, level: float) -> int:
    """Return the largest r whose coverage is at least ``level``; 0 for none."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, give a number between 0 and 1")
    # In whole numbers: 2 sum(C(n, k), k < r) may be at most (1 - level) 2^n. As floats the
    # powers would overflow, and a coverage of exactly the level might be missed.
    allowed = (1 - Fraction(level)) * 2**count
    rank, term, tail = 0, 1, 1
    while 2 * tail <= allowed:
        rank += 1
        term = term * (count - rank + 1) // rank
        tail += term
    return rank
