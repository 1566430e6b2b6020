"""Other tests of the same scores, which take the trained models as given."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import combinations
from typing import Any

import numpy as np

from bench.task import Array


def diebold_mariano(losses: Array) -> Array:
    """Return two-sided p-values of all pairs (Diebold & Mariano 1995), shape (K (K - 1) / 2,).

    The error of a mean difference is that of Newey & West (1987), with the usual number of
    lags, 4 (D / 100)^(2/9).

    Args:
        losses: Those of K models on each of D days, shape (K, D).
    """
    from scipy.stats import norm

    size = losses.shape[1]
    lags = int(4 * (size / 100) ** (2 / 9))
    found = []
    for one, other in combinations(losses, 2):
        apart = one - other
        centred = apart - apart.mean()
        variance = centred @ centred / size
        for lag in range(1, lags + 1):
            covariance = centred[lag:] @ centred[:-lag] / size
            variance += 2 * (1 - lag / (lags + 1)) * covariance
        found.append(2 * norm.sf(abs(apart.mean()) / (variance / size) ** 0.5))
    return np.array(found)


def has_arch() -> bool:
    """Say whether the package is installed that has the model confidence set."""
    return find_spec("arch") is not None


def confidence_set(losses: Array) -> list[int]:
    """Return the models that the 95% model confidence set holds (Hansen, Lunde & Nason 2011).

    Args:
        losses: Those of K models on each of D days, shape (K, D).
    """
    from arch.bootstrap import MCS

    made: Any = MCS(losses.T, size=0.05, reps=500, block_size=8, seed=0)
    made.compute()
    return [int(model) for model in made.included]
