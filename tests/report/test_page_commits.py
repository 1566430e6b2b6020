"""What a page tells of a plugin from commit to commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_board, a_record
from reading import said, shown

from bench.protocol import FAILED
from bench.report.document import CellTable, Document, Place, Section
from bench.report.page.commits import course_of, drawn_course, history


def at_commit(commit: str, minute: int, quality: float, seed: int = 0, **environment):
    trial = {"plugin_sha256": environment.pop("source", "5ha")}
    record = a_record("jena_gru", quality, seed=seed, minute=minute, trial=trial)
    about = {**record.environment, "commit": commit, **environment}
    return replace(record, environment=about, timing={**record.timing, "fit": 10.0 + minute})


def another_machine() -> dict:
    return {"machine": {**a_record().environment["machine"], "processor": "Another"}}


def told(*records) -> Document:
    """The part of a panel that tells of these records, all of one row."""
    (table,) = a_board(*records).tables
    (row,) = table.rows
    blocks = history([(table, row, course_of(table))])
    return Document("a page", (Section(tuple(blocks)),))


def lines(*records) -> list[dict[str, str]]:
    (table,) = told(*records).tables(Place.PAGE)
    return shown(table)


def test_superseded_results_stand_at_their_commit_in_the_order_of_time():
    found = lines(
        at_commit("ccccccccccc1", 9, 0.25, source="new"),
        at_commit("aaaaaaaaaaa1", 1, 0.30, seed=0),
        at_commit("aaaaaaaaaaa1", 2, 0.32, seed=1),
        at_commit("bbbbbbbbbbb1", 5, 0.28, source="new", dirty=True),
    )

    assert [(line["commit"], line["changed"], line["seeds"]) for line in found] == [
        ("aaaaaaaaaaa1", "", "2"),
        ("bbbbbbbbbbb1, edited", "source", "1"),
        ("ccccccccccc1", "", "1"),
    ]
    assert found[0]["validation MAE"] == "0.3100 ± 0.0141"
    assert found[0]["measured"] == "2025-01-02 03:02"


def test_of_a_seed_that_was_trained_again_at_a_commit_the_newest_counts_and_failures_do_not():
    failed = replace(at_commit("bbbbbbbbbbb1", 4, 0.5), status=FAILED, metrics={})
    found = lines(
        at_commit("aaaaaaaaaaa1", 1, 0.9),
        at_commit("aaaaaaaaaaa1", 2, 0.3),
        failed,
        at_commit("ccccccccccc1", 5, 0.2),
    )

    assert [line["validation MAE"] for line in found] == ["0.3000", "0.2000"]


def test_times_of_two_machines_stand_in_columns_of_their_own():
    there = at_commit("bbbbbbbbbbb1", 2, 0.29, **another_machine())
    records = at_commit("aaaaaaaaaaa1", 1, 0.3), there, at_commit("ccccccccccc1", 3, 0.28)
    found = lines(*records)
    (table,) = a_board(*records).tables
    drawn = drawn_course(course_of(table))

    assert [line["training, A"] for line in found] == ["11.0 s", "–", "13.0 s"]
    assert [line["training, B"] for line in found] == ["–", "12.0 s", "–"]
    assert "B: Another" in said(told(*records), Place.PAGE)
    assert [point["times"] for point in drawn["history"]["jena_gru"]] == [
        {"A": 11.0},
        {"B": 12.0},
        {"A": 13.0},
    ]


@pytest.mark.parametrize(
    ("commit", "line"),
    [("aaaaaaaaaaa1", "since commit aaaaaaaaaaa1"), (None, "no commit is recorded")],
)
def test_one_commit_is_a_line_and_no_picture(commit, line):
    record = at_commit(commit, 1, 0.3)
    document = told(record)
    (table,) = a_board(record).tables

    assert line in said(document, Place.PAGE)
    assert not any(isinstance(block, CellTable) for block in document.sections[0].blocks)
    assert drawn_course(course_of(table)) == {}


def test_two_configurations_of_one_commit_have_names_of_their_own_in_the_picture():
    one, other = at_commit("aaaaaaaaaaa1", 1, 0.3), at_commit("aaaaaaaaaaa1", 2, 0.2, source="new")
    (table,) = a_board(one, other).tables

    points = drawn_course(course_of(table))["history"]["jena_gru"]
    assert [point["at"] for point in points] == ["aaaaaaa", "aaaaaaa (2)"]
    assert points[1]["changed"] == "source"
