"""Scores, seed variances, critical values and Holm's test, each against what is known of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

from bench.errors import BenchError
from bench.statistics.before_after import (
    Prior,
    fit_prior,
    fit_prior_robustly,
    moderate,
    seed_variances,
    trigamma_inverse,
)
from bench.statistics.blocks import (
    Components,
    PluginScores,
    components,
    group_examples,
    per_example,
    summarise,
)
from bench.statistics.intervals import (
    Interval,
    VarianceEstimate,
    cochran,
    howe,
    howe_p_values,
    interval_of,
    satterthwaite,
    similar,
    t_quantile,
)
from bench.statistics.pairs import holm
from bench.statistics.scores import SCORE_RULES, score

# Scores


@pytest.mark.parametrize("metric", sorted(SCORE_RULES))
def test_the_mean_of_the_scores_is_the_metric(metric: str):
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 500).astype("float32")
    predictions = random.integers(0, 5, 500).astype("float32") / 4
    assert 0.5 in predictions
    scores = per_example(metric, targets, predictions)
    assert (scores.dtype, scores.shape) == (np.float32, (500,))
    assert scores.mean(dtype="float64") == pytest.approx(score(metric, targets, predictions))


def test_a_metric_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(BenchError, match=r"'auc'.*mae, rmse"):
        per_example("auc", np.zeros(2), np.zeros(2))


def test_predictions_of_other_examples_are_refused():
    with pytest.raises(BenchError, match="run the trial again"):
        per_example("mae", np.zeros(3), np.zeros(2))
    with pytest.raises(BenchError, match="as many numbers an example"):
        per_example("mae", np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(BenchError, match="or classes, are needed"):
        per_example("accuracy", np.full(3, 4.0), np.full((3, 4), 0.25))


# Where an error comes from


def made(values: np.ndarray) -> Components:
    """Estimate the parts of independent examples' scores."""
    rows, size = values.shape
    sample = PluginScores("a", tuple(range(rows)), values)
    return components(summarise(sample, group_examples(np.arange(size))), 1)


def made_components(seeds: float, interaction: float, examples: float, **shape: int) -> Components:
    """Average the estimates over many made plugins."""
    rows, size = shape.get("rows", 4), shape.get("size", 200)
    random = np.random.default_rng(0)
    found = [
        made(
            np.sqrt(examples) * random.standard_normal((1, size))
            + np.sqrt(interaction) * random.standard_normal((rows, size))
            + np.sqrt(seeds) * random.standard_normal((rows, 1))
        )
        for _ in range(400)
    ]
    means = [np.mean([getattr(f, name) for f in found]) for name in ("seeds", "interaction")]
    return Components(*means, float(np.mean([f.examples for f in found])), rows)


def test_the_parts_of_an_error_are_told_apart():
    found = made_components(seeds=0.02, interaction=2.0, examples=1.0)
    assert found.interaction == pytest.approx(2.0 / 200, rel=0.1)
    assert found.seeds == pytest.approx(0.02 + 2.0 / 200, rel=0.1)
    assert found.examples == pytest.approx(3.0 / 200, rel=0.1)


def test_one_seed_and_seeds_that_do_not_matter_have_no_variance():
    row = np.random.default_rng(0).random(50)
    one = made(row[None, :])
    same = made(np.stack([row] * 3))
    rounded = made(row + 1e-9 * np.arange(3)[:, None])
    for found in (one, same, rounded):
        assert (found.seeds, found.interaction, found.random) == (0.0, 0.0, False)
        assert found.examples == pytest.approx(row.var(ddof=1) / 50)


def test_equal_accuracies_of_different_models_do_not_pass_for_no_randomness():
    values = np.eye(2)[:, [0, 1] * 10]
    assert made(values).random


# Seed variances


@pytest.mark.parametrize("value", [1e-8, 1e-3, 0.5, 1.0, 3.0, 100.0, 1e9])
def test_the_inverse_of_trigamma_is_one(value: float):
    assert polygamma(1, trigamma_inverse(value)) == pytest.approx(value, rel=1e-4)


def test_the_prior_is_recovered_from_variances_drawn_from_it():
    random = np.random.default_rng(0)
    d0, s0, df = 6.0, 0.25, np.repeat([2.0, 4.0], 2000)
    true = d0 * s0 / random.chisquare(d0, 4000)
    prior = fit_prior(true * random.chisquare(df) / df, df)
    assert prior is not None
    assert prior.df == pytest.approx(d0, rel=0.2)
    assert prior.variance == pytest.approx(s0, rel=0.06)


def test_variances_that_differ_by_chance_only_are_pooled():
    variances, df = np.array([0.9, 1.0, 1.1, 1.0]), np.array([2.0, 2.0, 2.0, 4.0])
    prior = fit_prior(variances, df)
    assert prior == Prior(pytest.approx(1.0), np.inf, 10.0)
    posterior, total = moderate(variances, df, prior)
    assert posterior == pytest.approx(np.ones(4))
    assert total.tolist() == [10.0] * 4


def test_the_posterior_is_the_weighted_mean_and_no_better_known_than_all_together():
    prior = Prior(variance=2.0, df=4.0, most=7.0)
    posterior, total = moderate(np.array([5.0, 99.0]), np.array([2.0, 0.0]), prior)
    assert posterior == pytest.approx([(4 * 2 + 2 * 5) / 6, 2.0])
    assert total.tolist() == [6.0, 4.0]
    assert moderate(np.array([5.0]), np.array([4.0]), prior)[1] == [7.0]


def test_a_variance_that_is_zero_by_accident_does_not_break_the_fit():
    prior = fit_prior(np.array([0.0, 1.0, 2.0, 1.5]), np.full(4, 1.0))
    assert prior is not None
    assert np.isfinite(prior.variance)


RANDOM = [Components(v, 0.0, 1.0, 3) for v in (0.5, 1.0, 1.5)]
STEADY, SINGLE = Components(0.0, 0.0, 1.0, 3), Components(0.0, 0.0, 1.0, 1)


def test_one_unsteady_plugin_does_not_hide_what_the_others_have_in_common():
    random = np.random.default_rng(2)
    df = np.full(20, 2.0)
    alike = random.chisquare(df) / df
    with_wild = np.append(alike, [4000.0])
    prior, ordinary = fit_prior_robustly(with_wild, np.full(21, 2.0))
    misled = fit_prior(with_wild, np.full(21, 2.0))

    assert ordinary.tolist() == [True] * 20 + [False]
    assert prior is not None
    assert misled is not None
    assert prior == fit_prior(alike, df)
    assert min(prior.df, prior.most) > 5 * misled.df


def test_an_unsteady_plugin_keeps_its_own_variance_and_few_degrees_of_freedom():
    spread = np.linspace(0.4, 1.9, 12)
    found = [Components(v, 0.0, 1.0, 3) for v in (*spread, 5000.0)]
    part = seed_variances(found)

    assert (part.variance[-1], part.df[-1]) == (5000.0, 2.0)
    assert part.df[0] > 10
    assert part.variance[:-1].max() < 2.5


def test_a_table_draws_variances_up_but_never_down():
    part = seed_variances(RANDOM)
    assert part.variance == pytest.approx([1.0, 1.0, 1.5])
    assert part.df.tolist() == [6.0, 6.0, 6.0]


def test_a_plugin_whose_seeds_do_not_matter_keeps_zero_and_tells_nothing_of_others():
    part = seed_variances([*RANDOM, STEADY])
    assert part.variance == pytest.approx([1.0, 1.0, 1.5, 0.0])
    assert seed_variances([*RANDOM[:2], STEADY, STEADY]).variance[0] == 0.5


def test_a_single_seed_is_given_what_the_others_have_in_common():
    assert seed_variances([*RANDOM, SINGLE]).variance[3] == pytest.approx(1.0)
    without_prior = seed_variances([RANDOM[0], RANDOM[2], SINGLE])
    assert without_prior.variance == pytest.approx([0.5, 1.5, 1.0])
    assert without_prior.df.tolist() == [2.0, 2.0, 4.0]
    assert seed_variances([SINGLE, SINGLE]).variance.tolist() == [0.0, 0.0]


# Critical values


@pytest.mark.parametrize("rule", [cochran, howe, similar])
def test_one_part_alone_gives_students_interval(rule):
    values = np.random.default_rng(0).random(6)
    known = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    half = rule([VarianceEstimate(values.var(ddof=1) / 6, 5.0), VarianceEstimate(0.0, 300.0)], 0.05)
    assert half == pytest.approx((known.high - known.low) / 2)


def test_the_p_value_of_one_part_is_students():
    one, two = np.random.default_rng(0).random((2, 8))
    known = stats.ttest_rel(one, two)
    part = VarianceEstimate(np.array([(one - two).var(ddof=1) / 8]), np.array([7.0]))
    p = howe_p_values(np.array([(one - two).mean()]), [part])
    assert p == pytest.approx([known.pvalue], rel=1e-6)


def test_two_samples_are_never_more_certain_than_welch_says_and_agree_with_many_values():
    random = np.random.default_rng(0)
    for size, agree in ((5, False), (2000, True)):
        one, two = random.normal(0, 1, size), random.normal(0.1, 3, size)
        parts = [
            VarianceEstimate(np.array([x.var(ddof=1) / size]), np.array([size - 1.0]))
            for x in (one, two)
        ]
        p = howe_p_values(np.array([one.mean() - two.mean()]), parts)[0]
        welch = stats.ttest_ind(one, two, equal_var=False).pvalue
        assert p >= welch - 1e-9
        assert not agree or p == pytest.approx(welch, rel=0.02)


def test_satterthwaites_degrees_of_freedom_are_those_of_welch():
    random = np.random.default_rng(0)
    one, two = random.normal(size=5), random.normal(0, 3, 9)
    parts = [VarianceEstimate(x.var(ddof=1) / len(x), len(x) - 1) for x in (one, two)]
    assert satterthwaite(parts) == pytest.approx(stats.ttest_ind(one, two, equal_var=False).df)
    assert satterthwaite([VarianceEstimate(0.0, 2), VarianceEstimate(0.0, 3)]) == np.inf


def test_no_difference_is_certain_to_be_none_and_no_error_divides_nothing():
    nothing = VarianceEstimate(np.zeros(3), np.full(3, 9.0))
    assert howe_p_values(np.array([0.0, 0.1, -0.1]), [nothing]).tolist() == [1.0, 0.0, 0.0]
    something = VarianceEstimate(np.ones(2), np.full(2, 9.0))
    p = howe_p_values(np.array([0.0, 1e-9]), [something])
    assert p[0] == 1.0
    assert p[1] == pytest.approx(1.0)
    huge = VarianceEstimate(np.ones(1), np.full(1, np.inf))
    assert 0 < howe_p_values(np.array([1e3]), [huge])[0] < 1e-190


def test_tests_at_small_levels_hold_where_satterthwaites_would_not():
    """Three seeds dominate the error; rejections at 1 in 1000 of 200,000 true nulls."""
    random, size, level = np.random.default_rng(0), 200_000, 1e-3
    seeds = VarianceEstimate(10 * random.chisquare(2, size) / 2, 2.0)
    examples = VarianceEstimate(random.chisquare(300, size) / 300, 300.0)
    differences = np.sqrt(11) * np.abs(random.standard_normal(size))
    error = np.sqrt(seeds.variance + examples.variance)
    by_satterthwaite = t_quantile(satterthwaite([seeds, examples]), level / 2) * error
    assert (differences > howe([seeds, examples], level)).mean() < 1.3 * level
    assert (differences > by_satterthwaite).mean() > 8 * level


@pytest.mark.parametrize(("df", "off"), [(1, 0.0115), (2, 0.003), (7, 0.002), (30, 0.002)])
def test_intervals_cover_alike_whatever_the_seeds_part_of_the_error_is(df: int, off: float):
    """A known variance of 1 beside one that few seeds estimate, up to 400,000 draws each."""
    random = np.random.default_rng(0)
    error, estimate = random.standard_normal(400_000), random.chisquare(df, 400_000) / df
    known, covered, by_cochran = VarianceEstimate(1.0, np.inf), [], []
    for truth in (0.0, 0.03, 0.3, 1.0, 3.0, 30.0, 300.0):
        parts = [VarianceEstimate(truth * estimate, float(df)), known]
        size = np.sqrt(1 + truth) * np.abs(error)
        covered.append((size <= similar(parts, 0.05)).mean())
        by_cochran.append((size <= cochran(parts, 0.05)).mean())
    assert np.abs(np.array(covered) - 0.95).max() < off
    assert max(by_cochran) > max(covered)
    assert df > 2 or max(by_cochran) > 0.97


def test_two_parts_of_few_degrees_of_freedom_are_each_allowed_for():
    """Welch's test of two samples of equal size and variance is nearly Student's of both."""
    part = VarianceEstimate(0.5, 9.0)
    assert similar([part, part], 0.05) == pytest.approx(stats.t(18).ppf(0.975), rel=0.01)
    assert cochran([part, part], 0.05) == pytest.approx(stats.t(9).ppf(0.975))


def test_at_a_level_that_was_not_solved_for_the_rule_is_cochrans():
    parts = [VarianceEstimate(0.3, 2.0), VarianceEstimate(0.7, 40.0)]
    assert similar(parts, 0.01) == cochran(parts, 0.01)
    assert similar(parts, 0.05) < cochran(parts, 0.05)


# Intervals


@pytest.mark.parametrize("count", [2, 3, 5, 10, 40])
def test_seeds_that_disagree_more_never_make_an_interval_shorter(count: int):
    halves = [
        interval_of(0.0, Components(seeds, 0.1, 1.0, count), 30.0, 0.05).half
        for seeds in np.geomspace(1e-4, 1e4, 300)
    ]
    assert np.diff(halves).min() >= 0
    assert halves[-1] == pytest.approx(100 * stats.t(count - 1).ppf(0.975) / count**0.5, rel=0.01)


def test_an_interval_says_what_it_is_over_and_whether_seeds_would_help():
    steady = Components(seeds=0.09, interaction=0.01, examples=0.05, count=3)
    interval = interval_of(1.0, steady, 99.0, 0.05)
    assert (interval.seed_error, interval.example_error) == pytest.approx((0.03**0.5, 0.2))
    assert (interval.over, interval.more_seeds_help) == ("seeds and examples", False)
    noisy = interval_of(1.0, replace(steady, seeds=0.3), 99.0, 0.05)
    assert noisy.more_seeds_help
    assert noisy.low < interval.low < 1.0 < interval.high < noisy.high


def test_an_interval_is_never_shorter_than_that_of_the_trained_models_themselves():
    found = Components(seeds=0.0001, interaction=0.04, examples=0.05, count=2)
    interval = interval_of(0.0, found, 999.0, 0.05)
    assert interval.seed_error == pytest.approx((0.04 / 2) ** 0.5)
    assert interval.high == pytest.approx(0.03**0.5 * stats.t(999).ppf(0.975))


def test_an_interval_stays_within_the_metrics_range_and_keeps_its_longer_half():
    interval = Interval(0.9, 0.6, 1.2, 0.1, 0.1, 3).within(0.0, SCORE_RULES["accuracy"].high)
    assert (interval.low, interval.high) == (0.6, 1.0)
    assert interval.half == pytest.approx(0.3)
    of_error = SCORE_RULES["mae"]
    assert Interval(0.1, -0.2, 0.4, 0.1, 0.1, 3).within(of_error.low, of_error.high).low == 0.0


def test_one_seed_has_the_interval_of_the_examples():
    interval = interval_of(0.5, Components(0.0, 0.0, 0.04, 1), 50.0, 0.05)
    assert interval.high - 0.5 == pytest.approx(0.2 * stats.t(50).ppf(0.975))
    assert (interval.over, interval.seed_error) == ("examples", None)
    assert interval.more_seeds_help is None


def test_an_interval_in_another_unit():
    interval = Interval(0.3, 0.2, 0.5, 0.01, 0.02, 3)
    assert interval.scaled(10) == Interval(3.0, 2.0, 5.0, 0.1, 0.2, 3)
    assert interval.scaled(-1).low == -0.5
    assert Interval(0.3, 0.2, 0.5, None, 0.02, 1).scaled(2).seed_error is None


# Holm


def test_holms_worked_example():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).shape == (0,)


def test_holm_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="an oracle")
    p = np.random.default_rng(0).beta(0.3, 2, 200).round(3)
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
