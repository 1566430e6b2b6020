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

import math
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
from bench.statistics.intervals import VarianceEstimate, howe, t_quantile
from bench.statistics.pairs import ROUNDING
from bench.statistics.ratios import HALVES, MOST, SHOWN
from bench.task import Array

# The variance of seed means, which few seeds tell badly and many plugins tell together

#: With fewer variances than this, what they have in common cannot be told.
FEWEST = 3
#: A variance that is this unlikely under what the table has in common is not of its kind.
#: On made tables of equals in which seeds are all of the error, this much left 2 to 6% with
#: a false separation; ten times as much, up to 7%, and a hundred times, up to 9%.
UNLIKE = 1e-4
_MOST_FITS = 20


@dataclass(frozen=True)
class Prior:
    """What the variances of a table have in common: ``variance``, worth ``df`` of its own.

    ``most`` is the sum of all degrees of freedom: no variance drawn towards the prior can
    be known better than all together.
    """

    variance: float
    df: float
    most: float


def seed_variances(found: Sequence[Components]) -> VarianceEstimate:
    """Return the variance of one seed's mean that each plugin of a table is given.

    No variance is drawn down: a plugin that is less steady than the others, of which a table
    often has one, would pass for better known than it is, and tests would err twice as often
    as they say. One that is far beyond the others keeps its own and its few degrees of
    freedom. A plugin whose seeds do not matter keeps 0 and tells nothing of the others. One
    with a single seed is given what the table has in common or, where that cannot be told,
    the average of the others.

    Args:
        found: The K plugins' own variances.

    Returns:
        Variances and degrees of freedom, each of shape (K,); all 0 where no plugin has two
        seeds, with 1 for the degrees of freedom.
    """
    own = np.array([each.seeds for each in found])
    df = np.array([each.count - 1.0 for each in found])
    random = np.array([each.random for each in found])
    single = df == 0
    if not random.any():
        return VarianceEstimate(own, np.maximum(df, 1.0))
    prior, ordinary = fit_prior_robustly(own[random], df[random])
    if prior is None:
        together = float(df[random].sum())
        average = float(df[random] @ own[random] / together)
        return VarianceEstimate(np.where(single, average, own), np.where(single, together, df))
    posterior, total = moderate(own, df, prior)
    drawn = random | single
    # What is unlike the others learns nothing from them.
    drawn[np.flatnonzero(random)[~ordinary]] = False
    return VarianceEstimate(
        np.where(drawn, np.maximum(posterior, own), own), np.where(drawn, total, df)
    )


def fit_prior_robustly(variances: Array, df: Array) -> tuple[Prior | None, Array]:
    """Fit the prior to the variances that are alike; say which are.

    One plugin whose training now and then fails has a thousand times the variance of the
    others. It says nothing of them, but would make them look as if nothing were known of
    each (Phipson, Lee, Majewski, Alexander & Smyth 2016, robust hyperparameter estimation).
    Here, as in a forward search (Atkinson & Riani 2000), the fit starts from the smaller
    three quarters, and is repeated with every variance that is not far beyond it.

    Args:
        variances: Sample variances, shape (K,), not all 0.
        df: Their degrees of freedom, shape (K,), each at least 1.

    Returns:
        The prior, as ``fit_prior`` gives it, and whether each variance is alike, (K,).
    """
    from scipy.special import fdtrc

    order = np.argsort(variances, kind="stable")
    alike = np.zeros(len(variances), dtype=bool)
    alike[order[: -(-3 * len(order) // 4)]] = True
    for _ in range(_MOST_FITS):
        prior = fit_prior(variances[alike], df[alike])
        if prior is None:
            return fit_prior(variances, df), np.ones(len(variances), dtype=bool)
        beyond = fdtrc(df, min(prior.df, prior.most), variances / prior.variance)
        now = beyond > UNLIKE
        if (now == alike).all():
            break
        alike = now
    return prior, alike


def fit_prior(variances: Array, df: Array) -> Prior | None:
    """Fit the scaled F distribution of sample variances by the moments of their logarithms.

    Args:
        variances: Sample variances, shape (K,), not all 0.
        df: Their degrees of freedom, shape (K,), each at least 1.

    Returns:
        The prior, its ``df`` infinite where the variances differ by no more than chance;
        None for fewer than ``FEWEST`` variances.
    """
    from scipy.special import digamma, polygamma

    if len(variances) < FEWEST:
        return None
    most = float(df.sum())
    # A variance may be 0 by accident, and has no logarithm then; limma lifts it so.
    lifted = np.maximum(variances, 1e-5 * np.median(variances[variances > 0]))
    logs = np.log(lifted) - digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, df / 2).mean())
    if excess <= 0:
        return Prior(float(df @ variances / most), np.inf, most)
    half = trigamma_inverse(excess)
    variance = float(np.exp(logs.mean() + digamma(half) - np.log(half)))
    return Prior(variance, 2 * half, most)


def moderate(variances: Array, df: Array, prior: Prior) -> tuple[Array, Array]:
    """Draw variances towards the prior; return the posterior variances and their df, (K,).

    Args:
        variances: Sample variances, shape (K,); any number where ``df`` is 0.
        df: Their degrees of freedom, shape (K,), 0 for one seed.
        prior: What the table has in common.
    """
    known = np.where(df > 0, variances, 0.0)
    if np.isinf(prior.df):
        return np.full(len(df), prior.variance), np.full(len(df), prior.most)
    total = prior.df + df
    return (prior.df * prior.variance + df * known) / total, np.minimum(total, prior.most)


def trigamma_inverse(value: float) -> float:
    """Return y > 0 with trigamma(y) = ``value`` > 0, by Newton's method on 1 / trigamma.

    That function is convex and nearly linear, so the steps fall to it from one side
    (Smyth 2004, appendix).
    """
    from scipy.special import polygamma

    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, y))
        y += step
        if -step / y < 1e-10:
            break
    return float(y)


#: A candidate's variance that is this unlikely, were it the base's, is another one. Training
#: that was broken often ends anywhere. Its own variance, known by two degrees of freedom,
#: would excuse almost any loss. But training that now and then fails by chance does so too:
#: ``bench.statistics.beyond_chance`` tells the one from the other.
UNSTEADY = 0.01
BASE, CANDIDATE = "the baseline", "the candidate"


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
    ``unsteady`` names the side whose seeds differ far more than the other's, "" if neither's
    do. An unsteady candidate's variance is left aside: it would excuse any loss that is more
    than chance, which is for a test of its own to say. Where it is not, the interval is
    ``wide``, by the seeds of both. ``scatters`` are the standard deviations of one seed's mean
    that the disagreement on single examples leaves at least, of the base and the candidate;
    None where seeds do not matter. ``variance`` is that of the difference of one seed a
    side, and ``fixed`` half of the interval that is left however many seeds there are.
    ``by_examples`` is how often another sample of examples alone would make a difference as
    large, and one as small.
    """

    difference: float
    low: float
    high: float
    unsteady: str
    wide: tuple[float, float]
    scatters: tuple[float, float] | None
    variance: float
    fixed: float
    by_examples: tuple[float, float]

    def detectable(self, threshold: float) -> float:
        """Return the smallest loss that would be found with 95% power at a threshold."""
        return threshold + HALVES * (self.high - self.low) / 2

    def seeds_needed(self, tolerance: float, level: float) -> int | None:
        """Return how many seeds a side would show ``SHOWN`` tolerances with 95% power.

        Or half of what was seen, if that is more. None where the examples leave too much noise,
        or for more than ``MOST``.
        """
        half = (max(SHOWN * tolerance, abs(self.difference) / 2) - tolerance) / HALVES
        if half <= self.fixed:
            return None
        counts = np.arange(3, MOST + 1)
        errors = t_quantile(2 * counts - 2, level) ** 2 * self.variance / counts
        enough = counts[errors <= half**2 - self.fixed**2]
        return int(enough[0]) if len(enough) else None


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
        pair = found[place]
        difference, errors = _difference(each, pair, part, length, block_df)
        half = wide = float(howe(errors, 2 * level))
        if unsteady:
            both = _averaged(pair)
            part = VarianceEstimate(both.seeds, float(both.count - 1))
            wide = float(howe(_difference(each, pair, part, length, block_df)[1], 2 * level))
        shifts.append(
            Shift(
                difference,
                difference - half,
                difference + half,
                unsteady,
                (difference - wide, difference + wide),
                _scatters(pair),
                sum(max(part.variance, side.interaction) for side in pair),
                float(howe(errors[-1:], 2 * level)),
                _by_examples(difference, errors[-1]),
            )
        )
    return tuple(shifts)


def _scatters(pair: Sequence[Components]) -> tuple[float, float] | None:
    """Return what disagreement on examples leaves of each side's seeds, None if nothing does."""
    if not any(side.random or side.count == 1 for side in pair):
        return None
    base, candidate = (math.sqrt(side.interaction) for side in pair)
    return base, candidate


def _by_examples(difference: float, examples: VarianceEstimate) -> tuple[float, float]:
    from scipy.special import stdtr

    if not examples.variance > 0:
        return float(difference <= 0), float(difference >= 0)
    found = difference / math.sqrt(examples.variance)
    return float(stdtr(examples.df, -found)), float(stdtr(examples.df, found))


def _components(sides: Sides, length: int) -> list[Components]:
    return [components(side, length) for side in (sides.base, sides.candidate) if side]


def _together(base: Components, candidate: Components | None = None) -> tuple[Components, str]:
    """Return the plugin's variances from both sides, as if of so many seeds; and who is unsteady.

    An unsteady candidate's are left out.
    """
    if candidate is None or candidate.count == 1:
        return base, ""
    if base.count == 1:
        return candidate, ""
    if _is_unsteady(base, candidate):
        return base, CANDIDATE
    return _averaged((base, candidate)), BASE if _is_unsteady(candidate, base) else ""


def _averaged(pair: Sequence[Components]) -> Components:
    """Return the variances of two sides together, as if of one with so many seeds."""
    df = np.array([side.count - 1 for side in pair])
    seeds, interaction, examples = (
        float(np.average([getattr(side, name) for side in pair], weights=df))
        for name in ("seeds", "interaction", "examples")
    )
    return Components(seeds, interaction, examples, int(df.sum()) + 1)


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
