"""Quality is judged against the noise of training: another seed is no news, a broken plugin is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from gate_world import GROUPS, key, plugin, quality, side

from bench.gate.judge import judge
from bench.gate.judge_quality import BIT_IDENTICAL, ONE_SEED
from bench.gate.model import Finding, Need, Quality
from bench.gate.settings import CheckSettings
from bench.metrics import QUALITY
from bench.statistics.before_after import Shift, Sides, compare_sides
from bench.statistics.blocks import Summary

TOLERANCE = 0.002
Pair = tuple[Quality, Quality]


def judged(*pairs: Pair, **settings) -> list[Finding]:
    """Judge plugins of a table, the n-th of which has the n-th pair of scores."""
    sides = [
        side(name, *(plugin(f"jena_{n}", quality=each[place]) for n, each in enumerate(pairs)))
        for place, name in enumerate(("main", "change"))
    ]
    return [*judge(sides[0], sides[1], CheckSettings(**settings))]


def the_first(*pairs: Pair, **settings) -> Finding:
    return judged(*pairs, **settings)[0]


def tolerating(size: float) -> dict[str, dict[str, float]]:
    """Make the settings that tolerate a loss of so much."""
    return {"tolerances": {**CheckSettings().tolerances, QUALITY: size}}


def others(count: int = 3) -> list[Pair]:
    """Make other plugins of the table, trained anew by code that has changed nothing."""
    return [
        (quality(0.3 + number / 10, code="main"), quality(0.3 + number / 10, code="change"))
        for number in range(count)
    ]


# The same to the bit


def test_the_same_predictions_for_every_common_seed_are_bit_identical():
    found = the_first((quality(seeds=(0, 1)), quality(seeds=(0, 1))))
    assert (found.metric, found.verdict, found.reason) == (QUALITY, "unchanged", BIT_IDENTICAL)
    assert (found.change, found.interval, found.unit) == (0.0, None, "mae")


def test_further_seeds_of_one_side_do_not_count_as_a_change():
    found = the_first((quality(seeds=(0,)), quality(seeds=(0, 1, 2), noise=0.0005)))
    assert (found.verdict, found.reason) == ("unchanged", BIT_IDENTICAL)
    assert found.base == found.candidate == quality(seeds=(0,)).seeds[0].value


def test_one_seed_is_enough_to_be_bit_identical():
    assert the_first((quality(seeds=(7,)), quality(seeds=(7,)))).verdict == "unchanged"


def test_equal_scores_by_other_predictions_are_not_bit_identical():
    one = quality()
    other = replace(one, seeds=tuple(replace(s, digest=s.digest[::-1]) for s in one.seeds))
    found = the_first((one, other), **tolerating(0.01))
    assert (found.verdict, found.reason, found.change) == ("unchanged", "", 0.0)
    assert found.interval is not None


# The noise of training


def test_the_same_plugin_with_other_seeds_is_unchanged():
    pair = quality(seeds=(0, 1, 2)), quality(seeds=(3, 4, 5))
    assert the_first(pair, **tolerating(0.01)).verdict == "unchanged"
    found = the_first(pair)
    assert (found.verdict, found.unit, found.threshold) == ("cannot tell", "mae", TOLERANCE)
    assert found.interval is not None
    assert found.interval[0] < 0 < found.interval[1]
    assert found.base == pytest.approx(0.26, abs=0.001)
    assert found.detectable is not None
    assert TOLERANCE < found.detectable < 0.02


def test_code_that_trains_another_way_to_the_same_end_is_unchanged():
    found = the_first((quality(code="main"), quality(code="change")), *others(), **tolerating(0.01))
    assert (found.verdict, found.reason) == ("unchanged", "")


@pytest.mark.parametrize("extent", [0, 3])
def test_a_plugin_broken_on_purpose_is_worse_alone_and_in_a_table(extent):
    found = the_first((quality(0.26), quality(0.31)), *others(extent))
    assert (found.verdict, found.reason) == ("worse", "")
    assert found.change == pytest.approx(0.05, abs=0.002)
    assert found.interval is not None
    assert TOLERANCE < found.interval[0] < 0.05 < found.interval[1]


def test_a_plugin_that_ends_anywhere_since_it_was_broken_is_worse():
    """Its own scatter would excuse it: by that, 0.15 more are less than chance may do."""
    found = the_first((quality(0.26), quality(0.41, noise=0.05)))
    assert found.verdict == "worse"
    assert found.reason == "the seeds of the candidate differ far more"
    assert found.p_value is not None
    assert found.p_value < 0.01


def with_a_failed_seed(made: Quality) -> Quality:
    failed = replace(made.seeds[-1], value=made.seeds[-1].value + 0.4)
    return replace(made, seeds=(*made.seeds[:-1], failed))


@pytest.mark.parametrize("side_of_failure", [0, 1])
def test_where_a_training_failed_by_chance_more_seeds_are_asked_for(side_of_failure):
    pair = [quality(code="main"), quality(code="change")]
    pair[side_of_failure] = with_a_failed_seed(pair[side_of_failure])
    found = the_first((pair[0], pair[1]))

    assert found.verdict == "cannot tell"
    whose = ("the baseline", "the candidate")[side_of_failure]
    assert found.reason.startswith(f"the seeds of {whose} differ far more, as where training fails")
    assert found.needed is not None
    assert found.needed.of == "seeds a side"
    assert 15 < found.needed.count < 30
    assert found.interval is not None
    assert found.interval[0] < -0.1 < 0.1 < found.interval[1]


def test_a_plugin_that_fails_in_one_seed_of_three_is_worse_with_the_seeds_that_were_asked_for():
    seeds = tuple(range(26))
    candidate = quality(seeds=seeds, code="change")
    failing = tuple(
        replace(score, value=score.value + 0.4) if score.seed % 3 == 0 else score
        for score in candidate.seeds
    )
    found = the_first((quality(seeds=seeds), replace(candidate, seeds=failing)))
    assert found.verdict == "worse"


def test_noise_that_hides_a_change_is_told_with_the_seeds_or_the_tolerance_that_it_asks_for():
    one = quality(noise=0.1)
    same = replace(one, seeds=tuple(replace(s, digest=s.digest[::-1]) for s in one.seeds))
    found = the_first((one, same))
    assert (found.verdict, found.needed) == ("cannot tell", None)
    assert found.reason.startswith("noise hides it, with 1,000 seeds a side too; a tolerance of 0.")
    told = the_first((quality(noise=0.01), quality(noise=0.01, code="change")), **tolerating(0.01))
    assert told.needed is not None
    assert told.reason.startswith(f"noise hides it: {told.needed.count} seeds a side, or a tol")


def test_lower_and_higher_is_better_turn_the_verdict_round():
    base, lower = quality(0.86), quality(0.80)
    assert the_first((base, lower)).verdict == "better"
    accuracies = [replace(each, metric="accuracy", direction="max") for each in (base, lower)]
    found = the_first((accuracies[0], accuracies[1]))
    assert (found.verdict, found.unit) == ("worse", "accuracy")
    assert found.change == pytest.approx(-0.06, abs=0.003)
    assert the_first((accuracies[1], accuracies[0])).verdict == "better"


def test_a_loss_within_the_tolerance_is_let_pass_however_sure_it_is():
    pair = quality(0.26), quality(0.29)
    wide = the_first(pair, tolerances={**CheckSettings().tolerances, QUALITY: 0.05})
    assert wide.interval is not None
    assert 0 < wide.interval[0] < wide.interval[1] < 0.05
    assert (wide.verdict, wide.threshold) == ("unchanged", 0.05)
    strict = the_first(pair, tolerances={**CheckSettings().tolerances, QUALITY: 0.0})
    assert strict.verdict == "worse"


def test_a_model_whose_seeds_do_not_matter_is_judged_by_the_examples_alone():
    fixed = quality(0.26, noise=0.0)
    same = replace(fixed, seeds=(fixed.seeds[0], replace(fixed.seeds[0], seed=1)))
    moved = replace(same, seeds=tuple(replace(s, value=0.27, digest="moved") for s in same.seeds))
    assert the_first((same, moved)).verdict == "worse"
    assert the_first((same, quality(0.2605, noise=0.0)), **tolerating(0.01)).verdict == "unchanged"


# One seed


def one_seed(value: float = 0.26, code: str = "main", seed: int = 0) -> Quality:
    return quality(value, seeds=(seed,), code=code)


def test_one_seed_a_side_cannot_tell_a_change_from_chance():
    found = the_first((one_seed(), one_seed(0.5, "change")))
    assert (found.verdict, found.reason) == ("cannot tell", ONE_SEED)
    assert found.needed == Need(3, "seeds a side")
    assert "--seeds 0,1,2" in found.reason
    assert (found.change, found.interval) == (pytest.approx(0.24, abs=0.01), None)


def test_other_plugins_seeds_tell_what_a_single_one_may_do_but_not_whether_it_failed_by_chance():
    found = the_first((one_seed(), one_seed(0.5, "change")), *others())
    assert found.verdict == "cannot tell"
    assert found.interval is not None
    assert found.interval[0] > 0.2
    assert found.reason.startswith("as large a change may be by chance: 3 seeds a side")
    same = the_first((one_seed(), one_seed(code="change")), *others(), **tolerating(0.02))
    assert same.verdict == "unchanged"


def has_its_noise(found: Finding) -> bool:
    return found.interval is not None and found.interval[0] > 0.1


def test_plugins_that_did_not_change_tell_it_too():
    same = [(quality(value), quality(value)) for value in (0.3, 0.4, 0.5)]
    assert has_its_noise(the_first((one_seed(), one_seed(0.5, "change")), *same))


@pytest.mark.parametrize("turn", [1, -1])
def test_of_a_plugin_that_did_not_change_the_side_with_more_seeds_tells_it(turn):
    same = [(quality(each, seeds=(0,)), quality(each))[::turn] for each in (0.3, 0.4, 0.5)]
    assert has_its_noise(the_first((one_seed(), one_seed(0.5, "change")), *same))


def test_models_without_randomness_do_not_tell_what_a_seed_does():
    fixed = quality(0.3, noise=0.0)
    same = replace(fixed, seeds=(fixed.seeds[0], replace(fixed.seeds[0], seed=1)))
    found = the_first((one_seed(), one_seed(0.5, "change")), (same, same))
    assert found.verdict == "cannot tell"


def test_another_profile_is_another_table():
    quick = [plugin(quality=one_seed(code=code)) for code in ("main", "change")]
    full = [
        plugin(key("jena_a", profile="full"), quality=quality(code=code))
        for code in ("main", "change")
    ]
    settings = CheckSettings(**tolerating(0.02))
    found = judge(side("a", quick[0], full[0]), side("b", quick[1], full[1]), settings)
    assert {each.key.profile: each.verdict for each in found} == {
        "quick": "cannot tell",
        "full": "unchanged",
    }


# What cannot be compared


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"examples": "others"}, "scored on other examples"),
        ({"independent": False}, "scored on other examples"),
        ({"metric": "accuracy"}, "scored by accuracy, the baseline by mae"),
        ({"direction": "max"}, "scored by mae, the baseline by mae"),
    ],
)
def test_other_examples_or_another_metric_are_not_comparable(changes, reason):
    found = the_first((quality(), quality(**changes)))
    assert (found.verdict, found.reason) == ("not comparable", reason)


def test_groups_of_another_number_are_other_examples():
    made = quality()
    shorter = tuple(replace(s, influences=s.influences[1:]) for s in made.seeds)
    assert the_first((made, replace(made, seeds=shorter))).verdict == "not comparable"


def test_a_score_that_is_no_number_is_not_measured():
    made = quality(code="change")
    broken = replace(made, seeds=(replace(made.seeds[0], value=float("nan")), *made.seeds[1:]))
    found = the_first((quality(), broken))
    assert (found.verdict, found.change) == ("not measured", None)


# How often it errs, and what it finds


@dataclass(frozen=True)
class Training:
    """Made scores of some plugins, trained by ``seeds`` seeds before and after a change.

    ``loss`` is that of the first plugin, and ``dependent`` makes neighbouring examples alike.
    """

    plugins: int = 1
    seeds: int = 3
    loss: float = 0.0
    dependent: bool = False

    def shift(self, number: int, level: float = 0.01) -> Shift:
        """Draw all scores and compare the first plugin's sides."""
        random = np.random.default_rng([number, self.plugins, self.seeds])
        examples = 0.2 * self._noise(random)
        pairs = [
            Sides(self._scores(random, examples, 0.0), self._scores(random, examples, loss))
            for loss in [self.loss, *[0.0] * (self.plugins - 1)]
        ]
        found = compare_sides(pairs, not self.dependent, level)[0]
        assert found is not None
        return found

    def _scores(self, random, examples, loss: float) -> Summary:
        own = 0.02 * np.stack([self._noise(random) for _ in range(self.seeds)])
        errors = examples + own
        means = 0.26 + loss + own.mean(axis=1) + 0.001 * random.standard_normal(self.seeds)
        series = (errors - errors.mean(axis=1, keepdims=True)) / GROUPS
        return Summary(tuple(range(self.seeds)), means, series)

    def _noise(self, random):
        noise = random.standard_normal(GROUPS)
        if self.dependent:
            noise = (noise + np.roll(noise, 1) + np.roll(noise, 2)) / 3**0.5
        return noise


def alarms(training: Training, repeats: int, threshold: float = 0.0) -> float:
    """Share of changes that are called worse."""
    return float(np.mean([training.shift(n).low > threshold for n in range(repeats)]))


@pytest.mark.parametrize(
    "training",
    [Training(1, 2), Training(1, 3), Training(4, 3), Training(1, 5), Training(dependent=True)],
)
def test_training_again_is_called_worse_as_rarely_as_the_level_says(training):
    """Three standard errors of a share of 0.01 in 150 draws are 0.024."""
    assert alarms(training, 150) <= 0.01 + 0.024


@pytest.mark.parametrize(("plugins", "seeds"), [(1, 3), (4, 3), (1, 5)])
def test_what_is_said_to_be_detectable_is_found(plugins, seeds):
    made = Training(plugins, seeds)
    told = float(np.median([made.shift(n).detectable(TOLERANCE) for n in range(50)]))
    found = alarms(replace(made, loss=told), 80, TOLERANCE)
    assert found >= 0.87


def test_both_sides_seeds_together_tell_the_noise_better_than_one_sides():
    """Three seeds a side have four degrees of freedom; by two, 1% is 7 errors away, not 3.7."""
    halves = [shift.high - shift.low for shift in map(Training().shift, range(50))]
    more = [s.high - s.low for s in (Training(plugins=6).shift(n) for n in range(50))]
    assert np.median(more) < np.median(halves) < 0.02


def test_without_a_candidate_there_is_nothing_to_tell():
    random = np.random.default_rng(0)
    base = Training()._scores(random, random.standard_normal(GROUPS), 0.0)
    assert compare_sides([Sides(base, None)], True, 0.01) == (None,)


def seeds_of(values: Sequence[float]) -> Summary:
    flat = np.zeros((len(values), GROUPS))
    return Summary(tuple(range(len(values))), np.array(values), flat)


def test_with_seeds_alone_the_interval_is_that_of_the_two_sample_t_test():
    """Examples without any error leave Student's test of two samples of equal variance."""
    from scipy import stats

    base, candidate = [0.26, 0.262, 0.259], [0.263, 0.266, 0.262, 0.265]
    (found,) = compare_sides([Sides(seeds_of(base), seeds_of(candidate))], True, 0.01)
    wanted = stats.ttest_ind(candidate, base).confidence_interval(0.98)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert not found.unsteady
