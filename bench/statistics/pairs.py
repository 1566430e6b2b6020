"""Every pair of a table: its difference, the error of that, and whether it is separated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.blocks import covariance, variances
from bench.statistics.components import Components
from bench.statistics.critical import Part, howe_p_values, satterthwaite
from bench.statistics.multiple import holm
from bench.statistics.sample import Summary
from bench.task import Array

#: What rounding leaves of two covariances that cancel, as a share of either.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Pairs:
    """All pairs of K plugins; each array has shape (m,), m = K (K - 1) / 2.

    ``first`` and ``second`` are their places. ``difference`` is the first's mean minus the
    second's, over the seeds and examples that both have. ``parts`` are the parts of its
    variance: the first's seeds, the second's, the examples. ``seeds`` are how many seeds
    of the first and of the second were used.
    """

    first: Array
    second: Array
    difference: Array
    parts: tuple[Part, Part, Part]
    seeds: tuple[Array, Array]
    p: Array
    adjusted: Array

    @property
    def error(self) -> Array:
        """Standard errors of the differences."""
        return np.asarray(np.sqrt(sum(part.variance for part in self.parts)))

    @property
    def df(self) -> Array:
        """Satterthwaite's degrees of freedom of the errors, to be told; no test uses them."""
        return satterthwaite(self.parts)


def all_pairs(
    summaries: Sequence[Summary],
    length: int,
    found: Sequence[Components],
    seeds: Part,
    block_df: float,
) -> Pairs:
    """Compare every two plugins on the examples, and on the seeds that both have.

    Two plugins without a common seed are compared on all that each has. Errors of seeds
    are independent between plugins; errors of examples are not, and cancel as far as two
    plugins err on the same ones.

    Args:
        summaries: K plugins' scores of the same examples.
        length: Groups in a block.
        found: The plugins' own variances.
        seeds: The variance of one seed's mean that each is given, shape (K,).
        block_df: Degrees of freedom of the variance over examples.
    """
    size = len(summaries)
    difference, sampled = np.zeros((size, size)), np.zeros((size, size))
    used = np.ones((size, size))
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
            varied = _variance_of_differences(left[1], right[1], length)
            block, mirrored = np.ix_(having[one], having[other]), np.ix_(having[other], having[one])
            difference[block], difference[mirrored] = apart, -apart.T
            sampled[block], sampled[mirrored] = varied, varied.T
            used[block], used[mirrored] = len(left_seeds), len(right_seeds)
    first, second = np.triu_indices(size, 1)
    interaction = np.array([each.interaction for each in found])
    between = np.maximum(seeds.variance, interaction)[:, None] / used
    within = interaction[:, None] / used
    within_both = within[first, second] + within[second, first]
    parts = (
        Part(between[first, second], seeds.df[first]),
        Part(between[second, first], seeds.df[second]),
        Part(
            np.maximum(sampled[first, second] - within_both, 0.0),
            np.full(len(first), block_df),
        ),
    )
    between_means = difference[first, second]
    p_values = howe_p_values(between_means, parts)
    counts = used[first, second], used[second, first]
    return Pairs(first, second, between_means, parts, counts, p_values, holm(p_values))


def _averages(summaries: Sequence[Summary], seeds: set[int]) -> tuple[Array, Array]:
    """Return means over some seeds, shape (K,), and the influences on them, shape (K, D)."""
    found = [summary.over(seeds) for summary in summaries]
    return np.array([mean for mean, _ in found]), np.stack([series for _, series in found])


def _variance_of_differences(left: Array, right: Array, length: int) -> Array:
    """Return the variance over examples of each mean on the left minus each on the right."""
    one, other = variances(left, length), variances(right, length)
    together = one[:, None] + other[None, :]
    varied = together - 2 * covariance(left, length, right)
    # Two covariances that all but cancel leave rounding, which is no error to divide by.
    return np.asarray(np.maximum(varied, ROUNDING * together))
