"""Time to target: when a training was first as good as the baseline, or as published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import a_board, a_record, a_timed_record

from bench.analysis.costs import Reached, make_targets, time_to_target, times_to_targets
from bench.records.record import Record


def with_curves(**curves: Any) -> Record:
    record = a_record()
    return replace(record, metrics={**record.metrics, "curves": curves})


def test_it_is_the_clock_of_the_first_epoch_that_is_as_good():
    record = with_curves(
        validation_mae=[0.31, 0.27, 0.28, 0.26], elapsed_seconds=[5.0, 7.0, 9.0, 11.0]
    )
    assert time_to_target(record, 0.27, "min") == 7.0
    assert time_to_target(record, 0.269, "min") == 11.0
    assert time_to_target(record, 0.4, "min") == 5.0
    assert time_to_target(record, 0.25, "min") is None


def test_an_accuracy_has_to_rise():
    record = a_record("imdb_gru", 0.9, trial={"task": "imdb"})
    curves = {"validation_accuracy": [0.8, 0.88, 0.9], "elapsed_seconds": [1.0, 2.0, 3.0]}
    record = replace(record, metrics={**record.metrics, "curves": curves})

    assert time_to_target(record, 0.88, "max") == 2.0
    assert time_to_target(record, 0.95, "max") is None


def test_an_epoch_without_a_number_reaches_nothing():
    record = with_curves(validation_mae=[None, 0.27], elapsed_seconds=[1.0, 2.0])
    assert time_to_target(record, 0.3, "min") == 2.0


@pytest.mark.parametrize(
    "curves",
    [
        {},
        {"validation_mae": [0.2]},
        {"validation_mae": [0.2, 0.2], "elapsed_seconds": [1.0]},
        {"validation_mae": [0.2, 0.2], "elapsed_seconds": [None, 1.0]},
    ],
    ids=str,
)
def test_without_a_clock_nothing_is_known(curves):
    record = with_curves(**curves)
    targets = make_targets("mae", "min", 0.3, [])
    assert time_to_target(record, 0.3, "min") is None
    assert times_to_targets([record], targets) == {}


def test_what_is_not_trained_by_epochs_has_reached_what_it_scores_when_its_fit_is_done():
    ridge = with_curves(validation_mae=[], elapsed_seconds=[8.0])
    ridge = replace(ridge, timing={**ridge.timing, "fit": 8.0})

    assert time_to_target(ridge, 0.26, "min") == 8.0
    assert time_to_target(ridge, 0.259, "min") is None


# Over the seeds


def test_the_median_is_over_the_seeds_that_reached_it_and_their_share_is_told():
    targets = make_targets("mae", "min", 0.27, [0.2])
    records = [
        a_timed_record(validation=curve, epoch=1.0, seed=seed)
        for seed, curve in enumerate([[0.26], [0.3, 0.26], [0.3, 0.29]])
    ]
    found = times_to_targets(records, targets)

    assert found["baseline"] == Reached(pytest.approx((2.1 + 3.2) / 2), 2, 3)
    assert found["published"] == Reached(None, 0, 3)


def test_a_seed_whose_clock_is_not_known_is_not_counted():
    targets = make_targets("mae", "min", 0.3, [])
    found = times_to_targets([a_timed_record(epoch=1.0), a_record(seed=1)], targets)
    assert (found["baseline"].reached, found["baseline"].seeds) == (1, 1)


def test_of_a_seed_that_was_trained_again_the_median_counts_once():
    targets = make_targets("mae", "min", 0.27, [])
    quick, slow = (a_timed_record(validation=[0.26], epoch=seconds) for seconds in (1.0, 3.0))
    never = a_timed_record(validation=[0.3], epoch=1.0)

    assert times_to_targets([quick, slow], targets)["baseline"] == Reached(
        pytest.approx((2.1 + 4.3) / 2), 1, 1
    )
    assert times_to_targets([quick, never], targets)["baseline"] == Reached(None, 0, 1)


# A table's targets


def test_a_tables_targets_are_the_baselines_mean_and_the_best_published_figure():
    board = a_board(
        a_record("jena_naive", 0.28, seed=0, reference={}),
        a_record("jena_naive", 0.30, seed=1, reference={}),
        a_record("a", reference={"val_mae": 0.2635, "test_mae": 0.1}),
        a_record("b", reference={"val_mae": 0.2513, "val_mae_degC": 0.1}),
        a_record("c", reference={"val_mae": None}),
    )
    (table,) = board.tables
    assert table.targets.values == {"baseline": pytest.approx(0.29), "published": 0.2513}


def test_the_best_of_accuracies_is_the_highest():
    of_imdb = {"trial": {"task": "imdb"}}
    board = a_board(
        a_record("a", 0.8, **of_imdb, reference={"val_accuracy": 0.87}),
        a_record("b", 0.9, **of_imdb, reference={"val_accuracy": 0.89}),
    )
    assert board.tables[0].targets.values == {"published": 0.89}


def test_published_figures_are_no_target_on_made_data():
    (table,) = a_board(a_record(trial={"source": "synthetic"})).tables
    assert table.targets.values == {}
