"""Every pair of a table: its difference, the error of that, and whether it is separated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.statistics.blocks import (
    FEWEST_BLOCKS,
    LENGTHENED,
    Summary,
    covariance,
    degrees_of_freedom,
    lags,
    missed,
    optimal_lengths,
    variances,
)
from bench.statistics.intervals import t_quantile
from bench.statistics.kinds import LEVELS, MEDIAN, WEIGHTS, SeedNoise

if TYPE_CHECKING:
    from bench.task import Array

#: What rounding leaves of two covariances that cancel, as a share of either.
ROUNDING = 1e-12
#: How often a difference that is there is to be found.
POWER = 0.8
#: The level that a variance one deviation above its median has.
_ONE_DEVIATION = int(np.argmin(np.abs(LEVELS - 0.16)))
#: The probability to lie above each level's edge, which is where a draw falls.
_ABOVE = np.cumsum(WEIGHTS)[:-1]
#: Probabilities below this are no smaller.
_SMALLEST = 1e-300
#: No one trains a plugin with more seeds than this to tell two apart.
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Errors:
    """What the differences of m pairs may err by.

    ``examples`` are the variances over examples, of what a seed makes of single examples
    included, with ``df`` degrees of freedom, both of shape (m,). ``effects`` are the quantiles
    of the variance of one seed's effect on the first's mean and on the second's, each of shape
    (m, U); ``disagreements`` the share of one seed in ``examples``, and ``seeds`` how many
    seeds were used, each of shape (m,).
    """

    examples: Array
    df: Array
    effects: tuple[Array, Array]
    disagreements: tuple[Array, Array]
    seeds: tuple[Array, Array]

    def only(self, places: Array) -> Errors:
        """Return the errors of some of the pairs."""
        (a, b), (c, d), (e, f) = self.effects, self.disagreements, self.seeds
        return Errors(
            self.examples[places],
            self.df[places],
            (a[places], b[places]),
            (c[places], d[places]),
            (e[places], f[places]),
        )

    def variances(self) -> Array:
        """Return the variances of the differences, all parts at one of ``LEVELS``, (m, U)."""
        effects = sum(
            part / count[:, None] for part, count in zip(self.effects, self.seeds, strict=True)
        )
        larger, where = _larger(self.df)
        return np.asarray(effects + self.examples[:, None] * larger[where])

    @property
    def usual(self) -> Array:
        """Standard errors of the differences, with seed effects at their medians."""
        effects = sum(
            part[:, MEDIAN] / count for part, count in zip(self.effects, self.seeds, strict=True)
        )
        return np.asarray(np.sqrt(effects + self.examples))


def _larger(df: Array) -> tuple[Array, Array]:
    """Return by how much variances may be larger than they seem, at each of ``LEVELS``.

    Args:
        df: Degrees of freedom of m variances, shape (m,).

    Returns:
        Factors for each different number of degrees of freedom, shape (d, U), and which of
        these each variance has, shape (m,).
    """
    from scipy.special import chdtri

    dfs, where = np.unique(df, return_inverse=True)
    return dfs[:, None] / chdtri(dfs[:, None], 1 - LEVELS), where


@dataclass(frozen=True)
class Pairs:
    """All pairs of K plugins; each array has shape (m,), m = K (K - 1) / 2.

    ``first`` and ``second`` are their places. ``difference`` is the first's mean minus the
    second's, over the seeds and examples that both have; ``lengths`` are its blocks', in
    groups. ``p`` is two-sided, ``adjusted`` that of ``step_down`` over ``tests`` of the pairs.
    ``least`` are the smallest p-values of tables of equals with the same errors, ascending.
    """

    first: Array
    second: Array
    difference: Array
    lengths: Array
    errors: Errors
    p: Array
    adjusted: Array
    tests: int
    least: Array

    def first_level(self, level: float) -> float:
        """Return the p-value with which a pair is separated, be all others equal."""
        if not len(self.least):
            return level
        return max(level / self.tests, float(np.quantile(self.least, level)))


def all_pairs(
    summaries: Sequence[Summary], independent: bool, noise: SeedNoise, ranked: Array
) -> Pairs:
    """Compare every two plugins on the examples, and on the seeds that both have.

    Two plugins without a common seed are compared on all that each has. Errors of seeds
    are independent between plugins; errors of examples are not, and cancel as far as two
    plugins err on the same ones.

    Args:
        summaries: K plugins' scores of the same examples.
        independent: Whether each example is a group of its own.
        noise: What seeds do to the plugins' means.
        ranked: Which plugins' pairs are tested together, bool of shape (K,).
    """
    size = len(summaries)
    difference, sampled = np.zeros((size, size)), np.zeros((size, size))
    lengths, used = np.ones((size, size), dtype=int), np.ones((size, size))
    sets = sorted({summary.seeds for summary in summaries})
    having = {
        seeds: [place for place, summary in enumerate(summaries) if summary.seeds == seeds]
        for seeds in sets
    }
    for place, one in enumerate(sets):
        for other in sets[place:]:
            common = set(one) & set(other)
            left_seeds, right_seeds = common or set(one), common or set(other)
            left = _averages([summaries[i] for i in having[one]], left_seeds)
            right = left
            if other != one:
                right = _averages([summaries[i] for i in having[other]], right_seeds)
            apart = left[0][:, None] - right[0][None, :]
            varied, length = variances_of_differences(left[1], right[1], independent)
            block, mirrored = np.ix_(having[one], having[other]), np.ix_(having[other], having[one])
            difference[block], difference[mirrored] = apart, -apart.T
            sampled[block], sampled[mirrored] = varied, varied.T
            lengths[block], lengths[mirrored] = length, length.T
            used[block], used[mirrored] = len(left_seeds), len(right_seeds)
    first, second = np.triu_indices(size, 1)
    lengths_of_pairs = lengths[first, second]
    errors = Errors(
        examples=sampled[first, second],
        df=degrees_of_freedom(summaries[0].series.shape[1], lengths_of_pairs),
        effects=(noise.quantiles[first], noise.quantiles[second]),
        disagreements=(noise.disagreement[first], noise.disagreement[second]),
        seeds=(used[first, second], used[second, first]),
    )
    between = difference[first, second]
    p = p_values(between, errors)
    together = np.flatnonzero(ranked[first] & ranked[second])
    together = together[np.argsort(-p[together], kind="stable")]
    adjusted, least = np.ones(len(p)), np.array([])
    if len(together) > 1:
        usual = int(np.median(lengths_of_pairs[together]))
        shared = covariance(_averages(summaries)[1], usual)
        equals = Equals(first[together], second[together], errors.only(together), noise, shared)
        adjusted[together], least = step_down(between[together], equals)
    adjusted[together] = np.maximum(p[together], np.minimum(adjusted[together], holm(p[together])))
    tests = max(1, len(together))
    return Pairs(first, second, between, lengths_of_pairs, errors, p, adjusted, tests, least)


def _averages(summaries: Sequence[Summary], seeds: set[int] | None = None) -> tuple[Array, Array]:
    """Return means over some seeds or all, shape (K,), and the influences on them, (K, D)."""
    found = [summary.over(summary.seeds if seeds is None else seeds) for summary in summaries]
    return np.array([mean for mean, _ in found]), np.stack([series for _, series in found])


def variances_of_differences(left: Array, right: Array, independent: bool) -> tuple[Array, Array]:
    """Return the variance over examples of each mean on the left minus each on the right.

    Each difference has blocks as long as its own errors are alike: two plugins that miss the
    same turns of the weather differ by what is over in days.

    Args:
        left: Influences of K means, shape (K, D).
        right: Influences of L means, shape (L, D).
        independent: Whether each example is a group of its own, so that no block is needed.

    Returns:
        Variances and the lengths of blocks, both of shape (K, L).
    """
    lengths = np.ones((len(left), len(right)), dtype=int)
    if not independent:
        lengths = _lengths(left, right)
    found = np.zeros(lengths.shape)
    for length in np.unique(lengths):
        one, other = variances(left, length), variances(right, length)
        together = one[:, None] + other[None, :]
        varied = together - 2 * covariance(left, length, right)
        # Two covariances that all but cancel leave rounding, which is no error to divide by.
        at = lengths == length
        found[at] = np.maximum(varied, ROUNDING * together)[at]
    return found if independent else found * missed(left.shape[1], lengths), lengths


def _lengths(left: Array, right: Array) -> Array:
    """Return the groups in a block of each difference, twice what the rule says, (K, L)."""
    size = left.shape[1]
    covariances = np.zeros((lags(size), len(left), len(right)))
    for lag in range(len(covariances)):
        ahead, behind = slice(lag, None), slice(0, size - lag)
        own = np.einsum("kd,kd->k", left[:, ahead], left[:, behind])
        other = np.einsum("kd,kd->k", right[:, ahead], right[:, behind])
        crossed = left[:, ahead] @ right[:, behind].T + left[:, behind] @ right[:, ahead].T
        covariances[lag] = own[:, None] + other[None, :] - crossed
        if lag == 0:
            flat = covariances[0] <= ROUNDING * (own[:, None] + other[None, :])
    covariances[0][flat] = 1.0
    best = optimal_lengths(covariances.reshape(len(covariances), -1), size).reshape(flat.shape)
    longest = max(1, size // FEWEST_BLOCKS)
    found = np.clip(np.ceil(LENGTHENED * best).astype(int), 1, longest)
    return np.where(flat, 1, found)


# How certain a difference is


def p_values(differences: Array, errors: Errors) -> Array:
    """Return how probable a difference as large would be of equal plugins, shape (m,).

    The normal distribution's, averaged over what the variances may be. All parts are taken
    at the same quantile, which is never less than they would have to be together: for two
    plugins of three seeds that tell nothing of each other, the probability is that of Howe's
    limit (1974) within a few per cent.

    Args:
        differences: Shape (m,).
        errors: Those of the same pairs.
    """
    sizes = np.abs(differences)
    variances = errors.variances()
    certain = (variances[:, 0] <= 0) & (sizes > 0)
    return np.where(sizes == 0, 1.0, np.where(certain, 0.0, _averaged(sizes, variances)))


def half_widths(errors: Errors, level: float) -> Array:
    """Return the differences that have ``level`` for a p-value, shape (m,)."""
    variances = errors.variances()
    high = 1e8 * np.sqrt(variances[:, MEDIAN])
    low = 1e-9 * high
    # Halved 40 times, the range of the logarithm leaves 2e-11 open.
    for _ in range(40):
        middle = np.sqrt(low * high)
        wider = _averaged(middle, variances) > level
        low, high = np.where(wider, middle, low), np.where(wider, high, middle)
    return high


def _averaged(sizes: Array, variances: Array) -> Array:
    """Return how probable larger differences are, over all of the variances, shape (m,)."""
    from scipy.special import erfc

    known = variances > 0
    ratios = sizes[:, None] / np.sqrt(2 * np.where(known, variances, 1.0))
    return np.asarray((erfc(ratios) * known) @ WEIGHTS)


def detectable(errors: Errors, level: float) -> Array:
    """Return the smallest differences that a test at ``level`` finds with 80% power, (m,).

    The half width of the test and the power's quantile of the error. The half width of another
    table scatters too, as far as the variances are not known: by what one deviation makes of it.
    """
    half, variances = half_widths(errors, level), errors.variances()
    middle = np.where(variances[:, MEDIAN] > 0, variances[:, MEDIAN], 1.0)
    scatter = half * (np.sqrt(variances[:, _ONE_DEVIATION] / middle) - 1)
    spread = np.sqrt(errors.usual**2 + scatter**2)
    return np.asarray(half + t_quantile(np.inf, 1 - POWER) * spread)


def seeds_needed(pairs: Pairs, place: int, level: float) -> int | None:
    """Return how many seeds each would separate a pair with 80% power; None if none would.

    Args:
        pairs: All m pairs of a table.
        place: Which pair; both of its plugins have more than one seed.
        level: That of the table.
    """
    size = abs(float(pairs.difference[place]))
    errors, first = pairs.errors.only(np.array([place])), pairs.first_level(level)

    def enough(seeds: int) -> bool:
        return float(detectable(_with_seeds(errors, seeds), first)[0]) <= size

    if not enough(MOST_SEEDS):
        return None
    # One seed shows no variance, so two are the fewest; more are never worse.
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _with_seeds(errors: Errors, seeds: int) -> Errors:
    """Return the errors that so many seeds would leave, if effects are what they seem.

    A variance is then known as so many seeds alone tell it, or as it is known now, whichever
    is better; with fewer seeds than now, as they alone tell it.
    """
    from scipy.special import chdtri

    df = max(seeds - 1, 1)
    examples = errors.examples
    effects = []
    for quantiles, disagreement, used in zip(
        errors.effects, errors.disagreements, errors.seeds, strict=True
    ):
        examples = examples - disagreement / used + disagreement / seeds
        whole = quantiles[:, [MEDIAN]] + disagreement[:, None]
        alone = np.maximum(whole * df / chdtri(df, 1 - LEVELS) - disagreement[:, None], 0.0)
        is_fewer = (seeds < used)[:, None]
        nearer = np.where(is_fewer, alone, np.minimum(quantiles, alone))
        effects.append(np.where(quantiles.any(axis=1, keepdims=True), nearer, 0.0))
    count = np.full(len(errors.df), float(seeds))
    return replace(
        errors,
        examples=np.maximum(examples, ROUNDING * errors.examples),
        effects=(effects[0], effects[1]),
        seeds=(count, count),
    )


# Many tests at once

#: Tables of equals that are drawn, the most and the fewest: 5% of them are known within 0.2%, and
#: within 0.3%. So many differences are drawn of tables in between.
_TABLES = 10_000, 5000
_DRAWN = 1_500_000
#: How many differences are held at a time.
_AT_ONCE = 100_000
#: Sizes of a difference as a multiple of its usual error, z, at even steps of log(1 + z).
_SIZES = np.linspace(0.0, np.log1p(1e4), 96)


@dataclass(frozen=True)
class Equals:
    """The tables that would be found if all plugins were equally good, with these errors.

    A row's seed effect is drawn from what its variance may be, independent of other rows', and
    is common to all pairs of the row. The error over examples is drawn with the correlation
    of the rows' means, and has in each pair the variance of that pair. ``first`` and
    ``second`` are the places of m pairs, ``covariance`` that of K means over examples, (K, K).
    """

    first: Array
    second: Array
    errors: Errors
    noise: SeedNoise
    covariance: Array

    @property
    def tables(self) -> int:
        """How many are drawn, B."""
        most, fewest = _TABLES
        return min(most, max(fewest, _DRAWN // len(self.first)))

    def differences(self) -> Iterator[Array]:
        """Draw sizes of differences, the same ones for the same table; shape (m, B) in parts."""
        random, single = np.random.default_rng(0), np.float32
        root, scale = self._root().astype(single), self._scale().astype(single)[:, None]
        one, other = ((count**-0.5).astype(single)[:, None] for count in self.errors.seeds)
        deviations = np.sqrt(self.noise.quantiles).astype(single)
        larger, where = _larger(self.errors.df)
        unknown = np.sqrt(larger).astype(single)
        rows, most = np.arange(len(root))[:, None], max(1, _AT_ONCE // len(scale))
        for start in range(0, self.tables, most):
            shape = len(root), min(most, self.tables - start)
            levels = np.searchsorted(_ABOVE, random.random(shape))
            effects = deviations[rows, levels] * random.standard_normal(shape, single)
            examples = root @ random.standard_normal(shape, single)
            found = (examples[self.first] - examples[self.second]) * scale
            found *= unknown[:, np.searchsorted(_ABOVE, random.random(shape[1]))][where]
            found += effects[self.first] * one
            found -= effects[self.second] * other
            yield np.abs(found, out=found)

    def _root(self) -> Array:
        """Return the Cholesky factor of the covariance, of rows also that do not vary."""
        size = np.trace(self.covariance)
        if size <= 0:
            return np.zeros_like(self.covariance)
        return np.linalg.cholesky(self.covariance + ROUNDING * size * np.eye(len(self.covariance)))

    def _scale(self) -> Array:
        """Return what makes a difference's variance over examples the pair's own, (m,)."""
        own = np.diag(self.covariance)
        together = own[self.first] + own[self.second]
        apart = together - 2 * self.covariance[self.first, self.second]
        varied = apart > ROUNDING * together
        return np.sqrt(np.where(varied, self.errors.examples / np.where(varied, apart, 1.0), 0.0))


def step_down(differences: Array, equals: Equals) -> tuple[Array, Array]:
    """Return p-values that are adjusted by how those of all pairs are distributed together.

    The step-down of Romano & Wolf (2005), "Exact and approximate stepdown methods for multiple
    hypothesis testing", on p-values (Westfall & Young 1993), so that each pair has its own
    variances and degrees of freedom. A pair is separated if so small a p-value is as rare as
    the level among the smallest of all pairs that are not more certain. Given the
    variances that seeds told, the tables drawn are all that chance can do, whatever
    the differences are; a row that is less steady than it looks is wrong in many pairs but
    in one table.

    Args:
        differences: Those of m pairs, the least certain first, shape (m,).
        equals: Tables of the same pairs without differences.

    Returns:
        Adjusted p-values, shape (m,), and the smallest p-value of each table drawn, ascending.
    """
    table = _LogP(equals.errors)
    found = table.of(np.abs(differences)[:, None].astype(np.float32))
    smaller, least = np.zeros(len(found)), []
    for sizes in equals.differences():
        running = np.minimum.accumulate(table.of(sizes), axis=0)
        smaller += (running <= found).sum(axis=1)
        least.append(running[-1])
    shares = (1 + smaller) / (1 + equals.tables)
    adjusted = np.maximum.accumulate(shares[::-1])[::-1]
    return adjusted, np.exp(np.sort(np.concatenate(least)))


class _LogP:
    """Logarithms of the p-values of m pairs, read from a table of sizes."""

    def __init__(self, errors: Errors):
        variances = errors.variances()
        usual = np.sqrt(variances[:, MEDIAN])
        sizes = np.expm1(_SIZES)[:, None] * usual
        p = np.stack([_averaged(row, variances) for row in sizes], axis=1)
        self._table = np.log(np.maximum(p, _SMALLEST)).astype(np.float32).ravel()
        self._start = len(_SIZES) * np.arange(len(usual), dtype=np.int32)[:, None]
        unit = np.where(usual > 0, 1 / np.where(usual > 0, usual, 1.0), 1.0)
        self._unit = unit.astype(np.float32)[:, None]

    def of(self, sizes: Array) -> Array:
        """Return them for sizes of differences, float32 of shape (m, B)."""
        step = np.log1p(sizes * self._unit)
        step *= np.float32(1 / _SIZES[1])
        np.minimum(step, np.float32(len(_SIZES) - 1.01), out=step)
        below = step.astype(np.int32)
        step -= below
        below += self._start
        found = self._table[below]
        below += 1
        return np.asarray(found + step * (self._table[below] - found))


def holm(p_values: Array) -> Array:
    """Adjust p-values so that, at a level, any false rejection at all is as rare as the level.

    Holm (1979), "A simple sequentially rejective multiple test procedure". Holds for any
    dependence between the tests.

    Args:
        p_values: Shape (m,).

    Returns:
        Adjusted p-values, shape (m,), at most 1.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate((count - np.arange(count)) * p_values[order])
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
