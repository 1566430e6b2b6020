"""The same plugins before and after a change of the code: by how much their means moved.

A seed does not pair two sides. The same seed draws the same numbers, but a change of the
code gives them to other uses, after which the two trainings go their own ways. Where they
stay alike, that makes the difference less noisy than is said here, never more. So all seeds
of both sides are used, also if they are others.

If nothing has changed, the seeds of both sides are draws of one distribution, and a plugin's
variance is told by both together: with three seeds a side four degrees of freedom, not two,
which makes the interval half as long. Variances of all plugins are moderated as in a
leaderboard. On made scores of 2, 3 and 5 seeds a side, of 1 to 10 plugins, a level of 1%
erred in 0% to 1.2% of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.blocks import (
    Components,
    Summary,
    components,
    degrees_of_freedom,
    dependent_length,
    variances,
)
from bench.statistics.intervals import VarianceEstimate, howe
from bench.statistics.pairs import ROUNDING
from bench.statistics.ratios import HALVES
from bench.statistics.seeds import seed_variances

#: A candidate's variance that is this unlikely, were it the base's, is another one. Training
#: that was broken often ends anywhere. Its own variance, known by two degrees of freedom,
#: would excuse almost any loss; by the base's it is judged as what it is not: unchanged.
UNSTEADY = 0.01


@dataclass(frozen=True)
class Sides:
    """The scores of a plugin on the same examples, before and after; influences as float64.

    ``candidate`` is None where it is the base, bit by bit: it tells nothing further, and
    must not count twice.
    """

    base: Summary
    candidate: Summary | None


@dataclass(frozen=True)
class Shift:
    """The candidate's mean less the base's, in the metric's unit.

    Each of ``low`` and ``high`` is missed with the probability of the test's level.
    ``unsteady`` says that the candidate's seeds differ so much more than the base's that
    their variance is left aside.
    """

    difference: float
    low: float
    high: float
    unsteady: bool

    def detectable(self, threshold: float) -> float:
        """Return the smallest loss that would be found with 95% power at a threshold."""
        return threshold + HALVES * (self.high - self.low) / 2


def compare_sides(
    plugins: Sequence[Sides], independent: bool, level: float
) -> tuple[Shift | None, ...]:
    """Compare the two sides of each plugin of a table.

    Args:
        plugins: At least one, all scored on the same examples, in D > 1 groups.
        independent: Whether each example is a group of its own.
        level: How often each end of an interval may miss.

    Returns:
        A shift for each plugin; None where there is no candidate, or where one seed a side
        and no other plugin tell what seeds do.
    """
    summaries = [side for each in plugins for side in (each.base, each.candidate) if side]
    averages = np.stack([summary.over(summary.seeds)[1] for summary in summaries])
    length = 1 if independent else dependent_length(averages)
    block_df = degrees_of_freedom(averages.shape[1], length)
    found = [_components(each, length) for each in plugins]
    together = [_together(*pair) for pair in found]
    seeds = seed_variances([each for each, _ in together])
    is_told = any(each.random for each, _ in together)
    shifts: list[Shift | None] = []
    for place, (each, (own, unsteady)) in enumerate(zip(plugins, together, strict=True)):
        if each.candidate is None or (own.count == 1 and not is_told):
            shifts.append(None)
            continue
        part = VarianceEstimate(float(seeds.variance[place]), float(seeds.df[place]))
        difference, errors = _difference(each, found[place], part, length, block_df)
        half = float(howe(errors, 2 * level))
        shifts.append(Shift(difference, difference - half, difference + half, unsteady))
    return tuple(shifts)


def _components(sides: Sides, length: int) -> list[Components]:
    return [components(side, length) for side in (sides.base, sides.candidate) if side]


def _together(base: Components, candidate: Components | None = None) -> tuple[Components, bool]:
    """Return the plugin's variances from both sides, as if of so many seeds; and if unsteady."""
    if candidate is None or candidate.count == 1:
        return base, False
    if base.count == 1:
        return candidate, False
    if _is_unsteady(base, candidate):
        return base, True
    df = np.array([base.count - 1, candidate.count - 1])
    seeds, interaction, examples = (
        float(np.average([getattr(side, name) for side in (base, candidate)], weights=df))
        for name in ("seeds", "interaction", "examples")
    )
    return Components(seeds, interaction, examples, int(df.sum()) + 1), False


def _is_unsteady(base: Components, candidate: Components) -> bool:
    from scipy.special import fdtrc

    # Without any variance, the base says that seeds do not matter, not how much they do.
    if not base.seeds > 0:
        return False
    ratio = candidate.seeds / base.seeds
    return bool(fdtrc(candidate.count - 1, base.count - 1, ratio) < UNSTEADY)


def _difference(
    sides: Sides,
    found: Sequence[Components],
    seeds: VarianceEstimate,
    length: int,
    block_df: float,
) -> tuple[float, tuple[VarianceEstimate, ...]]:
    """Return the candidate's mean less the base's, and the parts of its variance.

    The parts are the base's seeds, the candidate's, and the examples. What a seed makes of
    single examples belongs to both and is counted once.
    """
    both = [side for side in (sides.base, sides.candidate) if side]
    (base, first), (candidate, second) = (side.over(side.seeds) for side in both)
    sampled, one, other = variances(np.stack([second - first, first, second]), length)
    # Two series that all but cancel leave rounding, which is no error to divide by.
    examples = max(float(sampled), ROUNDING * float(one + other))
    within = [each.interaction / each.count for each in found]
    between = [max(seeds.variance, each.interaction) / each.count for each in found]
    return candidate - base, (
        *(VarianceEstimate(part, seeds.df) for part in between),
        VarianceEstimate(max(examples - sum(within), 0.0), block_df),
    )
