"""How many times as long: intervals of ratios, beside each other and apart."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from bench.statistics import ratios
from bench.statistics.ratios import (
    fewest_rounds,
    paired_chances,
    paired_ratio,
    spread,
    unpaired_ratio,
)

LEVEL = 0.01
#: Deviation of log times from process to process on a quiet machine of two cores.
NOISE = 0.012


def made_rounds(seed: int, slower: float = 1.0, noise: float = NOISE, rounds: int = 8):
    """A base, the base again and a candidate: seconds, whose rounds wander together."""
    random = np.random.default_rng(seed)
    shared = 0.02 * random.standard_normal(rounds).cumsum()
    base, again, candidate = np.exp(shared + noise * random.standard_normal((3, rounds)))
    return base, again, slower * candidate


def share(found) -> float:
    return float(np.mean([*found]))


# Side by side


def test_without_noise_the_ratio_is_exact_and_the_drift_of_the_machine_cancels():
    base, again, candidate = made_rounds(0, slower=1.05, noise=0.0)
    found = paired_ratio(candidate, [base, again], LEVEL)
    assert found is not None
    assert (found.low, found.estimate, found.high) == pytest.approx((1.05,) * 3, abs=1e-5)


def test_sides_that_are_equal_to_the_last_digit_have_the_ratio_one():
    found = paired_ratio([4096.0] * 8, [[4096.0] * 8, [4096.0] * 8], LEVEL)
    assert found is not None
    assert (found.low, found.estimate, found.high) == pytest.approx((1.0,) * 3, abs=1e-5)


def by_enumeration(values, shift: float) -> float:
    """The share of all choices of a side in each round with as large a rank sum, or larger."""
    shifted = np.array(values)
    shifted[:, -1] -= shift
    aligned = shifted - np.median(shifted, axis=1, keepdims=True)
    ranks = stats.rankdata(aligned).reshape(aligned.shape)
    sums = [sum(choice) for choice in itertools.product(*ranks)]
    return share(found >= ranks[:, -1].sum() - 1e-9 for found in sums)


@pytest.mark.parametrize(("bases", "rounds", "level"), [(1, 7, 0.05), (2, 5, 0.02), (3, 4, 0.05)])
def test_the_ends_are_where_the_exact_test_stops_being_significant(bases, rounds, level):
    logs = np.random.default_rng(bases).normal(size=(rounds, bases + 1))
    sides = np.exp(logs.T)
    found = paired_ratio(sides[-1], sides[:-1], level)
    assert found is not None
    low, high = np.log(found.low), np.log(found.high)
    assert by_enumeration(logs, low - 1e-4) <= level < by_enumeration(logs, low + 1e-4)
    assert by_enumeration(-logs, -high - 1e-4) <= level < by_enumeration(-logs, -high + 1e-4)
    assert found.low < found.estimate <= found.high


def test_what_is_slower_by_a_factor_is_faster_by_its_inverse_the_other_way_round():
    base, _, candidate = made_rounds(3, slower=1.05)
    one = paired_ratio(candidate, [base], LEVEL)
    other = paired_ratio(base, [candidate], LEVEL)
    assert one is not None
    assert other is not None
    assert one.low == pytest.approx(1 / other.high, rel=1e-4)
    assert one.estimate == pytest.approx(1 / other.estimate, rel=1e-4)


@pytest.mark.parametrize("slower", [1.0, 1.003])
def test_of_many_rounds_the_normal_tail_is_that_of_the_count(slower, monkeypatch):
    base, again, candidate = made_rounds(3, slower, rounds=129)
    normal = paired_chances(candidate, [base, again])
    monkeypatch.setattr(ratios, "_COUNTED", 129)
    counted = paired_chances(candidate, [base, again])

    assert normal == pytest.approx(counted, rel=0.1)


def test_too_few_rounds_are_refused_because_chance_alone_could_look_like_it():
    assert (fewest_rounds(3, 0.01), fewest_rounds(2, 0.01)) == (5, 7)
    base, again, candidate = made_rounds(0, slower=3.0, rounds=5)
    assert paired_ratio(candidate, [base], LEVEL) is None
    assert paired_ratio(candidate[:4], [base[:4], again[:4]], LEVEL) is None
    assert paired_ratio(candidate, [base, again], LEVEL) is not None


def test_one_process_that_was_held_up_neither_raises_nor_hides_an_alarm():
    for seed in range(5):
        for place, slower in itertools.product(range(3), (1.0, 1.08)):
            sides = made_rounds(seed, slower)
            sides[place][4] *= 1.5
            base, again, candidate = sides
            found = paired_ratio(candidate, [base, again], LEVEL)
            assert found is not None
            assert (found.low > 1.02) is (slower > 1)


def low_ends(repeats: int, slower: float, noise: float = NOISE, first: int = 0):
    for seed in range(first, first + repeats):
        base, again, candidate = made_rounds(seed, slower, noise)
        found = paired_ratio(candidate, [base, again], LEVEL)
        assert found is not None
        yield found.low, spread(base, again)


def test_equal_sides_differ_as_rarely_as_the_level_says():
    """Three standard errors of a share of 0.01 in 150 draws are 0.024."""
    assert share(low > 1 for low, _ in low_ends(150, slower=1.0)) <= LEVEL + 0.024


def test_eight_pairs_find_five_per_cent_beyond_the_tolerance_and_the_noise():
    found = share(low - 1 > max(0.02, apart) for low, apart in low_ends(100, slower=1.05))
    assert found >= 0.9


@pytest.mark.parametrize("noise", [0.005, NOISE, 0.05])
def test_what_is_said_to_be_detectable_is_found_nearly_always(noise):
    told = []
    for seed in range(30):
        base, again, candidate = made_rounds(seed, noise=noise)
        found = paired_ratio(candidate, [base, again], LEVEL)
        assert found is not None
        told.append(found.detectable(0.02, "min") or 0.0)
    detectable = float(np.median(told))
    assert detectable > 0.02
    lows = low_ends(60, 1 + detectable, noise, first=1000)
    assert share(low > 1.02 for low, _ in lows) >= 0.85


def test_more_noise_makes_less_detectable():
    told = []
    for noise in (0.005, 0.01, 0.05):
        base, again, candidate = made_rounds(1, noise=noise)
        found = paired_ratio(candidate, [base, again], LEVEL)
        assert found is not None
        told.append(found.detectable(0.02, "min"))
    assert told == sorted(told)
    assert told[-1] > 0.1


def test_a_fall_is_detectable_as_a_share_of_what_there_was():
    found = unpaired_ratio([0.9, 1.0, 1.1], [0.9, 1.0, 1.1], LEVEL)
    assert found is not None
    rise, fall = found.detectable(0.0, "min"), found.detectable(0.0, "max")
    assert rise is not None
    assert fall is not None
    assert (1 + rise) * (1 - fall) == pytest.approx(1.0)
    assert found.detectable(1.0, "max") is None


# The same revision twice


def test_the_spread_of_the_same_revision_is_its_estimate_and_an_error():
    base, again, _ = made_rounds(4, noise=0.0)
    assert spread(base, again) == pytest.approx(0.0, abs=1e-5)
    assert spread(base, 1.04 * again) == pytest.approx(0.04, abs=1e-5)
    assert spread(1.04 * base, again) == pytest.approx(0.04, abs=1e-5)
    apart = [spread(*made_rounds(seed)[:2]) for seed in range(60)]
    # The error of a mean of eight differences of two.
    assert 0.5 < np.median(apart) / (NOISE * (2 / 8) ** 0.5) < 2.5


def test_two_processes_that_were_held_up_do_not_widen_the_spread_much():
    base, again, _ = made_rounds(5)
    calm = spread(base, again)
    base[[2, 6]] *= 1.2
    assert calm < spread(base, again) < 0.04


# Apart


def test_what_was_measured_apart_is_tested_by_welch():
    random = np.random.default_rng(5)
    base, candidate = random.lognormal(0, 0.01, 6), random.lognormal(0.03, 0.03, 4)
    found = unpaired_ratio(candidate, base, LEVEL)
    assert found is not None
    welch = stats.ttest_ind(np.log(candidate), np.log(base), equal_var=False)
    wanted = welch.confidence_interval(1 - 2 * LEVEL)
    assert np.log([found.low, found.high]) == pytest.approx([wanted.low, wanted.high])
    assert found.estimate == pytest.approx(np.exp(np.log(candidate).mean() - np.log(base).mean()))


def test_one_process_a_side_tells_nothing_of_the_noise():
    assert unpaired_ratio([1.0], [1.0, 1.1], LEVEL) is None
    assert unpaired_ratio([1.0, 1.1], [1.0], LEVEL) is None


def test_processes_without_any_noise_need_no_test():
    found = unpaired_ratio([2.0, 2.0], [1.0, 1.0, 1.0], LEVEL)
    assert found is not None
    assert (found.low, found.estimate, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_equal_processes_apart_differ_as_rarely_as_the_level_says():
    random = np.random.default_rng(6)
    lows = []
    for _ in range(2000):
        sides = np.exp(NOISE * random.standard_normal((2, 5)))
        found = unpaired_ratio(sides[0], sides[1], LEVEL)
        assert found is not None
        lows.append(found.low)
    assert share(low > 1 for low in lows) <= LEVEL + 0.007


def test_sides_beyond_all_measure_give_a_ratio_that_can_be_computed_with():
    found = unpaired_ratio([1e299, 1e299, 1e-300], [1e-299, 1e-299, 1e-320], 0.01)
    assert found is not None
    assert 0 < found.low < found.estimate <= found.high
    assert math.isfinite(found.high / found.low)
    assert found.detectable(0.05, "min") is not None
