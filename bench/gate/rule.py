"""The rule of the gate: what an interval of a change says at a threshold."""

from __future__ import annotations

from bench.gate.verdicts import BETTER, UNCHANGED, WORSE


def decide(interval: tuple[float, float], threshold: float, direction: str) -> str:
    """Return better, worse, or unchanged, which is also what cannot be told.

    The whole interval has to lie beyond the threshold: a loss that is merely significant
    may be one that is tolerated, and an estimate beyond the threshold may be chance. The
    price is power, of which the finding tells how much there is.

    Args:
        interval: Of the candidate's value less the baseline's, lower end first.
        threshold: The change that is let pass, not negative, in the interval's unit.
        direction: "min" or "max", which values are better.
    """
    low, high = interval
    risen, fallen = low > threshold, high < -threshold
    if not (risen or fallen):
        return UNCHANGED
    return WORSE if risen == (direction == "min") else BETTER
