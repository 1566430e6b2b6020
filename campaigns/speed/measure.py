"""Measure plain script and suite in turn, round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .comparisons import Comparison
from .samples import PLAIN, SUITE, Sample, Samples
from .sides import SideFailed, plain, suite

Measurement = Callable[[], Sample]


def measure(
    compared: Sequence[Comparison],
    rounds: int,
    samples: Samples,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Fill in the samples that are missing; return why which models have none.

    Args:
        compared: The models.
        rounds: How often each side of each model is measured.
        samples: Those of an earlier, interrupted measurement are taken as they are.
        say: Is told of each sample.
    """
    without = {one.name: one.cannot for one in compared if one.cannot}
    for number in range(rounds):
        for one in compared:
            for side in order(number):
                if one.name in without or len(samples.of(one.name, side)) > number:
                    continue
                told = f"round {number + 1}/{rounds}  {one.name}  {side}"
                try:
                    sample = _measurement(one, side)()
                except SideFailed as error:
                    without[one.name] = f"{side} failed: {error}"
                    say(f"{told}: {error}")
                    continue
                samples.add(one.name, side, sample)
                say(f"{told}: step {1000 * sample.step:.1f} ms, whole {sample.whole:.1f} s")
    return without


def order(number: int) -> tuple[str, str]:
    """Return which side comes first in a round: each does in turn, so that no drift favours one."""
    return (PLAIN, SUITE) if number % 2 == 0 else (SUITE, PLAIN)


def _measurement(one: Comparison, side: str) -> Measurement:
    assert one.specification is not None
    assert one.work is not None
    if side == PLAIN:
        return partial(plain, one.specification)
    return partial(suite, one.name, one.options, one.work)
