"""The leaderboard is a function of records, and of nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from statistics import stdev

import pytest
from builders import a_board, a_record

from bench.analysis import leaderboard
from bench.analysis.leaderboard import (
    Leaderboard,
    Row,
    Table,
    alike_seeds,
    make_leaderboard,
    records_of,
    row_label,
    spread,
)
from bench.protocol import CRASHED, FAILED, OUT_OF_MEMORY, SKIPPED, TIMEOUT
from bench.records.record import Predictions, Record


def only_table(board: Leaderboard) -> Table:
    (table,) = board.tables
    return table


def rows(board: Leaderboard) -> dict[str, Row]:
    return {row.label: row for row in only_table(board).rows}


def order(board: Leaderboard) -> list[str]:
    return [row.label for row in only_table(board).rows]


# Order


def test_lower_is_better_for_an_error():
    board = a_board(a_record("b", 0.3), a_record("a", 0.2), a_record("c", 0.25))
    assert order(board) == ["a", "c", "b"]


def test_higher_is_better_for_an_accuracy():
    of_imdb = {"trial": {"task": "imdb"}}
    board = a_board(a_record("b", 0.8, **of_imdb), a_record("a", 0.9, **of_imdb))
    assert order(board) == ["a", "b"]


def test_validation_orders_the_rows_and_the_test_split_does_not():
    good_test = replace(
        a_record("b", 0.3),
        metrics={"best_epoch": 1, "validation": {"mae": 0.3}, "test": {"mae": 0.01}},
    )
    assert order(a_board(good_test, a_record("a", 0.2))) == ["a", "b"]


def test_equal_rows_stand_by_name():
    board = a_board(a_record("b", 0.2), a_record("c", 0.3), a_record("a", 0.2))
    assert order(board) == ["a", "b", "c"]


def test_what_is_not_ok_stands_last_and_skipped_after_failed():
    board = a_board(
        a_record("a", status=SKIPPED, reason="needs sklearn, not installed here"),
        a_record("b", status=CRASHED, reason="the worker was ended by SIGKILL"),
        a_record("c", 0.9),
    )
    assert order(board) == ["c", "b", "a"]
    assert rows(board)["b"].reason == "the worker was ended by SIGKILL"
    assert rows(board)["b"].validation == {}
    assert rows(board)["b"].costs is None


@pytest.mark.parametrize("status", [FAILED, TIMEOUT, OUT_OF_MEMORY, CRASHED, SKIPPED])
def test_a_table_may_hold_nothing_that_is_ok(status):
    board = a_board(a_record("a", status=status, reason="a reason"))
    assert order(board) == ["a"]
    assert rows(board)["a"].status == status


# Seeds


def test_a_row_has_mean_and_sample_deviation_over_its_seeds():
    values = [0.26, 0.27, 0.31]
    board = a_board(*(a_record(quality=q, seed=s) for s, q in enumerate(values)))
    row = rows(board)["jena_gru"]

    assert row.validation["mae"].mean == pytest.approx(0.28)
    assert row.validation["mae"].deviation == pytest.approx(stdev(values))
    assert row.validation["mae_degC"].mean == pytest.approx(0.28 * 8.85)
    assert row.test["mae"].count == 3
    assert row.seeds == (0, 1, 2)


def test_one_seed_has_no_deviation():
    assert rows(a_board(a_record()))["jena_gru"].validation["mae"].deviation is None
    assert spread([]) is None


def test_a_row_with_seeds_that_failed_says_how_many_and_why():
    failed = a_record(seed=1, status=TIMEOUT, reason="took longer than 60 s")
    board = a_board(a_record(quality=0.2, seed=0), failed, a_record(quality=0.4, seed=2))
    row = rows(board)["jena_gru"]

    assert row.status == "2 of 3 seeds ok"
    assert row.reason == "timeout: took longer than 60 s"
    assert row.validation["mae"].mean == pytest.approx(0.3)
    assert row.seeds == (0, 1, 2)


# The baseline


def test_each_row_is_compared_with_the_mean_of_the_baseline():
    board = a_board(
        a_record("jena_naive", 0.28, seed=0),
        a_record("jena_naive", 0.30, seed=1),
        a_record("jena_gru", 0.26),
    )
    assert rows(board)["jena_gru"].difference == pytest.approx(-0.03)
    assert rows(board)["jena_naive"].difference == 0
    assert [row.label for row in only_table(board).rows if row.is_baseline] == ["jena_naive"]


def test_a_changed_baseline_is_none():
    changed = a_record("jena_naive", 0.1, trial={"overrides": {"step": 1}})
    board = a_board(changed, a_record("jena_gru", 0.26))
    assert not any(row.is_baseline for row in only_table(board).rows)
    assert rows(board)["jena_gru"].difference is None


def test_without_a_baseline_that_is_ok_there_is_no_difference():
    board = a_board(a_record("jena_naive", status=FAILED), a_record("jena_gru"))
    assert rows(board)["jena_gru"].difference is None


def test_each_backend_is_a_row_of_its_own_and_has_its_own_baseline():
    on_jax = {"trial": {"backend": "jax"}}
    board = a_board(
        a_record("jena_naive", 0.30),
        a_record("jena_naive", 0.31, **on_jax),
        a_record("jena_gru", 0.26),
        a_record("jena_gru", 0.27, **on_jax),
        a_record("jena_gru", 0.28, trial={"backend": "torch"}),
    )
    differences = {label: row.difference for label, row in rows(board).items()}
    assert differences["jena_gru"] == pytest.approx(-0.04)
    assert differences["jena_gru [jax]"] == pytest.approx(-0.04)
    assert differences["jena_gru [torch]"] == pytest.approx(0.28 - 0.30)


# Which records count


def test_of_a_plugins_configurations_the_one_recorded_last_counts():
    old = [
        a_record(quality=0.1, seed=s, minute=1, trial={"plugin_sha256": "old"}) for s in range(3)
    ]
    board = a_board(a_record(quality=0.3, minute=2), *old)
    assert rows(board)["jena_gru"].validation["mae"].mean == 0.3
    assert rows(board)["jena_gru"].seeds == (0,)
    assert board.left_out == {"other_source": 3}


def test_a_plugin_that_has_been_broken_since_shows_that_and_not_its_old_result():
    ok = a_record(quality=0.1, minute=1)
    broken = a_record(
        minute=2, status=FAILED, reason="does not parse", trial={"plugin_sha256": "new"}
    )
    board = a_board(ok, broken)
    assert rows(board)["jena_gru"].status == FAILED
    assert board.left_out == {"other_source": 1}


def test_a_later_failure_of_the_same_trial_is_told_and_does_not_hide_the_result():
    """What failed is the circumstance: by its identity nothing else has changed."""
    ok = a_record(quality=0.2, minute=1)
    late = a_record(minute=2, status=TIMEOUT, reason="took longer than 1 s")
    board = a_board(ok, late)
    row = rows(board)["jena_gru"]

    assert row.status == "ok"
    assert row.reason == "a later attempt: timeout: took longer than 1 s"
    assert board.left_out == {}


def test_a_machine_that_lacks_a_package_does_not_hide_what_another_measured():
    ok = a_record(quality=0.2, minute=1, trial={"versions": {"sklearn": "1.7"}})
    skipped = a_record(
        minute=2, status=SKIPPED, reason="needs sklearn", trial={"versions": {"sklearn": "absent"}}
    )
    board = a_board(ok, skipped)
    row = rows(board)["jena_gru"]

    assert row.status == "ok"
    assert row.reason == "a later attempt: skipped: needs sklearn"
    assert only_table(board).records == (ok, skipped)
    assert board.left_out == {}


def test_a_failure_that_was_followed_by_success_is_forgotten():
    board = a_board(
        a_record(minute=1, status=TIMEOUT, reason="took longer than 1 s"), a_record(minute=2)
    )
    assert (rows(board)["jena_gru"].status, rows(board)["jena_gru"].reason) == ("ok", "")


def test_a_failure_of_an_older_source_between_two_seeds_is_no_later_attempt():
    broken = a_record(minute=2, status=FAILED, reason="no", trial={"plugin_sha256": "old"})
    board = a_board(a_record(minute=1), broken, a_record(seed=1, minute=3))
    assert (rows(board)["jena_gru"].status, rows(board)["jena_gru"].reason) == ("ok", "")
    assert board.left_out == {"other_source": 1}


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ({}, "replaced"),
        ({"plugin_sha256": "old"}, "other_source"),
        ({"plugin_sha256": "old", "versions": {"keras": "3.0"}}, "other_source"),
        ({"hyperparameters": {"units": 8}}, "other_settings"),
        ({"view": {"lookback": 10}}, "other_settings"),
        ({"training": {"epochs": 1}}, "other_settings"),
        ({"versions": {"keras": "3.0"}}, "other_versions"),
    ],
)
def test_it_is_counted_why_a_record_is_left_out(then, why):
    board = a_board(a_record(minute=1, trial=then), a_record(minute=2))
    assert board.left_out == {why: 1}


def test_other_data_are_another_table_and_leave_nothing_out():
    board = a_board(a_record(minute=1, trial={"fingerprint": "old"}), a_record(minute=2))
    assert (len(board.tables), board.left_out) == (2, {})


def test_files_that_cannot_be_read_are_counted_with_what_is_left_out():
    assert make_leaderboard([a_record()], unreadable=2).left_out == {"unreadable": 2}


def test_what_the_command_line_changed_is_a_row_of_its_own():
    changed = {"hyperparameters": {"units": 64}, "overrides": {"units": 64}}
    board = a_board(a_record(quality=0.3), a_record(quality=0.2, trial=changed))
    assert order(board) == ["jena_gru (units=64)", "jena_gru"]
    assert board.left_out == {}


def test_a_row_is_reused_if_all_its_seeds_are():
    one, two = a_record(seed=0), a_record(seed=1)
    assert rows(a_board(one, two, reused=(one.identity, two.identity)))["jena_gru"].reused
    assert not rows(a_board(one, two, reused=(one.identity,)))["jena_gru"].reused


# Which records share a table


@pytest.mark.parametrize(
    "difference",
    [
        {"task": "imdb"},
        {"task_version": 2},
        {"source": "local"},
        {"fingerprint": "beef"},
        {"profile": "full"},
        {"scored_examples": 500},
        {"scored_examples": None},
        {"harness_version": 2},
    ],
    ids=str,
)
def test_what_is_not_comparable_never_shares_a_table(difference):
    board = a_board(a_record("a"), a_record("b", trial=difference))
    assert sorted([row.label for row in table.rows] for table in board.tables) == [["a"], ["b"]]
    assert all(len(table.rows) == 1 for table in board.tables)


def test_a_table_says_what_it_is_of():
    table = only_table(a_board(a_record()))
    assert (table.task, table.source, table.fingerprint) == ("jena", "official", "f00d")
    assert (table.profile, table.scored_examples, table.task_version) == ("quick", 3000, 1)
    assert (table.metric, table.direction, table.baseline) == ("mae", "min", "jena_naive")
    assert table.why == "weather.csv, as given"


def test_no_records_make_no_tables():
    assert a_board() == Leaderboard(())


# Order of the records


def many_records() -> list:
    """Some of everything: tasks, sources, seeds, repeats, failures, equal times."""
    made = [
        a_record(plugin, quality, seed=seed, minute=minute, trial={"source": source})
        for (plugin, quality), seed, minute, source in product(
            [("a", 0.2), ("b", 0.2), ("jena_naive", 0.3)], (0, 1), (1, 2), ("local", "official")
        )
    ]
    made += [
        a_record("a", 0.1, trial={"task": "imdb"}),
        a_record("a", 0.4, minute=2, trial={"plugin_sha256": "edited"}),
        a_record("b", minute=2, status=FAILED, reason="x"),
        a_record("b", minute=2, status=FAILED, reason="y"),
        a_record("b", minute=9, status=SKIPPED, reason="z", trial={"source": "local"}),
        a_record("c", status=FAILED, reason="x"),
    ]
    return made


@pytest.mark.parametrize("shuffle", range(20))
def test_the_order_of_records_does_not_matter(shuffle):
    records = many_records()
    expected = make_leaderboard(records)
    random.Random(shuffle).shuffle(records)
    assert make_leaderboard(records) == expected


def test_every_record_is_shown_or_counted():
    records = many_records()
    board = make_leaderboard(records)
    shown = sum(len(table.records) for table in board.tables)
    assert shown + sum(board.left_out.values()) == len(records)


def test_a_row_has_the_records_that_it_summarises_or_mentions():
    for table in make_leaderboard(many_records()).tables:
        of_rows = {row.label: records_of(table, row) for row in table.rows}
        assert sum(map(len, of_rows.values())) == len(table.records)
        for label, records in of_rows.items():
            assert {row_label(record) for record in records} == {label}


def test_more_rows_make_no_record_of_another_row_be_looked_at(monkeypatch):
    asked = []

    def counted(record):
        asked.append(record)
        return row_label(record)

    monkeypatch.setattr(leaderboard, "row_label", counted)
    records = [a_record(f"p{number}", seed=seed) for number in range(50) for seed in range(2)]
    table = only_table(make_leaderboard(records))
    for row in table.rows:
        records_of(table, row)
    assert len(asked) <= 3 * len(records)


def with_predictions(seed: int, digest: str) -> Record:
    kept = Predictions(f"{digest}.npz", 1, digest)
    return a_record("jena_naive", seed=seed, predictions=kept)


def test_seeds_that_gave_identical_results_are_told_as_one():
    same = [a_record("jena_naive", 0.29, seed=seed) for seed in (0, 1, 2)]
    different = [a_record("jena_gru", 0.26 + seed / 100, seed=seed) for seed in (0, 1, 2)]
    alone = [a_record("jena_dense", 0.3)]

    table = only_table(make_leaderboard([*same, *different, *alone]))
    assert alike_seeds(table) == {"jena_naive": 3}


def test_equal_scores_of_different_predictions_are_no_identical_results():
    table = only_table(make_leaderboard([with_predictions(0, "a"), with_predictions(1, "b")]))
    assert alike_seeds(table) == {}

    table = only_table(make_leaderboard([with_predictions(0, "a"), with_predictions(1, "a")]))
    assert alike_seeds(table) == {"jena_naive": 2}
