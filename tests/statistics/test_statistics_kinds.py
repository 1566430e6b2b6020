"""What seeds add to an error, of rows that may be of different kinds."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from score_world import DAYS, ScoreWorld, equals, false_tables, fewer_draws, jena_like

from bench.statistics.blocks import Components, PluginScores, group_examples, summarise
from bench.statistics.compare import compare
from bench.statistics.kinds import LEVELS, MEDIAN, WEIGHTS, posterior, quantiles_of, seed_noise
from bench.statistics.pairs import (
    Errors,
    Pairs,
    all_pairs,
    detectable,
    half_widths,
    holm,
    p_values,
)


def errors(examples: float, *effects: np.ndarray, seeds: int = 3, df: float = 1e6) -> Errors:
    """Make the errors of one pair."""
    first, second = (each[None, :] for each in effects)
    one = np.ones(1)
    return Errors(
        examples * one, df * one, (first, second), (0 * one, 0 * one), (seeds * one, seeds * one)
    )


NONE = np.zeros(len(LEVELS))


# What a row's variance may be


def test_the_levels_are_the_whole_of_a_distribution():
    assert pytest.approx(1, abs=1e-9) == WEIGHTS.sum()
    assert LEVELS[MEDIAN] == pytest.approx(0.5, abs=0.06)
    assert (np.diff(LEVELS) < 0).all()


def test_a_row_alone_knows_its_variance_as_its_own_degrees_of_freedom_tell():
    """The median of the inverse chi-square, where the disagreement is next to nothing."""
    (multiples,) = quantiles_of(posterior(np.array([1e3]), np.array([2.0])))
    known = 2 * 1e3 / stats.chi2(2).ppf(LEVELS)
    assert multiples[MEDIAN] == pytest.approx(known[MEDIAN], rel=0.15)
    tail = (LEVELS < 0.2) & (LEVELS > 1e-4)
    assert multiples[tail] == pytest.approx(known[tail], rel=0.3)


def test_rows_that_are_alike_know_their_variance_together():
    ratios = 11 * np.random.default_rng(0).chisquare(2, 30) / 2
    multiples = quantiles_of(posterior(ratios, np.full(30, 2.0)))
    assert np.median(multiples[:, MEDIAN]) == pytest.approx(10, rel=0.5)
    alone = quantiles_of(posterior(ratios[:1], np.full(1, 2.0)))
    tail = int(np.argmin(np.abs(LEVELS - 0.01)))
    spread = np.median(multiples[:, tail] / multiples[:, MEDIAN])
    assert spread < 0.2 * alone[0, tail] / alone[0, MEDIAN]


def test_a_row_that_is_like_no_other_keeps_its_own_and_tells_nothing_of_them():
    random = np.random.default_rng(1)
    alike = 2 * random.chisquare(2, 12) / 2
    without = quantiles_of(posterior(alike, np.full(12, 2.0)))
    beside = quantiles_of(posterior(np.append(alike, 4e4), np.full(13, 2.0)))
    (alone,) = quantiles_of(posterior(np.array([4e4]), np.array([2.0])))
    assert beside[-1, MEDIAN] == pytest.approx(alone[MEDIAN], rel=0.3)
    tail = int(np.argmin(np.abs(LEVELS - 0.01)))
    assert beside[:-1, tail] == pytest.approx(without[:, tail], rel=0.5)


def test_rows_are_alike_by_what_seeds_do_beyond_their_disagreement():
    """A plugin that is ten times as unsteady in everything is of the same kind."""
    random = np.random.default_rng(2)
    sizes = np.array([1.0] * 8 + [100.0] * 8)
    seeds = 2 * sizes * random.chisquare(2, 16) / 2
    found = seed_noise(
        [Components(s, c, 10 * c, 3) for s, c in zip(seeds, sizes, strict=True)]
    ).quantiles
    small, large = found[:8, MEDIAN], found[8:, MEDIAN]
    assert np.median(large) == pytest.approx(100 * np.median(small), rel=0.5)


def test_one_seed_and_rows_without_randomness_have_no_seed_effect():
    found = seed_noise([Components(1.0, 0.5, 1.0, 3), Components(0.0, 0.0, 1.0, 1)])
    assert found.quantiles[1].tolist() == NONE.tolist()
    assert found.quantiles[0, MEDIAN] > 0


# How certain a difference is


def test_without_seed_effects_the_p_value_is_students():
    difference = np.array([2.5])
    found = p_values(difference, errors(1.0, NONE, NONE, df=12))
    assert found == pytest.approx(2 * stats.t(12).sf(2.5), rel=0.02)


def test_a_row_alone_of_three_seeds_has_students_p_value():
    (effects,) = quantiles_of(posterior(np.array([1e3]), np.array([2.0])))
    for ratio in (2.0, 10.0, 40.0):
        found = p_values(np.array([ratio * (1e3 / 3) ** 0.5]), errors(0.0, effects, NONE))
        assert found == pytest.approx(2 * stats.t(2).sf(ratio), rel=0.25)


def test_half_widths_are_where_the_p_value_is_the_level():
    (effects,) = quantiles_of(posterior(np.array([3.0]), np.array([2.0])))
    here = errors(1.0, effects, NONE)
    for level in (0.05, 1e-4):
        assert p_values(half_widths(here, level), here) == pytest.approx(level, rel=1e-6)
    assert detectable(here, 0.05) > half_widths(here, 0.05)


# All pairs together


def rows_of(made: np.ndarray) -> Pairs:
    """Compare all pairs of rows of one seed each, on independent examples."""
    grouping = group_examples(np.arange(made.shape[1]))
    summaries = [summarise(PluginScores("", (0,), row[None, :]), grouping) for row in made]
    return all_pairs(summaries, True, seed_noise([Components(0, 0, 1, 1)] * len(made)), ALL)


ALL = np.ones(6, dtype=bool)


def test_without_seed_effects_pairs_together_are_tukeys_range():
    """The p-value of the largest difference of six alike that one table in twenty exceeds."""
    found = rows_of(np.random.default_rng(0).standard_normal((6, 4000)))
    largest = stats.studentized_range(6, np.inf).ppf(0.95)
    assert found.first_level(0.05) == pytest.approx(2 * stats.norm.sf(largest / 2**0.5), rel=0.08)


def test_pairs_together_are_never_surer_than_alone_nor_less_sure_than_by_holm():
    made = np.random.default_rng(1).standard_normal((6, 400)) + 0.08 * np.arange(6)[:, None]
    found = rows_of(made)
    assert (found.adjusted >= found.p).all()
    assert (found.adjusted <= holm(found.p)).all()
    assert (found.adjusted < 0.95 * holm(found.p)).any()
    order = np.argsort(found.p)
    assert (np.diff(found.adjusted[order]) >= 0).all()


def test_a_row_that_varies_in_nothing_is_compared_like_any_other():
    made = np.random.default_rng(2).standard_normal((6, 400))
    made[0] = 0.3
    found = rows_of(made)
    assert found.p[found.first == 0] == pytest.approx(
        stats.ttest_1samp(made[1:].T, 0.3).pvalue, rel=0.03
    )


# What is promised, on made tables: see also `python -m campaigns.benchmarks statistics`

TABLES = 60


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer_draws(monkeypatch)


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize(
    "change",
    [
        {"factors": (5.0,)},
        {"factors": (3.0,) * 3},
        {"factors": (0.0,) * 3, "seed_size": 3.0},
        {"failing": 20.0},
        {"binary": True},
        {"absolute": True},
        {"seeds": 2, "factors": (5.0,)},
        {"seeds": 10, "failing": 20.0},
    ],
    ids=str,
)
def test_equals_are_not_separated_whatever_the_kinds_of_rows(change: dict):
    world = replace(ScoreWorld(plugins=8, groups=250, seed_size=1.0), **change)
    assert false_tables(world, TABLES) <= 0.05 + 2.5 * (0.05 * 0.95 / TABLES) ** 0.5


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_best_is_left_among_the_best(seeds: int):
    world = ScoreWorld(plugins=6, groups=250, seeds=seeds, seed_size=1.0)
    assert equals(world, TABLES).lost <= 0.05 + 2.5 * (0.05 * 0.95 / TABLES) ** 0.5


@pytest.mark.usefixtures("few_draws")
def test_the_best_is_left_though_its_seeds_are_unlike_all_others():
    world = ScoreWorld(plugins=8, groups=250, seed_size=1.0, factors=(5.0,))
    assert equals(world, TABLES).odd_lost <= 0.05 + 2.5 * (0.05 * 0.95 / TABLES) ** 0.5


@pytest.mark.usefixtures("few_draws")
def test_half_of_the_pairs_like_jenas_are_separated_and_few_are_left_best():
    """Of 120 pairs 34 were separated with the common variance of all rows, 54 by Holm."""
    random = np.random.default_rng(0)
    found = [compare(jena_like(random), np.arange(DAYS), "min", in_time=True) for _ in range(8)]
    assert np.mean([each.separations for each in found]) >= 50
    assert np.mean([len(each.best) + len(each.unknown) for each in found]) <= 4


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("sizes", [(0.002, 0.0), (0.01, 0.01)], ids=["steady", "unsteady"])
def test_rows_more_change_little_for_the_others(sizes: tuple[float, float]):
    """Six rows that are steady, or unsteady as rows are: on single examples and in the mean."""
    random = np.random.default_rng(3)
    kept = []
    for _ in range(12):
        samples = jena_like(random)
        ten, six = samples[:10], [_with_seeds(sample, *sizes, random) for sample in samples[10:]]
        before, after = (
            compare(each, np.arange(DAYS), "min", in_time=True) for each in (ten, [*ten, *six])
        )
        pairs = combinations([sample.label for sample in ten], 2)
        kept += [after.separated(*pair) for pair in pairs if before.separated(*pair)]
    assert len(kept) > 80
    assert np.mean(kept) >= 0.85


def _with_seeds(
    sample: PluginScores, disagreement: float, effect: float, random: np.random.Generator
) -> PluginScores:
    """Give a sample other seeds, by the deviations of both parts of a seed's mean."""
    average = sample.values.mean(axis=0)
    shape = sample.values.shape
    noise = disagreement * DAYS**0.5 * random.standard_normal(shape)
    return replace(sample, values=average + noise + effect * random.standard_normal((shape[0], 1)))
