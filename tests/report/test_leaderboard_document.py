"""The leaderboard as a document: what it shows people, and what it gives other programs."""

from __future__ import annotations

import html
import json
from dataclasses import replace

import pytest
from builders import JENA_METRIC, a_board, a_record, three_seeds
from judged_world import judged, judged_board
from reading import exact, said, shown

from bench.analysis.leaderboard import Leaderboard, Spread, make_leaderboard
from bench.protocol import SKIPPED
from bench.report.columns import noise as noise_from
from bench.report.columns import over_seeds, quality
from bench.report.document import Place
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import FORMATS, to_html_part, to_json, to_markdown, to_text

PEOPLE = (Place.TERMINAL, Place.PAGE)


def test_a_page_shows_quality_difference_published_costs_seeds_and_status():
    with_ranks = judged_board(three_seeds())
    half = {unit: s.interval.half for unit, s in with_ranks.tables[0].rows[0].validation.items()}
    board, *_ = leaderboard_document(with_ranks).tables(Place.PAGE)
    first, second, broken, skipped = shown(board)

    assert first == {
        "rank": "1 best",
        "plugin": "jena_gru",
        "validation MAE": f"0.2630 ± {half['mae']:.4f}",
        "validation MAE (°C)": f"2.33 ± {half['mae_degC']:.2f}",
        "test MAE": first["test MAE"],
        "against baseline": first["against baseline"],
        "published": "0.2635",
        "training": "11.5 s",
        "per epoch": "2.5 s",
        "peak memory": "900 MiB",
        "parameters": "4,673",
        "seeds": "0, 1, 2",
        "noise from": first["noise from"],
        "status": "ok",
    }
    assert first["test MAE"].startswith("0.2762 ± 0.0")
    assert first["noise from"].startswith("examples ")
    assert first["against baseline"].startswith("-0.0300 ± 0.0")
    assert second["rank"] == "2"
    assert (second["plugin"], second["against baseline"]) == ("jena_naive", "baseline")
    assert broken["rank"] == broken["validation MAE"] == broken["training"] == "–"
    assert broken["status"] == "failed: jena_broken.py:8: ValueError: no"
    assert skipped["status"] == "skipped: needs sklearn, not installed here"


def test_a_figure_that_was_not_judged_shows_no_interval():
    before, judged_ = map(leaderboard_document, (three_seeds(), judged_board(three_seeds())))
    assert "±" not in to_markdown(before)
    assert "±" in to_markdown(judged_)


def test_the_larger_part_of_a_figures_error_is_named():
    def found(spread, noise):
        records = [a_record(quality=0.3 + spread * seed, seed=seed) for seed in range(3)]
        (row,) = judged(*records, noise=noise).tables[0].rows
        return noise_from(row, "mae")

    assert found(spread=0.05, noise=0.001).startswith("seeds ")
    assert found(spread=0.0001, noise=0.3).startswith("examples ")
    assert noise_from(judged(a_record()).tables[0].rows[0], "mae") == "one seed"
    assert noise_from(a_board(a_record()).tables[0].rows[0], "mae") == "–"


def test_numbers_stand_right_and_names_left():
    board, costs = (
        ["right" if column.is_number else "left" for column in table.columns]
        for table in leaderboard_document(three_seeds()).tables(Place.PAGE)
    )
    assert board == ["right", "left", *["right"] * 9, "left", "left", "left"]
    assert costs == ["left", *["right"] * 9, "left"]


def test_under_a_table_stands_where_its_numbers_come_from():
    document = said(leaderboard_document(a_board(a_record())), Place.PAGE)
    for line in (
        "machine: A Processor @ 3 GHz, 2 cores, 8.00 GiB, Linux 6.1",
        "versions: python 3.11.9, keras 3.15.0, numpy 2.4.0, tensorflow 2.21.0, suite 0.1.0",
        "data: official, f00d, task version 1",
        "profile: quick, 3,000 validation and test examples scored",
        "commit: 0123456789ab",
        "command: python -m bench run --all",
    ):
        assert line in document.split("\n")


def test_a_table_of_several_runs_names_each_command_and_commit_once():
    other = {"commit": "feed", "dirty": True, "command": "python -m bench run a"}
    second = a_record("a", seed=1)
    second = replace(second, environment={**second.environment, **other})
    board = a_board(a_record("b"), a_record("c"), second)
    document = said(leaderboard_document(board), Place.PAGE)
    assert "commit: feed with uncommitted changes; 0123456789ab" in document or (
        "commit: 0123456789ab; feed with uncommitted changes" in document
    )


def test_versions_are_those_behind_the_numbers_each_named_once():
    other = {"keras": "3.16.0", "numpy": "2.4.0", "tensorflow": "2.21.0"}
    absent = {**other, "sklearn": "absent"}
    board = a_board(
        a_record("a"),
        a_record("b", trial={"versions": other}),
        a_record("c", status=SKIPPED, reason="needs sklearn", trial={"versions": absent}),
    )
    document = said(leaderboard_document(board), Place.PAGE)
    assert (
        "versions: python 3.11.9, keras 3.15.0 and 3.16.0, numpy 2.4.0, tensorflow 2.21.0, "
        "suite 0.1.0\n"
    ) in document


def test_a_commit_that_is_not_known_is_said_to_be_none():
    bare = replace(a_record(), environment={})
    assert "commit: none (not in a repository)" in said(
        leaderboard_document(a_board(bare)), Place.PAGE
    )


@pytest.mark.parametrize("place", PEOPLE)
def test_one_sentence_says_how_many_records_are_left_out_and_why(place):
    old = [a_record(seed=s, minute=1, trial={"plugin_sha256": "old"}) for s in range(2)]
    records = [*old, a_record(minute=2), a_record(minute=3)]
    board = make_leaderboard(records, unreadable=1)

    assert (
        "Left out: 1 record replaced by a newer result of the same trial, "
        "2 records of another version of the plugin's source, 1 file that cannot be read."
    ) in said(leaderboard_document(board), place)
    assert "Left out" not in said(leaderboard_document(a_board(a_record())), place)


def test_an_empty_leaderboard_says_so_on_a_page():
    assert said(leaderboard_document(Leaderboard(())), Place.PAGE) == "No records yet."


@pytest.mark.parametrize("place", PEOPLE)
def test_a_table_of_synthetic_data_says_so_above_it(place):
    record = a_record(trial={"source": "synthetic"})
    board = a_board(replace(record, data={**record.data, "why": "no files found"}))
    (section,) = leaderboard_document(board).sections
    heading, data, *_ = section.standing(place)
    assert heading.text == "jena, synthetic data, quick profile"
    assert data.text == "Data: synthetic: no files found."


@pytest.mark.parametrize("render", [to_markdown, to_text])
def test_published_figures_stand_beside_official_data_and_beside_no_others(render):
    real, made = (
        render(leaderboard_document(a_board(a_record(trial={"source": source}))))
        for source in ("official", "synthetic")
    )
    assert "published" in real
    assert "0.2635" in real
    assert "published" not in made.lower()
    assert "0.2635" not in made
    of_ones_own = a_board(a_record(trial={"source": "local"}))
    assert "0.2635" not in render(leaderboard_document(of_ones_own))


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_a_reused_row_and_a_later_failure_are_marked(render):
    record = a_record()
    late = a_record(minute=1, status="timeout", reason="took longer than 1 s")
    reused = render(leaderboard_document(a_board(record, reused=(record.identity,))))
    assert "reused" in reused
    later = render(leaderboard_document(a_board(record, late)))
    assert "a later attempt: timeout: took longer than 1 s" in later


@pytest.mark.parametrize(
    ("reference", "cell"),
    [
        ({"val_mae": 0.2635, "test_mae": 0.3}, "0.2635"),
        ({"test_mae": 0.3}, "0.3000 (test)"),
        ({"val_mae_degC": 2.57}, "–"),
        ({}, "–"),
    ],
)
def test_the_published_figure_is_of_validation_or_says_that_it_is_not(reference, cell):
    document = leaderboard_document(a_board(a_record(reference=reference)))
    (row,), _ = map(shown, document.tables(Place.PAGE))
    assert row["published"] == cell


def test_terminal_columns_line_up():
    lines = to_text(leaderboard_document(judged_board(three_seeds()))).split("\n")
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    ends = {line.index(" ± ") for line in lines[rule + 1 : rule + 3]}
    assert len(ends) == 1
    assert max(map(len, lines[: rule + 5])) < 170


def test_several_tables_stand_apart():
    board = a_board(a_record(), a_record("x", trial={"task": "imdb"}))
    assert "\n\njena, official data" in to_text(leaderboard_document(board))


# Cells


def test_figures():
    assert quality(None, "mae").text == "–"
    assert quality(Spread(0.26, None, 1), "mae").text == "0.2600"
    assert over_seeds(Spread(2.571, 0.02, 3), "mae_degC").text == "2.57 ± 0.02"
    assert over_seeds(Spread(2.571, None, 1), "mae_degC").text == "2.57"
    assert over_seeds(None, "mae").text == "–"


# For other programs


def test_csv_has_a_line_a_row_with_plain_numbers():
    document = leaderboard_document(judged_board(three_seeds()))
    lines = {line["plugin"]: line for line in exact(document)}
    gru, broken = lines["jena_gru"], lines["jena_broken"]

    assert (gru["rank"], gru["rank_low"], gru["rank_high"]) == ("1", "1", "1")
    assert (gru["is_best"], gru["parameters"], gru["seeds"]) == ("True", "4673", "0 1 2")
    assert float(gru["validation_mae_low"]) < 0.263 < float(gru["validation_mae_high"])
    assert float(gru["validation_mae"]) == pytest.approx(0.263)
    assert float(gru["validation_mae_sd"]) == pytest.approx(0.003)
    assert float(gru["fit_seconds"]) == 11.5
    assert (gru["source"], gru["status"]) == ("official", "ok")
    assert (broken["rank"], broken["validation_mae"], broken["status"]) == ("", "", "failed")


def test_json_has_rows_and_provenance():
    text = to_json(leaderboard_document(judged_board(three_seeds())))
    (table,) = json.loads(text, parse_constant=pytest.fail)["tables"]
    assert table["source"] == "official"
    assert table["units"] == JENA_METRIC["units"]
    assert table["provenance"]["command"] == "python -m bench run --all"
    ranks = [row["rank"] and row["rank"]["low"] for row in table["rows"]]
    assert ranks == [1, 2, None, None]
    assert table["rows"][0]["validation"]["mae"]["count"] == 3


@pytest.mark.parametrize("write", [to_markdown, to_html_part, to_text])
def test_what_was_repaired_or_left_out_of_the_data_stands_above_the_table(write):
    def render(meta: object) -> str:
        made = a_record()
        board = a_board(replace(made, data={**made.data, "meta": meta}))
        return write(leaderboard_document(board))

    text = render({"notes": ["left out: 3 rows\x1b[31m", "<b>split</b> in half.", 7]})
    above = html.unescape(text[: text.index("jena_gru")])
    assert ". Left out: 3 rows" in above
    assert "split" in above
    assert "in half." in above
    assert "\x1b" not in above
    assert "<b>" not in text or write is to_text

    for meta in (None, [], {"notes": "abc"}, {"notes": {"a": 1}}):
        assert render(meta) == render({})
