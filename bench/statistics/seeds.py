"""The variance of seed means, which few seeds tell badly and many plugins tell together.

A variance from three seeds has two degrees of freedom. The plugins of a table train in
alike ways, so each variance is drawn towards what the table has in common (Smyth 2004,
"Linear models and empirical Bayes methods", section 6; as limma does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.blocks import Components
from bench.statistics.intervals import VarianceEstimate
from bench.task import Array

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
