"""What few seeds and many tests leave to chance: failing trainings, orders, whole families."""

from __future__ import annotations

from itertools import chain, combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from bench.statistics.beyond_chance import (
    all_beyond,
    beyond_at,
    by_order,
    fewest_seeds,
    hommel,
    is_ordered,
    least_all_beyond,
    seeds_for_a_failing_one,
)

BASE = (0.260, 0.262, 0.259)


def test_all_seeds_may_have_failed_by_chance_however_far_they_lie():
    far = all_beyond((9.0, 9.1, 9.2), BASE)
    assert far == pytest.approx(least_all_beyond(3, 3), rel=1e-3)
    assert far == pytest.approx(0.1**3 * 0.9**3, rel=1e-3)
    assert all_beyond((9.0, 9.1, 9.2, 9.3), BASE) < far / 8


def test_one_seed_that_is_as_good_as_the_bases_makes_any_loss_chance():
    assert all_beyond((9.0, 9.1, 0.26), BASE) > 0.1


def test_a_base_that_has_failed_itself_leaves_everything_to_chance():
    assert all_beyond((0.9, 0.9, 0.9), (0.26, 0.26, 0.9)) > 0.01


def test_seeds_that_never_differ_are_beyond_or_are_not():
    assert all_beyond((0.3, 0.3), (0.2, 0.2)) == least_all_beyond(2, 2)
    assert all_beyond((0.2, 0.2), (0.2, 0.2)) == 1.0
    assert all_beyond((0.21, 0.21), (0.2, 0.2), scatter=0.1) > 0.2


def draws(seeds: int, fails: float, df: int, many: int = 400) -> list[np.ndarray]:
    """Draw the seeds of two sides of which nothing has changed."""
    random = np.random.default_rng([seeds, df])
    noise = random.standard_t(df, (many, 2, seeds)) if df else random.normal(size=(many, 2, seeds))
    failed = random.random(noise.shape) < fails
    return [*(noise + failed * random.uniform(20, 200, noise.shape))]


@pytest.mark.parametrize("seeds", [3, 4])
@pytest.mark.parametrize(("fails", "df"), [(0.0, 0), (0.0, 3), (0.1, 0)])
def test_nothing_that_has_not_changed_is_beyond_chance_more_often_than_the_level(seeds, fails, df):
    alarms = np.mean([all_beyond(c, b) <= 0.02 for b, c in draws(seeds, fails, df)])
    assert alarms <= 0.02 + 3 * (0.02 * 0.98 / 400) ** 0.5


def test_students_t_would_call_a_failing_seed_worse():
    """With 3 degrees of freedom and no knowledge of failing, by the base's deviation alone."""
    limit = stats.t.isf(0.01, 2) * (2 / 3) ** 0.5
    alarms = [(c.mean() - b.mean()) / b.std(ddof=1) > limit for b, c in draws(3, 0.1, 0)]
    assert np.mean(alarms) > 0.15


def test_the_distance_at_a_level_is_where_the_level_is_reached():
    distance = beyond_at(0.005, 3, 3)
    assert distance is not None
    deviation, mean = np.std(BASE, ddof=1), np.mean(BASE)
    at = mean + distance * deviation
    assert all_beyond((at, at, at), BASE) == pytest.approx(0.005, rel=1e-3)
    assert beyond_at(0.0005, 3, 3) is None


# By order


def test_the_order_of_means_is_that_of_all_ways_to_choose():
    base, candidate = (1, 2, 4, 8, 16), (3, 9, 27, 30)
    both = np.array([*base, *candidate])
    sums = [sum(each) for each in combinations(both, len(candidate))]
    wanted = np.mean([each >= sum(candidate) for each in sums])
    assert by_order(candidate, base) == pytest.approx(wanted, abs=0.02)
    assert by_order((3, 4, 5), (0, 1, 2)) == pytest.approx(1 / 20)
    assert by_order((1, 1), (1, 1)) == 1.0


def test_failing_seeds_are_all_on_one_side_by_chance_as_often_as_can_be_counted():
    found = by_order([1.0] * 7 + [0.0] * 19, [0.0] * 26)
    assert found == pytest.approx(comb(26, 7) / comb(52, 7))


def test_many_seeds_overflow_nothing():
    random = np.random.default_rng(0)
    found = by_order(random.normal(size=100), random.normal(size=100))
    assert 0.001 < found < 1


def test_so_many_seeds_are_asked_for_as_find_one_that_newly_fails_in_three():
    level = 0.005
    seeds = seeds_for_a_failing_one(level)
    assert 20 <= seeds <= 30
    random = np.random.default_rng(1)
    found = 0
    for _ in range(60):
        scores = 0.001 * random.normal(size=(2, seeds))
        scores[1] += 0.3 * (random.random(seeds) < 1 / 3)
        found += by_order(scores[1], scores[0]) <= level
    assert found / 60 >= 0.8 - 3 * (0.8 * 0.2 / 60) ** 0.5
    assert seeds_for_a_failing_one(level / 25) > seeds


@pytest.mark.parametrize(("tests", "seeds"), [(1, 3), (6, 3), (7, 4), (25, 4), (40, 4)])
def test_three_seeds_can_tell_of_six_plugins_and_four_of_forty(tests, seeds):
    assert fewest_seeds(0.005 / tests) == seeds


def test_a_nearer_change_needs_more_seeds_and_those_that_were_too_few_are_not_offered():
    near, far = fewest_seeds(0.005, distance=1.0), fewest_seeds(0.005, distance=50.0)
    assert near > far == 3
    assert fewest_seeds(0.005, more_than=4, distance=50.0) == 5
    assert is_ordered(6, 6, 0.005)
    assert not is_ordered(5, 5, 0.005)


# So many tests


def simes(p_values: tuple[float, ...]) -> float:
    return min(len(p_values) * p / rank for rank, p in enumerate(sorted(p_values), 1))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_hommels_procedure_is_the_closed_test_of_all_intersections(count):
    random = np.random.default_rng(count)
    for _ in range(20):
        p = [float(each) for each in random.random(count) ** 3]
        places = range(count)
        subsets = [*chain.from_iterable(combinations(places, n) for n in range(1, count + 1))]
        wanted = [
            max(simes(tuple(p[i] for i in each)) for each in subsets if place in each)
            for place in places
        ]
        assert hommel(p) == pytest.approx(np.minimum(wanted, 1.0))


def test_two_dozen_small_chances_are_none_together():
    one = least_all_beyond(3, 3)
    assert min(hommel([one, *[0.7] * 24])) > 0.005
    assert max(hommel([one] * 25)) <= 0.005


def test_no_test_needs_no_correction():
    assert hommel([]) == []
    assert hommel([0.03]) == [0.03]
