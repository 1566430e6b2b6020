"""Change points: found where a series changes, and hardly ever where it does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.statistics.change_points import _best_split, change_points


def series(*levels: float, length: int = 12, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    """Make a stretch of noisy values around each level."""
    random = np.random.default_rng(seed)
    return np.concatenate([level + noise * random.standard_normal(length) for level in levels])


def energy_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The sample's energy distance, written out as in the paper, and scaled."""
    n, m = len(one), len(other)
    between = sum(abs(x - y) for x in one for y in other) * 2 / (n * m)
    inner = [
        sum(abs(x - y) for x, y in itertools.combinations(part, 2)) / (len(part) * (len(part) - 1))
        for part in (one, other)
    ]
    return n * m / (n + m) * (between - 2 * sum(inner))


def test_the_best_division_is_the_largest_energy_distance():
    values = np.random.default_rng(4).standard_normal(11)
    all_of_them = {
        (t, k): energy_distance(values[:t], values[t:k])
        for t in range(3, 9)
        for k in range(t + 3, 12)
    }
    (place, _), largest = max(all_of_them.items(), key=lambda item: item[1])

    assert _best_split(values, 3) == pytest.approx((largest, place))


def test_one_change_is_found_where_it_is():
    assert change_points(series(1.0, 1.05)) == (12,)


def test_several_changes_are_found_even_if_the_series_comes_back():
    assert change_points(series(1.0, 1.2, 1.0, 0.8)) == (12, 24, 36)


def test_a_change_is_found_three_values_after_it():
    values = [*series(1.0, length=14), *series(1.1, length=3, seed=1)]
    assert change_points(values) == (14,)


def test_one_or_two_outliers_are_no_change():
    values = series(1.0, length=30)
    values[12:14] = 1.5
    assert change_points(values) == ()


def test_a_change_of_spread_alone_is_a_change():
    values = [*series(1.0, length=40, noise=0.01), *series(1.0, length=40, noise=0.3, seed=1)]
    (place,) = change_points(values)
    assert 36 <= place <= 44


def test_scale_and_direction_do_not_matter():
    values = series(1.0, 1.05)
    assert change_points(-1e6 * values) == change_points(values)
    assert change_points(list(values[::-1])) == (12,)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0] * 2, [1.0, 1.0, 1.0, 9.0, 9.0, 9.0]])
def test_a_short_series_tells_nothing(values):
    assert change_points(values) == ()


def test_a_constant_series_has_no_change():
    assert change_points([0.1] * 40) == ()
    assert change_points([4673] * 10 + [4700] * 10) == (10,)


def test_the_same_series_has_the_same_change_points():
    values = series(1.0, 1.008, 1.0)
    assert change_points(values) == change_points(values)


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_noise_alone_gives_a_change_no_more_often_than_the_level(level):
    random = np.random.default_rng(1)
    trials = 200
    # Heavy tails: three degrees of freedom.
    alarms = sum(bool(change_points(random.standard_t(3, 12), level)) for _ in range(trials))

    assert alarms <= level * trials + 3 * np.sqrt(level * (1 - level) * trials)


def test_a_higher_level_needs_fewer_values():
    values = [1.0, 1.01, 0.99, 1.02, 2.0, 2.01, 1.99, 2.02]
    assert change_points(values, level=0.01) == ()
    assert change_points(values, level=0.05) == (4,)
