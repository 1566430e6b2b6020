"""Intervals and ranks of a leaderboard: what the scores of single examples allow it to say."""

from __future__ import annotations

import random

import numpy as np
import pytest
from builders import a_board, a_record
from judged_world import EXAMPLES, evidence_of, judged, rows_of, scores_of

from bench.analysis.ranking import judge, key_of
from bench.protocol import FAILED
from bench.records.record import Record
from bench.report.comparison import compared


def seeds(plugin: str, mean: float, spread: float = 0.001, count: int = 3) -> list[Record]:
    return [a_record(plugin, mean + spread * seed, seed=seed) for seed in range(count)]


def ranks(*records: Record, **options: object) -> dict[str, str]:
    return {label: str(row.rank) for label, row in rows_of(judged(*records, **options)).items()}


def test_plugins_far_apart_have_ranks_of_their_own():
    found = judged(*seeds("a", 0.2), *seeds("b", 0.4), *seeds("c", 0.3))

    assert {label: str(row.rank) for label, row in rows_of(found).items()} == {
        "a": "1",
        "b": "3",
        "c": "2",
    }
    assert [label for label, row in rows_of(found).items() if row.is_best] == ["a"]


def test_plugins_that_cannot_be_told_apart_share_their_ranks():
    shared = ranks(*seeds("a", 0.2), *seeds("b", 0.3), *seeds("c", 0.3003), *seeds("d", 0.4))
    assert shared == {"a": "1", "b": "2-3", "c": "2-3", "d": "4"}


def test_the_best_group_is_what_none_is_significantly_better_than():
    rows = rows_of(judged(*seeds("a", 0.3), *seeds("b", 0.3003), *seeds("c", 0.4)))
    assert [label for label, row in rows.items() if row.is_best] == ["a", "b"]


def test_a_plugin_alone_is_no_best_group():
    row = rows_of(judged(*seeds("a", 0.3)))["a"]
    assert (str(row.rank), row.is_best) == ("1", False)


def test_higher_is_better_for_an_accuracy():
    of_imdb = {"trial": {"task": "imdb"}}
    records = [
        a_record(plugin, quality, seed=seed, **of_imdb)
        for plugin, quality in (("a", 0.7), ("b", 0.9))
        for seed in range(3)
    ]
    assert ranks(*records) == {"b": "1", "a": "2"}


def test_every_figure_has_an_interval_and_other_units_have_its_multiple():
    row = rows_of(judged(*seeds("a", 0.3), *seeds("b", 0.4)))["a"]
    mae, degrees = row.validation["mae"], row.validation["mae_degC"]

    assert mae.interval.low < mae.mean < mae.interval.high
    assert mae.interval.mean == pytest.approx(mae.mean, rel=1e-6)
    assert degrees.interval.half == pytest.approx(8.85 * mae.interval.half)
    assert row.test["mae"].interval.mean == pytest.approx(row.test["mae"].mean, rel=1e-6)
    assert mae.interval.over == "seeds and examples"


def test_one_seed_has_an_interval_over_examples_alone():
    interval = (
        rows_of(judged(a_record("a", 0.3), a_record("b", 0.4)))["a"].validation["mae"].interval
    )

    assert interval.over == "examples"
    assert interval.half == pytest.approx(1.96 * 0.05 / EXAMPLES**0.5, rel=0.1)


def test_the_test_split_is_judged_too_and_ranks_nothing():
    records = [*seeds("a", 0.3), *seeds("b", 0.4)]
    evidence = evidence_of(*records)
    swapped = {
        key_of(record): {**scores_of(record), "test": scores_of(other)["test"]}
        for record, other in zip(records, [*records[3:], *records[:3]], strict=True)
    }
    usual, other = (judge(a_board(*records), found) for found in (evidence, swapped))
    (table,) = other.tables

    assert {row.label: str(row.rank) for row in table.rows} == {"a": "1", "b": "2"}
    assert table.ranking.test.best == ("b",)
    assert usual.tables[0].ranking.test.best == ("a",)


def test_without_predictions_a_row_has_no_rank_and_is_named():
    old, new = seeds("old", 0.2), seeds("new", 0.3)
    found = judge(a_board(*old, *new), evidence_of(*new))
    (table,) = found.tables

    assert [row.rank and str(row.rank) for row in table.rows] == [None, "1"]
    assert table.ranking.unranked == ("old",)
    assert rows_of(found)["old"].validation["mae"].interval is None


def test_a_row_of_which_one_seed_is_unknown_is_not_judged_by_the_others():
    records = [*seeds("a", 0.2), *seeds("b", 0.3)]
    found = judge(a_board(*records), evidence_of(*records[1:]))

    assert rows_of(found)["a"].rank is None
    assert str(rows_of(found)["b"].rank) == "1"


def test_rows_scored_on_other_examples_are_not_compared():
    a, b, c = seeds("a", 0.2), seeds("b", 0.3), seeds("c", 0.4)
    evidence = {**evidence_of(*a, *b), **evidence_of(*c, examples="others")}
    (table,) = judge(a_board(*a, *b, *c), evidence).tables

    assert table.ranking.unranked == ("c",)
    assert set(table.ranking.validation.ranks) == {"a", "b"}


def test_what_failed_is_neither_ranked_nor_named_as_unranked():
    records = [*seeds("a", 0.2), a_record("b", status=FAILED, reason="no")]
    (table,) = judged(*records).tables

    assert [row.rank and str(row.rank) for row in table.rows] == ["1", None]
    assert table.ranking.unranked == ()


def test_without_any_predictions_nothing_is_said():
    (table,) = judge(a_board(*seeds("a", 0.2)), {}).tables

    assert table.ranking.validation is None
    assert table.ranking.unranked == ("a",)


def test_examples_of_one_day_alone_are_no_sample_and_the_table_says_so():
    day = np.zeros(EXAMPLES, dtype=int)
    (table,) = judged(*seeds("a", 0.2), *seeds("b", 0.3), groups=day).tables

    assert [row.rank for row in table.rows] == [None, None]
    assert table.ranking.validation is None
    assert table.ranking.problem.startswith("validation: ")
    assert table.ranking.unranked == ()
    assert dict(compared(table))["not compared"] == table.ranking.problem


def test_days_of_alike_errors_make_intervals_wider():
    days = np.arange(EXAMPLES) // 20
    record = a_record("a", 0.3)
    level = np.repeat(np.random.default_rng(0).normal(scale=0.05, size=EXAMPLES // 20), 20)
    alike = {
        split: type(scores)((0.3 + level).astype("float32"), days, "the same")
        for split, scores in scores_of(record).items()
    }
    blocked = rows_of(judge(a_board(record), {key_of(record): alike}))["a"]
    single = rows_of(judged(record))["a"]

    assert blocked.validation["mae"].interval.half > 3 * single.validation["mae"].interval.half


def test_the_order_of_records_changes_no_digit():
    records = [*seeds("a", 0.3), *seeds("b", 0.3003), *seeds("c", 0.4)]
    first = judged(*records)
    for turn in range(3):
        random.Random(turn).shuffle(records)
        other = judged(*records)
        assert other == first
        assert repr(other.tables[0].rows) == repr(first.tables[0].rows)
