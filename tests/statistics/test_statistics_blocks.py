"""The error of a mean over examples, independent or correlated in time."""

from __future__ import annotations

import numpy as np
import pytest
from score_world import autoregressive

from bench.errors import BenchError
from bench.statistics.blocks import (
    Grouping,
    PluginScores,
    covariance,
    degrees_of_freedom,
    dependent_length,
    group_examples,
    group_sums,
    influences,
    lags,
    missed,
    optimal_length,
    optimal_lengths,
    own_components,
    summarise,
    variances,
)


def series_of(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, Grouping]:
    grouping = group_examples(groups)
    return influences(group_sums(values, grouping), grouping), grouping


def correlated(phi: float, size: int, seed: int) -> np.ndarray:
    return autoregressive(np.random.default_rng(seed), phi, (size,))


# Groups


def test_independent_examples_give_the_textbook_standard_error():
    values = np.random.default_rng(0).random((2, 50))
    series, grouping = series_of(values, np.arange(50))
    assert grouping.independent
    assert variances(series, 1) == pytest.approx(values.var(axis=1, ddof=1) / 50)
    assert covariance(series, 1) == pytest.approx(np.cov(values) / 50)


def test_groups_are_put_in_the_order_of_time_whatever_the_order_of_examples():
    groups, values = np.repeat([7, 3, 9], 2), np.array([[1.0, 2, 3, 4, 5, 6]])
    series, grouping = series_of(values, groups)
    assert group_sums(values, grouping).tolist() == [[7.0, 3.0, 11.0]]
    assert grouping.counts.tolist() == [2, 2, 2]
    assert not grouping.independent
    assert series.sum() == pytest.approx(0)


def test_groups_of_different_size_weigh_by_their_examples():
    """The mean's derivative by a group's weight, found by weighting it a little more."""
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(6), [1, 5, 2, 8, 3, 1])
    values = random.random((1, len(groups)))
    series, _ = series_of(values, groups)
    for group in range(6):
        weights = np.where(groups == group, 1 + 1e-6, 1.0)
        nudged = (np.average(values[0], weights=weights) - values.mean()) / 1e-6
        assert series[0, group] == pytest.approx(nudged, rel=1e-3)


def test_one_group_tells_no_error_and_is_refused():
    with pytest.raises(BenchError, match="score more examples"):
        group_examples(np.zeros(5, dtype=int))


# The bootstrap's variance


def test_the_variance_is_that_which_scipys_bootstrap_draws():
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).exponential(size=(1, 400))
    series, _ = series_of(values, np.arange(400))
    random = np.random.default_rng(1)
    drawn = bootstrap(
        (values[0],), np.mean, n_resamples=4000, method="percentile", random_state=random
    )
    assert np.sqrt(variances(series, 1)[0]) == pytest.approx(drawn.standard_error, rel=0.04)


@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_variance_is_that_of_drawn_circular_blocks(length: int):
    """D / l blocks are drawn from the circle of groups; the formula needs no draws."""
    random = np.random.default_rng(5)
    groups = 84
    values = correlated(0.5, groups, 5)[None, :]
    series, _ = series_of(values, np.arange(groups))
    starts = random.integers(0, groups, (6000, groups // length))
    taken = (starts[:, :, None] + np.arange(length)) % groups
    drawn = values[0][taken].mean(axis=(1, 2)).var()
    exact = variances(series, length)[0] * (groups - length) / groups
    assert exact == pytest.approx(drawn, rel=0.07)


def test_the_diagonal_of_the_covariance_is_the_variance_and_blocks_go_round_the_end():
    series = np.random.default_rng(1).standard_normal((3, 40))
    series -= series.mean(axis=1, keepdims=True)
    assert np.diag(covariance(series, 5)) == pytest.approx(variances(series, 5))
    assert variances(np.roll(series, 13, axis=1), 5) == pytest.approx(variances(series, 5))
    assert covariance(series[:1], 5, series) == pytest.approx(covariance(series, 5)[:1])


def test_blocks_find_the_error_that_correlation_hides():
    truth = (1 + 0.6) / (1 - 0.6) / 1000
    found = [
        variances(series_of(correlated(0.6, 1000, seed)[None, :], np.arange(1000))[0], 25)[0]
        for seed in range(60)
    ]
    assert np.mean(found) == pytest.approx(truth, rel=0.12)


# The block length


def test_what_short_blocks_miss_of_a_dependence_is_made_up_for():
    """Means of 300 days of an autoregression: blocks alone tell 7% of their variance too little."""
    days = autoregressive(np.random.default_rng(0), 0.3, (400, 300))
    series = influences(days, group_examples(np.arange(300), in_time=True))
    lengths = [dependent_length(row[None, :]) for row in series]
    each = zip(series, lengths, strict=True)
    blocks = np.array([variances(row[None, :], length)[0] for row, length in each])
    found = blocks * missed(300, np.array(lengths))
    lags = np.arange(1, 300)
    truth = (1 + 2 * ((1 - lags / 300) * 0.3**lags).sum()) / 300
    assert blocks.mean() < 0.96 * truth
    assert found.mean() == pytest.approx(truth, rel=0.04)


@pytest.mark.parametrize(
    ("phi", "size", "seed", "expected"),
    [
        (0.3, 800, 1, 7.036924504178991),
        (0.6, 800, 2, 10.633671159502756),
        (0.9, 2000, 1, 60.994521817566984),
        (-0.4, 800, 1, 10.24031162495352),
        (0.3, 300, 2, 4.329524018283842),
        (0.0, 500, 1, 3.651305160776643),
    ],
)
def test_the_length_is_that_of_the_arch_package(phi: float, size: int, seed: int, expected: float):
    """Constants from arch 8.0.0, optimal_block_length(...)["circular"]."""
    assert optimal_length(correlated(phi, size, seed)) == pytest.approx(expected)


def test_independent_series_ask_for_blocks_of_about_one():
    lengths = [optimal_length(correlated(0.0, 500, seed)) for seed in range(50)]
    assert np.median(lengths) < 2.5


def test_the_length_grows_as_the_theory_of_an_autoregression_says():
    """Optimum for AR(1): (1.5 (2 phi / (1 - phi^2))^2 D)^(1/3)."""
    for phi in (0.3, 0.6):
        optimum = (1.5 * (2 * phi / (1 - phi**2)) ** 2 * 4000) ** (1 / 3)
        lengths = [optimal_length(correlated(phi, 4000, seed)) for seed in range(30)]
        assert np.median(lengths) == pytest.approx(optimum, rel=0.3)


def test_a_series_without_any_variation_asks_for_no_blocks():
    assert optimal_length(np.zeros(50)) == 1.0
    assert optimal_length(np.full(50, 0.1)) == 1.0


@pytest.mark.parametrize("size", [2, 3, 5, 11])
def test_a_handful_of_groups_still_has_a_length(size: int):
    assert 1 <= optimal_length(correlated(0.9, size, 0)) <= max(1, -(-size // 3))


def test_what_shares_a_length_takes_twice_the_longest_but_leaves_ten_blocks():
    calm, moved = correlated(0.0, 400, 1), correlated(0.6, 400, 2)
    together = dependent_length(np.stack([calm, moved]))
    assert together == np.ceil(2 * optimal_length(moved)) > np.ceil(2 * optimal_length(calm))
    wandering = np.cumsum(calm[:100])
    assert optimal_length(wandering) > 10
    assert dependent_length(wandering[None, :]) == 10
    assert degrees_of_freedom(100, 10) == 9


def test_many_lengths_are_found_as_each_alone():
    series = np.stack([correlated(phi, 300, seed) for phi in (0.0, 0.5, -0.3) for seed in (1, 2)])
    series -= series.mean(axis=1, keepdims=True)
    covariances = np.array(
        [(series[:, lag:] * series[:, : 300 - lag]).sum(axis=1) for lag in range(lags(300))]
    )
    alone = [optimal_length(row) for row in series]
    assert optimal_lengths(covariances / 300, 300) == pytest.approx(alone)


def test_days_with_one_example_each_still_follow_each_other():
    """A short profile scores one window a day: its days are no independent examples."""
    assert not group_examples(np.arange(400), in_time=True).independent
    assert group_examples(np.arange(400)).independent


# One plugin's own


def test_independent_examples_need_no_blocks_whatever_they_look_like():
    wandering = np.cumsum(correlated(0.0, 400, 1))[None, :]
    sample = PluginScores("a", (0,), wandering)
    found = {
        in_time: own_components(
            summarise(sample, group_examples(np.arange(400), in_time)), independent=not in_time
        )[1]
        for in_time in (False, True)
    }
    assert found == {False: 1, True: 40}


def test_what_seeds_disagree_about_has_blocks_of_its_own():
    """Days err alike in all seeds; what sets the seeds apart is over within the day."""
    days = correlated(0.7, 600, 1)
    noise = np.random.default_rng(2).standard_normal((3, 600))
    summary = summarise(PluginScores("a", (0, 1, 2), days + noise), group_examples(np.arange(600)))
    found, length = own_components(summary, independent=False)
    assert length > 10
    assert found.interaction == pytest.approx(1 / 600, rel=0.25)
