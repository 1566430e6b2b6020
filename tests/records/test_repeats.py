"""Verdicts on repeats, and which trials are repeated: worked out without training anything."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from builders import a_board, a_record, a_repeat

from bench.protocol import OK, TIMEOUT
from bench.records.record import BIT_IDENTICAL, DIFFERENT, WITHIN, Record
from bench.records.repeats import (
    RepeatCheck,
    Repeats,
    compare_metrics,
    compare_predictions,
    sample,
    settings,
    settings_text,
    summarise,
    verdict_text,
    worst,
)

NUMBERS = np.linspace(-2, 2, 50, dtype="float32")


def compared(first: Any, second: Any) -> RepeatCheck:
    return compare_predictions({"predictions": first}, {"predictions": second})


# Predictions


def test_the_same_bits_are_bit_identical():
    assert compared(NUMBERS, NUMBERS.copy()) == RepeatCheck(BIT_IDENTICAL, 0.0)
    odd = np.array([np.nan, np.inf, -0.0])
    assert compared(odd, odd.copy()) == RepeatCheck(BIT_IDENTICAL, 0.0)


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [(1e-12, WITHIN), (1e-8, WITHIN), (9.9e-7, WITHIN), (1.01e-6, DIFFERENT), (3.0, DIFFERENT)],
)
def test_the_largest_difference_decides_wherever_it_is(gap, verdict):
    first = np.zeros(50)
    second = first.copy()
    second[17] = -gap
    assert compared(first, second) == RepeatCheck(verdict, gap)
    assert compared(second, first) == RepeatCheck(verdict, gap)


def test_equal_numbers_of_other_bits_are_within():
    assert compared(np.array([0.0]), np.array([-0.0])) == RepeatCheck(WITHIN, 0.0)
    assert compared(NUMBERS, NUMBERS.astype("float64")) == RepeatCheck(WITHIN, 0.0)


def test_a_difference_is_not_lost_in_narrow_numbers():
    first, second = np.array([250], "uint8"), np.array([5], "uint8")
    assert compared(first, second) == RepeatCheck(DIFFERENT, 245.0)


@pytest.mark.parametrize(
    "other",
    [
        NUMBERS[:-1],
        NUMBERS.reshape(-1, 1),
        NUMBERS.astype(str),
        NUMBERS.astype(complex),
        np.where(NUMBERS > 0, np.nan, NUMBERS),
        np.where(NUMBERS > 0, np.inf, NUMBERS),
        np.where(NUMBERS > 0, 1.7e308, -1.7e308),
    ],
    ids=["shorter", "a column", "texts", "complex", "nan", "infinite", "huge"],
)
def test_what_cannot_be_subtracted_is_different_and_has_no_number(other):
    assert compared(NUMBERS, other) == RepeatCheck(DIFFERENT, None)


def test_no_examples_at_all_are_the_same():
    assert compared(NUMBERS[:0], NUMBERS[:0]).verdict == BIT_IDENTICAL


def test_validation_predictions_count_where_both_have_them():
    new = {"predictions": NUMBERS, "validation_predictions": NUMBERS, "targets": NUMBERS}
    off = {**new, "validation_predictions": NUMBERS + 1, "targets": NUMBERS[:3]}
    old = {"predictions": NUMBERS}
    assert compare_predictions(new, off).verdict == DIFFERENT
    assert compare_predictions(old, off).verdict == BIT_IDENTICAL
    assert compare_predictions(off, old).verdict == BIT_IDENTICAL


def test_a_repeat_without_predictions_of_the_test_split_is_different():
    only_validation = {"validation_predictions": NUMBERS}
    for first, second in (({"predictions": NUMBERS}, {}), (only_validation, only_validation)):
        assert compare_predictions(first, second) == RepeatCheck(DIFFERENT, None)


# Scores and curves


METRICS: dict[str, Any] = {
    "best_epoch": 3,
    "train": {"loss": 0.21, "mae": 0.22},
    "validation": {"mae": 0.26, "mae_degC": 2.301},
    "test": {"mae": 0.27, "mae_degC": 2.39},
    "curves": {"validation_mae": [0.31, None, 0.26], "epoch_seconds": [4.0, 2.5]},
}


def with_change(section: str, **changes: Any) -> dict[str, Any]:
    return {**METRICS, section: {**METRICS[section], **changes}}


def verdict_on(second: dict[str, Any]) -> str:
    return compare_metrics(METRICS, second, "mae").verdict


def test_times_are_no_part_of_a_result():
    assert verdict_on(with_change("curves", epoch_seconds=[9.0], elapsed_seconds=[1.0])) == (
        BIT_IDENTICAL
    )


def test_a_unit_that_rescales_the_metric_is_not_judged_twice():
    assert verdict_on(with_change("test", mae_degC=2.390002)) == BIT_IDENTICAL


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        (with_change("validation", mae=0.26 + 1e-9), WITHIN),
        (with_change("validation", mae=0.2601), DIFFERENT),
        (with_change("test", mae=0.2701), DIFFERENT),
        (with_change("train", loss=0.2101), DIFFERENT),
        (with_change("curves", validation_mae=[0.31, None, 0.26 + 1e-9]), WITHIN),
        (with_change("curves", validation_mae=[0.31, 0.3, 0.26]), DIFFERENT),
        (with_change("curves", validation_mae=[0.31, None]), DIFFERENT),
        ({**METRICS, "best_epoch": 2}, DIFFERENT),
    ],
)
def test_every_score_and_point_of_a_curve_counts(second, verdict):
    assert verdict_on(second) == verdict


def test_what_was_not_finite_is_the_same_before_and_after_it_was_written():
    fresh = with_change("curves", validation_mae=[0.31, float("nan"), 0.26])
    assert verdict_on(fresh) == BIT_IDENTICAL


@pytest.mark.parametrize("train", [None, "low", [], {"loss": "low"}, {"loss": 10**400}])
def test_whatever_an_old_record_has_in_a_section_that_is_not_checked_breaks_nothing(train):
    assert verdict_on({**METRICS, "train": train}) in (BIT_IDENTICAL, DIFFERENT)
    assert compare_metrics({**METRICS, "train": train}, METRICS, "mae").verdict


def test_the_worst_of_several_comparisons_counts():
    same, near, far = (
        RepeatCheck(BIT_IDENTICAL, 0.0),
        RepeatCheck(WITHIN, 1e-8),
        RepeatCheck(DIFFERENT, 0.5),
    )
    assert worst([same, near, same]) == near
    assert worst([far, near]) == worst([near, far]) == far
    assert worst([far, RepeatCheck(DIFFERENT, None)]) == RepeatCheck(DIFFERENT, None)


# The sample


def records(**seeds: int) -> list[Record]:
    """So many seeds of each plugin."""
    return [a_record(name, seed=seed) for name, count in seeds.items() for seed in range(count)]


def named(chosen: list[Record]) -> list[tuple[str, int]]:
    return [(record.trial.plugin, record.trial.seed) for record in chosen]


def test_one_trial_of_each_row_is_repeated_the_one_with_the_smallest_seed():
    found = [*records(a=3, b=1), *records(c=3)[1:]]
    assert sorted(named(sample(found, None))) == [("a", 0), ("b", 0), ("c", 1)]


def test_other_settings_are_another_row():
    wide = a_record("a", trial={"overrides": {"units": 64}, "hyperparameters": {"units": 64}})
    assert len(sample([*records(a=2), wide], None)) == 2


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 40])
def test_so_many_are_chosen_whatever_the_order_and_never_one_twice(count):
    found = records(**{f"plugin_{number}": 2 for number in range(5)})
    chosen = sample(found, count)
    assert len({record.identity for record in chosen}) == len(chosen) == min(count, 10)
    assert len({record.trial.plugin for record in chosen}) == min(count, 5)
    random.Random(count).shuffle(found)
    assert sample(found, count) == chosen


def test_a_small_sample_has_trials_of_every_task():
    imdb = [a_record(f"imdb_{n}", trial={"task": "imdb"}) for n in range(10)]
    chosen = sample([*imdb, *records(**{f"jena_{n}": 1 for n in range(10)})], 2)
    assert [record.trial.task for record in chosen] == ["imdb", "jena"]


def test_of_nothing_nothing_is_chosen():
    assert sample([], None) == sample([], 3) == []


# Settings


def test_settings_say_what_was_in_force_and_where_the_two_differ():
    first = {
        "compilation": {"jit_compile": False, "deterministic_ops": True},
        "threads": 2,
        "start": "spawn",
        "machine": {"processor": "A"},
        "load": 0.1,
    }
    second = {**first, "threads": 1, "start": "fork", "load": 3.0, "device": "cpu"}
    found = settings(first, second)
    assert found == {
        "jit_compile": False,
        "deterministic_ops": True,
        "threads": {"first": 2, "repeat": 1},
        "device": {"first": None, "repeat": "cpu"},
        "start": {"first": "spawn", "repeat": "fork"},
        "processor": "A",
    }
    assert settings_text(found) == (
        "jit_compile off, deterministic_ops on, threads 2 then 1, device unknown then cpu, "
        "start spawn then fork, processor A"
    )


def test_settings_that_are_none_are_left_out():
    odd = {"compilation": [1], "threads": {"x": 1}, "machine": None, "device": ["cpu"]}
    assert settings(odd, {}) == {}


# A row


def test_a_row_without_repeats_has_no_verdict():
    assert summarise([a_record(), a_repeat(status=TIMEOUT)]) is None


def test_a_row_has_the_worst_verdict_over_its_trials():
    repeats = [
        a_record(),
        a_repeat(seed=0),
        a_repeat(verdict=DIFFERENT, largest=0.25, seed=0, minute=10),
        a_repeat(verdict=WITHIN, largest=1e-8, seed=1),
        a_repeat(seed=2, status=TIMEOUT),
    ]
    assert summarise(repeats) == Repeats(DIFFERENT, 0.25, 2)


def row_of(*found: Record) -> Any:
    ((row,),) = (table.rows for table in a_board(*found).tables)
    return row


def test_a_repeat_answers_for_its_trial_and_what_was_said_before_it_stays():
    row = row_of(a_record(), a_repeat(), a_record(minute=30))
    assert (row.status, row.seeds, row.repeats) == (OK, (0,), Repeats(BIT_IDENTICAL, 0.0, 1))


def test_repeats_of_another_configuration_say_nothing_of_this_one():
    old = a_repeat(verdict=DIFFERENT, largest=1.0, trial={"plugin_sha256": "0ld"})
    assert row_of(old, a_record(minute=30)).repeats is None


def test_a_repeat_that_fails_takes_nothing_from_the_row_and_is_mentioned():
    row = row_of(a_record(), a_repeat(status=TIMEOUT, reason="took longer than 1 s"))
    assert (row.status, row.repeats) == (OK, None)
    assert row.reason == "a later attempt: timeout: took longer than 1 s"


def test_a_difference_is_written_where_it_matters():
    assert verdict_text(BIT_IDENTICAL, 0.0) == "bit-identical"
    assert verdict_text(WITHIN, 3e-7) == "within 1e-6"
    assert verdict_text(DIFFERENT, 0.01234) == "different, by up to 0.012"
    assert verdict_text(DIFFERENT, None) == "different"
