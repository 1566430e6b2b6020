"""A table of scores is compared: what is separated, which ranks are left, who is best."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from score_world import ScoreWorld, coverage, false_tables, fewer_draws

from bench.errors import BenchError
from bench.statistics.blocks import PluginScores
from bench.statistics.compare import Rank, TableComparison, compare

N = 400
GROUPS = np.arange(N)
COMMON = np.random.default_rng(99).random(N)


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer_draws(monkeypatch)


def a_sample(
    label: str, mean: float, *seeds: int, noise: float = 0.05, number: int = 0
) -> PluginScores:
    """Errors around ``mean`` that share the difficulty of the examples."""
    made = np.random.default_rng([number, *label.encode()])
    size = len(seeds)
    own = noise * made.standard_normal((size, N)) + 0.01 * made.standard_normal((size, 1))
    return PluginScores(label, seeds, mean + COMMON - 0.5 + own)


def four(*seeds: int) -> list[PluginScores]:
    """A clear winner, two alike, and a clear loser."""
    means = {"best": 0.2, "mid-a": 0.5, "mid-b": 0.501, "worst": 0.9}
    return [a_sample(label, mean, *(seeds or (0, 1, 2))) for label, mean in means.items()]


def ranks(found: TableComparison) -> dict[str, str]:
    return {label: str(rank) for label, rank in found.ranks.items()}


# Ranks


def test_ranks_leave_open_what_the_data_leave_open():
    found = compare(four(), GROUPS, "min")
    assert ranks(found) == {"best": "1", "mid-a": "2-3", "mid-b": "2-3", "worst": "4"}
    assert found.best == ("best",)
    assert (found.blocks, found.block_lengths, found.independent) == (N, (1, 1), True)
    assert found.level == 0.05


def test_higher_is_better_turns_the_ranks_round():
    found = compare(four(), GROUPS, "max")
    assert ranks(found) == {"best": "4", "mid-a": "2-3", "mid-b": "2-3", "worst": "1"}
    assert found.best == ("worst",)


def test_all_that_nothing_is_significantly_better_than_are_best():
    found = compare([*four(), a_sample("also", 0.2005, 0, 1, 2)], GROUPS, "min")
    assert found.best == ("also", "best")
    assert found.ranks["best"] == Rank(1, 2)


def test_a_plugin_may_overlap_with_two_that_are_separated():
    """Being inseparable is not transitive: the one in the middle has ranks 1 to 3."""
    noisy = a_sample("noisy", 0.205, 0, 1, 2, noise=2.0)
    samples = [a_sample("a", 0.19, 0, 1, 2), noisy, a_sample("c", 0.26, 0, 1, 2)]
    assert ranks(compare(samples, GROUPS, "min")) == {"a": "1-2", "noisy": "1-3", "c": "2-3"}


def test_an_interval_is_of_a_plugins_own_scores_whatever_it_is_compared_with():
    found = compare(four(), GROUPS, "min")
    for sample in four():
        alone = compare([sample], GROUPS, "min")
        assert alone.intervals[sample.label] == found.intervals[sample.label]


# Pairs


def test_a_pair_is_told_from_either_side():
    found = compare(four(), GROUPS, "min")
    one, other = found.pair("best", "mid-a"), found.pair("mid-a", "best")
    assert one.difference == -other.difference == pytest.approx(-0.3, abs=0.03)
    assert (one.low, one.high) == (-other.high, -other.low)
    assert one.low < one.difference < one.high < 0
    ends = {"difference": 0.0, "low": 0.0, "high": 0.0}
    assert replace(one, **ends) == replace(other, **ends)
    assert one.separated
    assert 0 < one.p < one.adjusted <= 0.05
    assert found.pair("mid-a", "mid-b").separated is False
    for labels in (("best", "best"), ("best", "no such")):
        with pytest.raises(KeyError):
            found.pair(*labels)


def test_common_difficulty_cancels_between_plugins_but_not_in_their_intervals():
    found = compare(four(), GROUPS, "min")
    apart = found.pair("mid-a", "mid-b").error
    assert apart < 0.7 * found.intervals["mid-a"].example_error


@pytest.mark.usefixtures("few_draws")
def test_what_a_seed_makes_of_single_examples_is_counted_once():
    """Seeds that differ by examples alone: the error is that of any other such seeds."""
    world = ScoreWorld(plugins=2, groups=200, seeds=8, interaction=0.5, seed_size=0.0)
    found = [each.pair("p00", "p01") for each in world.comparisons(200)]
    own = 2 * (1 - world.shared - world.interaction)
    truth = (own + 2 * world.interaction / world.seeds) / world.groups
    assert np.mean([pair.error**2 for pair in found]) == pytest.approx(truth, rel=0.25)
    assert np.std([pair.difference for pair in found]) == pytest.approx(truth**0.5, rel=0.15)


def test_a_pair_is_never_better_known_than_its_trained_models_are():
    """Seed means that agree by accident, of models that disagree on half of the examples."""
    made = np.random.default_rng(0).standard_normal((2, 3, N))
    level = made - made.mean(axis=2, keepdims=True)
    samples = [PluginScores(f"p{k}", (0, 1, 2), values) for k, values in enumerate(level)]
    models = (level[0].mean(axis=0) - level[1].mean(axis=0)).std(ddof=1) / N**0.5
    assert compare(samples, GROUPS, "min").pair("p0", "p1").error >= 0.99 * models


def test_two_plugins_of_one_seed_are_compared_by_the_paired_t_test():
    one, other = a_sample("a", 0.2, 0), a_sample("b", 0.201, 0)
    known = stats.ttest_rel(one.values[0], other.values[0])
    found = compare([one, other], GROUPS, "min")
    pair = found.pair("a", "b")
    assert pair.p == pytest.approx(known.pvalue, rel=0.02)
    assert pair.df == N - 1
    assert pair.difference / pair.error == pytest.approx(known.statistic)
    assert found.one_seed
    assert found.first_two is not None
    assert found.first_two.seeds_needed is None
    assert found.intervals["a"].over == "examples"


def test_pairs_use_the_seeds_that_both_have():
    """A far-off seed that the other plugin lacks moves the mean, not their difference."""
    one, other = a_sample("a", 0.5, 0, 1, 2), a_sample("b", 0.5, 1, 2, 3)
    far = one.values.copy()
    far[0] += 5
    found = compare([PluginScores("a", one.seeds, far), other], GROUPS, "min")
    expected = one.values[1:].mean() - other.values[:2].mean()
    assert found.pair("a", "b").difference == pytest.approx(expected)
    assert found.intervals["a"].mean == pytest.approx(far.mean())


def test_without_a_common_seed_all_seeds_of_each_are_used():
    one, other = a_sample("a", 0.5, 0, 1), a_sample("b", 0.3, 2, 3, 4)
    difference = compare([one, other], GROUPS, "min").pair("a", "b").difference
    assert difference == pytest.approx(one.values.mean() - other.values.mean())


def test_a_plugin_of_one_seed_has_no_rank_and_changes_that_of_no_other():
    """Another seed may end elsewhere, wherever the others' seeds end."""
    alone = compare(four(), GROUPS, "min")
    found = compare([*four(), a_sample("single", 0.1, 0)], GROUPS, "min")
    assert not found.one_seed
    assert ranks(found) == ranks(alone)
    assert not found.separated("single", "worst")
    assert found.intervals["single"].seed_error is None


def test_one_seed_each_gives_no_ranks_however_far_apart_they_look():
    found = compare(four(0), GROUPS, "min")
    assert found.one_seed
    assert (found.ranks, found.best, found.unknown) == ({}, (), {})
    assert found.pair("best", "worst").p < 1e-6


# The best


def test_the_best_are_found_by_comparisons_with_the_best_and_not_by_all_pairs():
    """Of many plugins, one that is worse at 5% over K - 1 comparisons, not over all pairs."""
    tied = [a_sample(f"p{k:02}", 0.7, 0, 1, 2) for k in range(12)]
    first, second = a_sample("a", 0.5, 0, 1, 2), a_sample("b", 0.5, 0, 1, 2)
    pair = compare([*tied, first, second], GROUPS, "min").pair("a", "b")
    moved = second.values + pair.difference + 3.6 * pair.error
    found = compare([*tied, first, replace(second, values=moved)], GROUPS, "min")
    assert 0.05 / (1 + 66) < found.pair("a", "b").p < 2 * 0.05 / 13
    assert not found.separated("a", "b")
    assert found.best == ("a",)


def test_a_row_that_only_its_own_unsteady_seeds_leave_among_the_best_is_unknown():
    steady = [a_sample(f"p{k}", 0.5 + 0.03 * k, 0, 1, 2) for k in range(5)]
    wild = a_sample("wild", 0.6, 0, 1, 2)
    moved = wild.values + np.array([[-0.25], [0.0], [0.25]])
    found = compare([*steady, replace(wild, values=moved)], GROUPS, "min")
    assert found.best == ("p0",)
    assert set(found.unknown) == {"wild"}
    needed = found.unknown["wild"].seeds
    assert needed is not None
    assert needed > 3
    assert needed == found.seeds_needed("p0", "wild")


# Plugins without randomness


def test_identical_plugins_are_tied():
    row = a_sample("a", 0.3, 0).values[0]
    twins = [PluginScores(label, (0, 1), np.stack([row, row])) for label in ("a", "b")]
    found = compare([*twins, a_sample("c", 0.9, 0, 1)], GROUPS, "min")
    assert ranks(found) == {"a": "1-2", "b": "1-2", "c": "3"}
    pair = found.pair("a", "b")
    assert (pair.difference, pair.p, pair.separated) == (0.0, 1.0, False)
    assert found.intervals["a"].seed_error == 0.0
    assert found.intervals["a"].more_seeds_help is False


def test_seeds_that_gave_identical_results_tell_no_more_than_one():
    """Their row has the interval and the differences of one seed, and so has no seed effect."""
    rows = {label: a_sample(label, 0.3, 0).values[0] for label in ("a", "b")}
    once, thrice = (
        [PluginScores(label, seeds, np.stack([row] * len(seeds))) for label, row in rows.items()]
        for seeds in ((0,), (0, 1, 2))
    )
    one, three = (compare(samples, GROUPS, "min") for samples in (once, thrice))
    assert (one.intervals["a"].low, one.intervals["a"].high) == pytest.approx(
        (three.intervals["a"].low, three.intervals["a"].high)
    )
    assert one.pair("a", "b").p == pytest.approx(three.pair("a", "b").p)
    assert one.pair("a", "b").low == pytest.approx(three.pair("a", "b").low)
    assert three.intervals["a"].seed_error == 0.0


def test_rounding_separates_nothing():
    row = a_sample("a", 0.3, 0).values[0]
    noise = 1e-11 * np.random.default_rng(0).random(N)
    found = compare(
        [
            PluginScores("a", (0, 1), np.stack([row, row])),
            PluginScores("b", (0, 1), np.stack([row + noise, row + noise])),
        ],
        GROUPS,
        "min",
    )
    assert not found.pair("a", "b").separated


def test_all_right_and_all_wrong_divide_by_no_error():
    perfect, hopeless = (
        PluginScores("a", (0, 1), np.ones((2, N))),
        PluginScores("b", (0, 1), np.zeros((2, N))),
    )
    found = compare([perfect, hopeless, replace(perfect, label="c")], GROUPS, "max")
    assert ranks(found) == {"a": "1-2", "c": "1-2", "b": "3"}
    assert (found.pair("a", "b").error, found.pair("a", "b").p) == (0.0, 0.0)
    assert found.intervals["a"].low == found.intervals["a"].high == 1.0


# What the table could tell


def test_one_plugin_has_an_interval_and_nothing_to_be_compared_with():
    found = compare(four()[:1], GROUPS, "min")
    assert ranks(found) == {"best": "1"}
    assert (found.first_two, found.best) == (None, ("best",))


def test_the_first_two_are_told_with_the_seeds_that_would_separate_them():
    close = [a_sample("a", 0.5, 0, 1, 2), a_sample("b", 0.503, 0, 1, 2)]
    two = compare(close, GROUPS, "min").first_two
    assert two is not None
    assert not two.separated
    assert two.difference == compare(close, GROUPS, "min").pair(two.first, two.second).difference
    assert two.difference < 0
    turned = compare(close, GROUPS, "max").first_two
    assert turned is not None
    assert (turned.first, turned.second) == (two.second, two.first)
    assert turned.difference == -two.difference


@pytest.mark.usefixtures("few_draws")
def test_as_many_seeds_as_are_said_to_be_needed_do_separate():
    """Told from many seeds, few are needed; of tables of these, four in five are separated."""
    world = ScoreWorld(plugins=2, groups=2000, seeds=40, seed_size=3.0, better=0.1)
    first = next(
        found.first_two
        for found in world.comparisons(50)
        if found.first_two is not None
        and found.first_two.seeds_needed is not None
        and abs(found.first_two.difference - world.better) < 0.005
    )
    assert first.seeds_needed is not None
    assert 5 < first.seeds_needed < 20
    wanted = replace(world, seeds=first.seeds_needed)
    found = [each.pair("p00", "p01").separated for each in wanted.comparisons(150, seed=1)]
    assert 0.65 < np.mean(found) < 0.95


def test_no_number_of_seeds_helps_where_the_examples_are_too_few():
    world = ScoreWorld(plugins=2, groups=100, seeds=3, shared=0.0, seed_size=0.1, better=0.05)
    (found,) = world.comparisons(1)
    assert found.first_two is not None
    assert found.first_two.seeds_needed is None
    assert not found.first_two.separated


# Bad input, and order


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.zeros((2, N - 1))}, "scores of shape"),
        ({"values": np.full((2, N), np.nan)}, "not a finite number"),
        ({"seeds": (1, 1)}, "each once"),
        ({"seeds": ()}, "give one or more"),
        ({"label": "b"}, "two samples of this label"),
    ],
)
def test_bad_samples_are_refused_by_name(change: dict, message: str):
    with pytest.raises(BenchError, match=rf"^[ab]: .*{message}"):
        compare([replace(a_sample("a", 0.5, 0, 1), **change), a_sample("b", 0.5, 0)], GROUPS, "min")


def test_a_direction_is_min_or_max_and_something_is_compared():
    with pytest.raises(BenchError, match="use min or max"):
        compare(four(), GROUPS, "up")
    with pytest.raises(BenchError, match="one sample or more"):
        compare([], GROUPS, "min")


@pytest.mark.parametrize("shuffle", range(4))
def test_the_order_of_samples_seeds_and_examples_in_memory_changes_no_bit(shuffle: int):
    world = ScoreWorld(plugins=6, groups=60, hours=4, seeds=4)
    samples = world.samples(np.random.default_rng(0))
    samples[0] = PluginScores("p00", (1, 2), samples[0].values[:2])
    samples[1] = PluginScores("p01", (7,), samples[1].values[:1])
    expected = compare(samples, world.group_numbers, "min")

    mixed, made = [], random.Random(shuffle)
    for sample in samples:
        order = list(range(len(sample.seeds)))
        made.shuffle(order)
        seeds = tuple(sample.seeds[i] for i in order)
        mixed.append(PluginScores(sample.label, seeds, np.asfortranarray(sample.values[order])))
    made.shuffle(mixed)
    found = compare(mixed, world.group_numbers, "min")
    assert found == expected
    assert list(found.ranks) == list(expected.ranks)
    for one in expected.ranks:
        for other in expected.ranks:
            if one != other:
                assert found.pair(one, other) == expected.pair(one, other)


# What is promised, on made tables: see also `python -m campaigns.benchmarks statistics`

INDEPENDENT = ScoreWorld(plugins=4, groups=400)
CORRELATED = ScoreWorld(plugins=4, groups=300, hours=12)


@pytest.mark.parametrize("world", [INDEPENDENT, CORRELATED], ids=["independent", "correlated"])
@pytest.mark.parametrize(("seeds", "size"), [(1, 0.0), (3, 0.3), (3, 3.0), (5, 1.0), (10, 3.0)])
def test_95_intervals_in_100_hold_the_truth(world: ScoreWorld, seeds: int, size: float):
    repeats = 200 if world.hours == 1 else 60
    held = coverage(replace(world, seeds=seeds, seed_size=size), repeats)
    assert 0.92 <= held <= 0.985


@pytest.mark.parametrize(("size", "interaction"), [(0.3, 0.1), (0.3, 0.3), (3.0, 0.1)])
def test_intervals_of_two_seeds_cover_no_more_than_they_say(size: float, interaction: float):
    """Cochran's rule covered 97.8, 98.5 and 95.2% of the same draws."""
    world = ScoreWorld(plugins=1, groups=200, seeds=2, seed_size=size, interaction=interaction)
    assert 0.93 <= coverage(world, 1500) <= 0.97 + 0.005


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("world", [INDEPENDENT, CORRELATED], ids=["independent", "correlated"])
@pytest.mark.parametrize(
    ("seeds", "size", "unequal"), [(1, 0.0, 0.0), (3, 0.5, 0.0), (3, 3.0, 2.0), (5, 2.0, 4.0)]
)
def test_tables_of_equals_are_left_whole(
    world: ScoreWorld, seeds: int, size: float, unequal: float
):
    made = replace(world, plugins=6, seeds=seeds, seed_size=size, unequal=unequal)
    repeats = 150 if world.hours == 1 else 40
    assert false_tables(made, repeats) <= 0.05 + 2.5 * (0.05 * 0.95 / repeats) ** 0.5


@pytest.mark.usefixtures("few_draws")
def test_differences_that_are_said_to_be_detectable_are_found_four_times_in_five():
    world = ScoreWorld(plugins=4, groups=400, seeds=5, seed_size=1.0)
    told = [found.pair("p00", "p01").detectable for found in world.comparisons(40)]
    made = replace(world, better=float(np.median(told)))
    found = [each.pair("p00", "p01").separated for each in made.comparisons(300, seed=1)]
    assert 0.7 <= np.mean(found) <= 0.9
