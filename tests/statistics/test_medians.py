"""The interval of a median: checked against the exact binomial, and by drawing."""

from __future__ import annotations

import random
from math import comb

import pytest

from bench.analysis.costs import median_interval


def coverage(count: int, rank: int) -> float:
    """Probability that the median lies between the rank-th smallest and largest of ``count``."""
    return 1 - 2 * sum(comb(count, k) for k in range(rank)) / 2**count


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("count", [*range(1, 40), 100, 501])
def test_it_is_the_narrowest_pair_of_ranks_that_covers_enough(count, level):
    interval = median_interval(range(1, count + 1), level)
    if interval is None:
        assert coverage(count, 1) < level
    else:
        low, high = interval
        assert low + high == count + 1
        assert coverage(count, int(low)) >= level > coverage(count, int(low) + 1)


def test_six_values_are_needed_for_95_percent():
    assert median_interval([]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([3.0, 1.0, 6.0, 2.0, 5.0, 4.0]) == (1.0, 6.0)


def test_ranks_are_those_of_the_published_tables():
    """Ranks for 95% as in the tables of Conover (1999) and of Hahn and Meeker (1991)."""
    found = {n: median_interval(range(1, n + 1)) for n in (9, 10, 15, 20, 25, 30, 50)}
    assert found == {
        9: (2, 8),
        10: (2, 9),
        15: (4, 12),
        20: (6, 15),
        25: (8, 18),
        30: (10, 21),
        50: (18, 33),
    }


def test_a_coverage_of_exactly_the_level_is_enough():
    assert median_interval([1, 2, 3, 4, 5, 6], level=0.96875) == (1, 6)
    assert median_interval([1, 2, 3, 4, 5, 6], level=0.96876) is None


@pytest.mark.parametrize("count", [6, 13, 60])
def test_it_covers_the_median_of_a_skewed_distribution_as_often_as_it_says(count):
    """Epoch times have a long tail; no interval of a mean would hold for them."""
    noise = random.Random(7)
    draws = 2000
    covered = 0
    for _ in range(draws):
        interval = median_interval([noise.lognormvariate(0.0, 1.5) for _ in range(count)])
        assert interval is not None
        covered += interval[0] <= 1.0 <= interval[1]
    # Three standard errors of a share of 0.95 in 2,000 draws.
    assert covered / draws >= 0.95 - 0.015


def test_many_values_are_no_matter():
    low, high = median_interval(range(20_000)) or (0, 0)
    assert (low, high) == (9860, 10139)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        median_interval([1.0], level)
