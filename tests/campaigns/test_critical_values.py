"""The shares of quantiles that intervals use are those that are solved for."""

from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.intervals import COVERED, SHARES, SUMS
from campaigns.benchmarks.critical_values import TOLERANCE, TwoParts, furthest, solve


@pytest.mark.parametrize("df", [1, 2, 9])
def test_no_shares_found_anew_cover_nearer_to_95_percent_than_those_that_are_stored(df: int):
    parts, found = TwoParts(df), solve(df)
    assert np.diff(found).min() > -1e-9
    assert furthest(parts, np.array(SHARES[df])) <= furthest(parts, found) + TOLERANCE
    assert furthest(parts, found) < (0.011 if df == 1 else 0.002)
    assert furthest(parts, SUMS) > 0.006


def test_the_coverage_of_one_part_alone_is_exact():
    for df, stored in SHARES.items():
        coverage = TwoParts(df).coverage(np.array(stored))
        assert coverage[[0, -1]] == pytest.approx([COVERED, COVERED], abs=1e-3)


def test_the_slopes_are_those_of_the_coverage():
    parts, shares = TwoParts(2), np.array(SHARES[2])
    for place in (3, 8, 12):
        step = 1e-5 * np.eye(len(SUMS))[place]
        change = (parts.coverage(shares + step) - parts.coverage(shares - step)) / 2e-5
        assert parts.slopes(shares)[:, place] == pytest.approx(change, abs=1e-6)
