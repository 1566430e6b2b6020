"""What a table says of its ranks: how they were found, and what they could not tell."""

from __future__ import annotations

import json

import numpy as np
import pytest
from builders import a_board, a_record
from judged_world import EXAMPLES, evidence_of, judged, scores_of
from reading import said, shown

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.ranking import judge, key_of
from bench.records.record import Record
from bench.report.comparison import compared, pairs, reading_pairs
from bench.report.document import Place
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_json


def seeds(plugin: str, mean: float, count: int = 3, spread: float = 0.001) -> list[Record]:
    return [a_record(plugin, mean + spread * seed, seed=seed) for seed in range(count)]


def lines(board: Leaderboard) -> dict[str, str]:
    return dict(compared(board.tables[0]))


def test_the_method_is_told_with_its_numbers():
    said = lines(judged(*seeds("a", 0.2), *seeds("b", 0.3), *seeds("c", 0.4)))["ranks"]

    assert "3 pairs compared on the same validation examples and seeds" in said
    assert "resampled in single" in said
    assert "all tested together, 5% for the whole table" in said


def test_blocks_of_days_are_told_with_their_length():
    days = np.arange(EXAMPLES) // 4
    records = [*seeds("a", 0.2), *seeds("b", 0.3)]
    data = {**records[0].data, "metric": {**records[0].data["metric"], "groups": "days"}}
    records = [a_record(r.trial.plugin, 0.2, seed=r.trial.seed, data=data) for r in records]
    board = judge(a_board(*records), {key_of(r): scores_of(r, groups=days) for r in records})
    said = lines(board)["ranks"]

    assert f"of {EXAMPLES // 4:,};" in said
    assert " day" in said


def test_every_pair_is_shown_with_the_difference_that_it_would_have_shown():
    (table,) = judged(*seeds("a", 0.2), *seeds("b", 0.3), *seeds("c", 0.3001)).tables
    found = table.ranking.validation

    _, _, folded = pairs(table)
    assert [[cell.text for cell in row] for row in folded.table.rows] == [
        ["1", "a", "", "+", "+"],
        ["2", "b", f"{found.pair('a', 'b').detectable:.4f}", "", "."],
        ["3", "c", *(f"{found.pair('c', other).detectable:.4f}" for other in "ab"), ""],
    ]
    assert "80% power" in reading_pairs(table)


def test_a_table_that_no_one_could_read_has_no_matrix_and_one_seed_has_none():
    many = judged(*(record for n in range(41) for record in seeds(f"p{n:02}", 0.2, 2)))
    alone = judged(a_record("a", 0.3), a_record("b", 0.4))
    assert [pairs(board.tables[0]) for board in (many, alone)] == [[], []]


def test_what_is_only_unknown_is_named_with_the_seeds_that_would_tell():
    steady = [r for n in range(4) for r in seeds(f"p{n}", 0.2 + 0.03 * n)]
    wild = [a_record("wild", value, seed=n) for n, value in enumerate((0.15, 0.4, 0.5))]
    board = judged(*steady, *wild)
    needed = board.tables[0].ranking.validation.unknown["wild"].seeds

    assert f"wild (about {needed} seeds each): marked ?" in lines(board)["unknown"]
    assert shown(leaderboard_document(board).tables(Place.PAGE)[0])[-1]["rank"] == "1-5 ?"


def test_the_first_two_are_separated():
    said = lines(judged(*seeds("a", 0.2), *seeds("b", 0.3)))["first two"]
    assert said == "a and b differ by 0.1000, and are separated"


def test_how_many_seeds_would_separate_the_first_two():
    noisy = judged(*seeds("a", 0.2, spread=0.02), *seeds("b", 0.21, spread=0.02), noise=0.001)
    said = lines(noisy)["first two"]
    assert "and are not separated: about" in said
    assert said.endswith("seeds each would")


def test_no_number_of_seeds_helps_where_the_examples_are_too_few():
    said = lines(judged(*seeds("a", 0.3), *seeds("b", 0.3001), noise=0.5))["first two"]
    assert said.endswith("no number of seeds would, on these examples")


def test_one_seed_is_told():
    found = lines(judged(a_record("a", 0.3), a_record("b", 0.3001)))

    assert found["ranks"].startswith("none with one seed each: differences and intervals are of")
    assert found["first two"].endswith(
        "with one seed there is no telling how many would separate them"
    )


@pytest.mark.parametrize("place", [Place.TERMINAL, Place.PAGE])
def test_one_seed_gives_an_order_and_the_head_of_the_table_says_so(place):
    document = leaderboard_document(judged(a_record("a", 0.3), a_record("b", 0.6)))

    assert "One seed each: an order of these trained models and no ranks" in said(document, place)
    assert [row["order"] for row in shown(document.tables(place)[0])] == ["1.", "2."]


def test_a_row_of_one_seed_beside_others_is_named_with_the_mend():
    board = judged(*seeds("a", 0.2), *seeds("b", 0.3), a_record("c", 0.1))
    assert lines(board)["one seed"].startswith("c: not ranked")


def test_what_the_test_split_says_is_told_beside():
    apart, alike = (judged(*seeds("a", 0.2), *seeds("b", mean)) for mean in (0.3, 0.2001))

    assert lines(apart)["test split"].endswith("none is significantly better there than a")
    assert "no plugin is significantly better" in lines(alike)["test split"]


def test_rows_without_predictions_are_named_with_the_mend():
    old = seeds("old", 0.2)
    new = seeds("new", 0.3)
    said = lines(judge(a_board(*old, *new), evidence_of(*new)))["not ranked"]

    assert said.startswith("old: ")
    assert "--reuse never" in said


def test_of_many_rows_without_predictions_some_are_named():
    records = [a_record(f"p{number}", 0.3) for number in range(9)]
    said = lines(judge(a_board(*records), {}))["not ranked"]
    assert said.startswith("p0, p1, p2, p3, p4, p5 and 3 more: ")


def test_a_board_that_was_not_judged_says_nothing():
    assert compared(a_board(a_record()).tables[0]) == []


@pytest.mark.parametrize("place", [Place.TERMINAL, Place.PAGE])
def test_people_see_ranks_intervals_and_how_they_came_about(place):
    board = judged(*seeds("a", 0.3), *seeds("b", 0.3001), *seeds("c", 0.5))
    document = leaderboard_document(board)
    first, *_, last = shown(document.tables(place)[0])

    assert first["rank"] == "1-2 best"
    assert last["validation MAE"].startswith("0.5010 ± 0.0")
    told = said(document, place)
    assert "95% confidence interval over seeds and examples" in told
    assert "tested together" in told


def test_json_has_the_comparison_as_numbers():
    document = json.loads(to_json(leaderboard_document(judged(*seeds("a", 0.2), *seeds("b", 0.3)))))
    (table,) = document["tables"]

    assert table["comparison"]["first_two"]["separated"] is True
    assert table["comparison"]["best"] == ["a"]
    assert table["rows"][0]["rank"] == {"low": 1, "high": 1}
    assert table["rows"][0]["validation"]["mae"]["interval"]["seeds"] == 3
