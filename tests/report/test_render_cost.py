"""The table of costs, and the mark of times that were taken while contended."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from builders import a_board, a_record, a_timed_record, beside, three_seeds
from reading import exact, said, shown

from bench.analysis.leaderboard import Leaderboard
from bench.protocol import FAILED
from bench.report.document import Place
from bench.report.figures import figures
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_json

MARK = "timed while other work ran on the machine"


def seeds(plugin: str, epochs: list[float], curve: list[float]) -> list:
    return [
        a_timed_record(plugin, curve, epoch, seed=seed, reference={"val_mae": 0.25})
        for seed, epoch in enumerate(epochs)
    ]


def a_quiet_board() -> Leaderboard:
    """A baseline that trains nothing, a good model, a slow and poor one, and a broken one."""
    naive = a_timed_record("jena_naive", [], seed=0, reference={})
    return a_board(
        naive,
        *seeds("jena_gru", [1.0, 2.0, 3.0], [0.31, 0.28, 0.26, 0.27]),
        a_timed_record("jena_slow", [0.31, 0.30], 600.0, reference={}),
        a_record("jena_broken", status=FAILED, reason="no"),
    )


def a_busy_board() -> Leaderboard:
    """One model timed alone, one beside another run, one with a seed of each."""
    quiet, busy = seeds("jena_both", [1.0, 5.0], [0.28])
    return a_board(
        a_timed_record("jena_quiet", [0.27], 10.0),
        beside(a_timed_record("jena_busy", [0.25], 5.0), shared=True),
        quiet,
        beside(busy, others_cpu=0.4),
    )


def tables(board: Leaderboard) -> list[list[dict[str, str]]]:
    """The rows of the table of ranks and of that of costs, as a page shows them."""
    return [*map(shown, leaderboard_document(board).tables(Place.PAGE))]


def costs(board: Leaderboard) -> dict[str, dict[str, str]]:
    _, table = tables(board)
    return {row["plugin"]: row for row in table}


def told(board: Leaderboard, place: Place = Place.PAGE) -> str:
    return said(leaderboard_document(board), place)


def test_the_table_of_costs_says_where_the_time_goes_and_what_it_buys():
    found = costs(a_quiet_board())

    assert found["jena_gru"] == {
        "plugin": "jena_gru",
        "training": "9.8 s (5.4–14.2 s)",
        "start": "400 ms",
        "compile": "1.0 s",
        "first epoch": "3.0 s",
        "epoch": "2.0 s (1.0–3.0 s)",
        "per 1,000 predictions": "200 ms",
        "peak memory": "900 MiB",
        "time to baseline": "5.4 s, 3 of 3 seeds",
        "time to published best": "0 of 3 seeds",
        "on the frontier": "yes",
    }
    assert found["jena_slow"]["training"] == "22.0 min"
    assert found["jena_slow"]["time to baseline"] == "0 of 1 seed"
    assert found["jena_slow"]["on the frontier"] == ""


def test_it_stands_in_the_order_of_quality_and_leaves_out_what_has_no_result():
    board, table = tables(a_quiet_board())
    assert [row["plugin"] for row in board] == [
        "jena_gru",
        "jena_naive",
        "jena_slow",
        "jena_broken",
    ]
    assert [row["plugin"] for row in table] == ["jena_gru", "jena_naive", "jena_slow"]


def test_ends_that_are_written_alike_are_not_written_and_units_only_once_or_where_they_differ():
    same, apart = (
        costs(a_board(*seeds("m", epochs, [0.3])))["m"]["training"]
        for epochs in ([1.0, 1.00001], [1.0, 300.0])
    )
    assert same == "2.1 s"
    assert apart == "2.8 min (2.1 s–5.5 min)"


def test_a_sentence_says_what_is_reached_and_what_the_ranges_are():
    document = told(a_quiet_board())
    assert "first reaches the baseline's 0.2900 and the best published 0.2500" in document
    assert "95% confidence interval of the median" in document
    assert "shortest and the longest" in document
    alone = told(a_board(a_timed_record()))
    assert "95%" not in alone
    assert "shortest" not in alone


def test_without_a_target_no_time_is_given_to_it():
    found = costs(a_board(a_timed_record(trial={"source": "synthetic"})))
    assert not any(heading.startswith("time to") for heading in found["jena_gru"])


def test_a_table_without_results_has_no_costs():
    assert "Cost" not in told(a_board(a_record(status=FAILED)))
    assert "Cost" in told(a_board(a_record()))


def test_a_terminal_has_no_room_for_the_table_of_costs():
    document = leaderboard_document(a_quiet_board())
    (table,) = document.tables(Place.TERMINAL)
    assert "parameters" not in shown(table)[0]
    assert "Cost" not in told(a_quiet_board(), Place.TERMINAL)


# The mark


def test_times_that_were_taken_beside_other_work_are_marked_everywhere():
    board, _ = tables(a_busy_board())
    main = {row["plugin"]: row for row in board}
    found = costs(a_busy_board())

    assert (main["jena_busy"]["training"], main["jena_busy"]["per epoch"]) == ("6.5 s*", "5.0 s*")
    assert main["jena_quiet"]["training"] == "12.0 s"
    for heading in ("training", "start", "compile", "first epoch", "epoch"):
        assert found["jena_busy"][heading].endswith("*")
        assert "*" not in found["jena_quiet"][heading]
    assert found["jena_busy"]["peak memory"] == "900 MiB"
    assert found["jena_busy"]["time to published best"] == "6.5 s*, 1 of 1 seed"
    assert found["jena_busy"]["other work"] == "another run"
    assert found["jena_busy"]["on the frontier"] == "–"
    assert found["jena_quiet"]["on the frontier"] == ""


def test_of_a_row_with_quiet_trials_the_others_are_left_out_and_that_is_said():
    both = costs(a_busy_board())["jena_both"]
    assert both["training"] == "2.1 s"
    assert both["other work"] == "1 of 2 trials left out"
    assert "Contended trials are left out" in told(a_busy_board())


@pytest.mark.parametrize("place", [Place.TERMINAL, Place.PAGE])
def test_the_mark_is_explained_in_one_line_only_where_it_stands(place):
    explained = [line for line in told(a_busy_board(), place).split("\n") if MARK in line]
    assert len(explained) == 1
    assert explained[0].startswith("* ")
    assert MARK not in told(three_seeds(), place)
    assert "other work" not in told(three_seeds(), place)


# For other programs


@pytest.mark.parametrize("place", [Place.PAGE, Place.TERMINAL])
def test_peaks_of_an_earlier_meaning_are_left_out_with_a_line(place):
    old, new = seeds("jena_gru", [1.0, 1.0], [0.3, 0.2])
    old = replace(old, environment={**old.environment, "start": "fork"})
    assert "left out: 1 peak of forked trials without the pages" in told(a_board(old, new), place)
    assert costs(a_board(old))["jena_gru"]["peak memory"] == "–"
    assert "left out" not in told(a_board(new), place)


def test_csv_has_costs_as_plain_numbers_in_columns_of_their_own():
    lines = {line["plugin"]: line for line in exact(leaderboard_document(a_quiet_board()))}
    gru, broken = lines["jena_gru"], lines["jena_broken"]
    numbers = {
        "fit_seconds": 9.8,
        "fit_seconds_min": 5.4,
        "fit_seconds_max": 14.2,
        "start_seconds": 0.4,
        "compile_seconds": 1.0,
        "first_epoch_seconds": 3.0,
        "epoch_seconds": 2.0,
        "epoch_seconds_low": 1.0,
        "epoch_seconds_high": 3.0,
        "predict_per_1000_seconds": 0.2,
        "peak_rss_bytes": 900 * 1024**2,
        "to_baseline_seconds": 5.4,
        "to_baseline_reached": 3,
        "to_baseline_seeds": 3,
        "to_published_reached": 0,
        "to_published_seeds": 3,
        "quiet_trials": 3,
        "contended_trials": 0,
    }

    assert {name: float(gru[name]) for name in numbers} == pytest.approx(numbers)
    assert (gru["to_published_seconds"], gru["on_frontier"], gru["contended"]) == ("", "True", "")
    assert {broken[name] for name in numbers} == {""}


def test_json_has_costs_targets_and_why_times_are_marked():
    (table,) = json.loads(
        to_json(leaderboard_document(a_busy_board())), parse_constant=pytest.fail
    )["tables"]
    busy, quiet, both = table["rows"]

    assert table["targets"] == {"published": 0.25}
    assert busy["costs"]["contended"] == ["another run"]
    assert (busy["on_frontier"], quiet["on_frontier"]) == (None, False)
    assert both["costs"]["fit_seconds_range"] == pytest.approx([2.1, 2.1])
    assert both["costs"]["reached"]["published"] == {"seconds": None, "reached": 0, "seeds": 1}


# The picture


def texts(board: Leaderboard) -> list[str]:
    (svg,) = [svg for name, svg in figures(board).items() if name.endswith("-time.svg")]
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]


def test_the_legend_tells_what_was_timed_beside_other_work():
    shown = texts(a_busy_board())
    assert {"jena_busy", "jena_quiet", "contended"} <= {*shown}
    assert "nothing is both quicker and better" in shown
    assert not any("contended" in text for text in texts(a_quiet_board()))


def test_where_no_row_was_quiet_no_frontier_is_drawn_and_the_legend_says_so():
    shown = texts(a_board(beside(a_timed_record(), shared=True)))
    assert "contended: no frontier" in shown
    assert "nothing is both quicker and better" not in shown
