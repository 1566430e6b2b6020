"""Where the shares of ``bench.statistics.intervals.similar`` come from: they are solved for here.

A mean has a normal error of two parts, one of a known variance, which is the unit, and one whose
variance is estimated with few degrees of freedom. Whatever that variance is, the coverage of an
interval is an integral over what its estimate may be, so that nothing is drawn. The shares
are those whose coverage is nowhere far from 95%: a linear program finds by how much to change
them, until nothing is won.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.special import chdtri, ndtr
from tabulate import tabulate

from bench.statistics.intervals import COVERED, SHARES, SUMS, t_quantile
from bench.task import Array

#: True variances of the part that is estimated, as multiples of that which is known.
VARIANCES = np.concatenate([[0.0], np.geomspace(1e-2, 1e5, 45)])
#: How much a change of slope costs beside the largest deviation: of solutions that are as good,
#: the smoother one.
BENDS = 1e-3
#: By how much the stored shares may be worse than those that are found anew.
TOLERANCE = 5e-4
NORMAL = float(t_quantile(np.inf, (1 - COVERED) / 2))

_TAIL = np.geomspace(1e-9, 0.05, 400)
#: Probabilities that divide what an estimate may be, closest where it is far from the truth.
_EDGES = np.concatenate([[0.0], _TAIL, np.linspace(0.05, 0.95, 700)[1:-1], 1 - _TAIL[::-1], [1.0]])


class TwoParts:
    """The coverage of intervals, for each of ``VARIANCES``, and how it changes with shares."""

    def __init__(self, df: float):
        middle = np.clip((_EDGES[1:] + _EDGES[:-1]) / 2, 1e-12, 1 - 1e-12)
        estimates = VARIANCES[:, None] * chdtri(df, 1 - middle) / df
        self._weights = np.diff(_EDGES)
        self._error = np.sqrt(1 + estimates)
        self._true_error = np.sqrt(1 + VARIANCES)[:, None]
        part = estimates / (1 + estimates)
        below = np.clip(np.searchsorted(SUMS, part, side="right") - 1, 0, len(SUMS) - 2)
        between = (part - SUMS[below]) / np.diff(SUMS)[below]
        places = np.arange(len(SUMS))[:, None, None]
        self._hats = np.where(places == below, 1 - between, 0.0)
        self._hats += np.where(places == below + 1, between, 0.0)
        self._further = float(t_quantile(df, (1 - COVERED) / 2)) - NORMAL

    def coverage(self, shares: Array) -> Array:
        """Return the coverage for each variance, shape (V,)."""
        return np.asarray((2 * ndtr(self._ratios(shares)) - 1) @ self._weights)

    def slopes(self, shares: Array) -> Array:
        """Return the derivatives of the coverage by each share, shape (V, S)."""
        density = 2 * np.exp(-(self._ratios(shares) ** 2) / 2) / np.sqrt(2 * np.pi)
        density *= self._error / self._true_error * self._further * self._weights
        return np.asarray(np.einsum("vn,svn->vs", density, self._hats))

    def _ratios(self, shares: Array) -> Array:
        quantiles = NORMAL + self._further * np.einsum("s,svn->vn", shares, self._hats)
        return np.asarray(self._error * quantiles / self._true_error)


def furthest(parts: TwoParts, shares: Array) -> float:
    """Return how far the coverage is from 95% where it is furthest."""
    return float(np.abs(parts.coverage(shares) - COVERED).max())


def solve(df: float) -> Array:
    """Return the shares of a variance with so many degrees of freedom, one for each of ``SUMS``."""
    parts, shares, most = TwoParts(df), SUMS.copy(), 0.2
    bends = _bends()

    def cost(tried: Array) -> float:
        return furthest(parts, tried) + BENDS * float(np.abs(bends @ tried).max())

    best = cost(shares)
    while most > 1e-4:
        tried = shares + _step(parts, shares, bends, most)
        if cost(tried) < best - 1e-7:
            shares, best = tried, cost(tried)
        else:
            most /= 3
    return shares


def _bends() -> Array:
    """Return what makes changes of slope of shares, shape (S - 2, S)."""
    slopes = np.diff(np.eye(len(SUMS)), axis=0) / np.diff(SUMS)[:, None]
    return np.asarray(np.diff(slopes, axis=0))


def _step(parts: TwoParts, shares: Array, bends: Array, most: float) -> Array:
    """Return the change of at most ``most`` a share that a linear program holds for the best."""
    slopes, off = parts.slopes(shares), parts.coverage(shares) - COVERED
    falls = -np.diff(np.eye(len(SUMS)), axis=0)
    rows, limits = [], []
    for sign in (1, -1):
        rows += [_row(sign * slopes, -1, 0), _row(sign * bends, 0, -1)]
        limits += [-sign * off, -sign * (bends @ shares)]
    rows.append(_row(falls, 0, 0))
    limits.append(-falls @ shares)
    # One part alone has its own quantile.
    bounds = [(0, 0), *[(-most, most)] * (len(SUMS) - 2), (0, 0), (0, None), (0, None)]
    costs = [*[0.0] * len(SUMS), 1.0, BENDS]
    found = linprog(costs, np.vstack(rows), np.concatenate(limits), bounds=bounds)
    return np.asarray(found.x[: len(SUMS)])


def _row(block: Array, deviation: int, bend: int) -> Array:
    return np.hstack([block, np.tile([deviation, bend], (len(block), 1))])


def hold() -> bool:
    """Print the coverage of the stored shares and of those found anew; say if it is as good."""
    lines, good = [], True
    for df, stored in SHARES.items():
        parts, found = TwoParts(df), solve(df)
        covered, new = parts.coverage(np.array(stored)), parts.coverage(found)
        lines.append([df, covered.min(), covered.max(), new.min(), new.max()])
        lines[-1].append(", ".join(f"{share:.3f}".rstrip("0").rstrip(".") for share in found))
        good &= furthest(parts, np.array(stored)) <= furthest(parts, found) + TOLERANCE
    heads = ["df", "stored: least", "most", "found anew: least", "most", "shares found anew"]
    print(tabulate(lines, heads, "github", floatfmt=".4f"), "\n")
    return good
