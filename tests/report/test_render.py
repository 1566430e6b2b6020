"""A leaderboard in markdown and on a terminal: no text that it has to show can break it."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest
from builders import AWKWARD, a_board, a_record, board_with, three_seeds
from judged_world import judged, judged_board
from reading import markdown_rows, markdown_tables

from bench.analysis.leaderboard import Leaderboard, Spread, make_leaderboard
from bench.formatting import count, duration, metric_name, one_line, size
from bench.protocol import FAILED, SKIPPED
from bench.report.columns import noise as noise_from
from bench.report.columns import over_seeds, quality
from bench.report.writers import escape_markdown, to_csv, to_html, to_json, to_markdown, to_text


def test_markdown_shows_quality_difference_published_costs_seeds_and_status():
    with_ranks = judged_board(three_seeds())
    half = {unit: s.interval.half for unit, s in with_ranks.tables[0].rows[0].validation.items()}
    board, _ = markdown_tables(to_markdown(with_ranks))
    first, second, broken, skipped = markdown_rows(board)

    assert first == {
        "rank": "1 best",
        "plugin": "jena_gru",
        "validation MAE": f"0.2630 ± {half['mae']:.4f}",
        "validation MAE (°C)": f"2.33 ± {half['mae_degC']:.2f}",
        "test MAE": first["test MAE"],
        "against baseline": "-0.0300",
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
    assert second["rank"] == "2"
    assert (second["plugin"], second["against baseline"]) == ("jena_naive", "baseline")
    assert broken["rank"] == broken["validation MAE"] == broken["training"] == "–"
    assert broken["status"] == "failed: jena_broken.py:8: ValueError: no"
    assert skipped["status"] == "skipped: needs sklearn, not installed here"


def test_a_figure_that_was_not_judged_shows_no_interval():
    assert "±" not in to_markdown(three_seeds())
    assert "±" in to_markdown(judged_board(three_seeds()))


def test_the_larger_part_of_a_figures_error_is_named():
    def found(spread, noise):
        records = [a_record(quality=0.3 + spread * seed, seed=seed) for seed in range(3)]
        (row,) = judged(*records, noise=noise).tables[0].rows
        return noise_from(row, "mae")

    assert found(spread=0.05, noise=0.001).startswith("seeds ")
    assert found(spread=0.0001, noise=0.3).startswith("examples ")
    assert noise_from(judged(a_record()).tables[0].rows[0], "mae") == "one seed"
    assert noise_from(a_board(a_record()).tables[0].rows[0], "mae") == "–"


@pytest.mark.parametrize("text", AWKWARD)
def test_no_text_can_break_a_markdown_table(text):
    document = to_markdown(board_with(text))
    (heads, rule, first, second), costs = markdown_tables(document)

    assert {len(heads), len(rule), len(first), len(second)} == {14}
    assert first[heads.index("plugin")] == one_line(f"{text} ({text}={text})")
    assert second[heads.index("status")] == one_line(f"failed: {text}")
    assert [len(line) for line in costs] == [10] * 3
    assert markdown_rows(costs)[0]["plugin"] == one_line(f"{text} ({text}={text})")
    assert "<" not in document
    assert document.encode()


def test_a_very_long_reason_is_cut_in_the_table():
    board = a_board(a_record(status=FAILED, reason="too | long " * 200))
    ((row,),) = map(markdown_rows, markdown_tables(to_markdown(board)))
    status = row["status"]
    assert len(status) == 160
    assert status.endswith("…")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("__init__", r"\_\_init\_\_"),
        ("a|b*c`d", r"a\|b\*c\`d"),
        ("[x] ~y~ $z$", r"\[x\] \~y\~ \$z\$"),
        ("<b> & \\", r"&lt;b&gt; &amp; \\"),
    ],
)
def test_what_means_something_in_markdown_is_escaped(text, written):
    assert escape_markdown(text) == written


@pytest.mark.parametrize("name", ["imdb_conv1d", "val_mae"])
def test_an_underscore_within_a_name_stays_readable(name):
    assert escape_markdown(name) == name


def test_numbers_stand_right_and_names_left():
    board, costs = (
        ["right" if cell.endswith(":") else "left" for cell in table[1]]
        for table in markdown_tables(to_markdown(three_seeds()))
    )
    assert board == ["right", "left", *["right"] * 9, "left", "left", "left"]
    assert costs == ["left", *["right"] * 9, "left"]


def test_under_a_table_stands_where_its_numbers_come_from():
    document = to_markdown(a_board(a_record()))
    for line in (
        "- machine: A Processor @ 3 GHz, 2 cores, 8.00 GiB, Linux 6.1",
        "- versions: python 3.11.9, keras 3.15.0, numpy 2.4.0, tensorflow 2.21.0, suite 0.1.0",
        "- data: local, f00d, task version 1",
        "- profile: quick, 3,000 validation and test examples scored",
        "- commit: 0123456789ab",
        "- command: python -m bench run --all",
    ):
        assert line in document.split("\n")


def test_a_table_of_several_runs_names_each_command_and_commit_once():
    other = {"commit": "feed", "dirty": True, "command": "python -m bench run a"}
    second = a_record("a", seed=1)
    second = replace(second, environment={**second.environment, **other})
    document = to_markdown(a_board(a_record("b"), a_record("c"), second))
    assert "- commit: feed with uncommitted changes; 0123456789ab" in document or (
        "- commit: 0123456789ab; feed with uncommitted changes" in document
    )


def test_versions_are_those_behind_the_numbers_each_named_once():
    other = {"keras": "3.16.0", "numpy": "2.4.0", "tensorflow": "2.21.0"}
    absent = {**other, "sklearn": "absent"}
    document = to_markdown(
        a_board(
            a_record("a"),
            a_record("b", trial={"versions": other}),
            a_record("c", status=SKIPPED, reason="needs sklearn", trial={"versions": absent}),
        )
    )
    assert (
        "- versions: python 3.11.9, keras 3.15.0 and 3.16.0, numpy 2.4.0, tensorflow 2.21.0, "
        "suite 0.1.0\n"
    ) in document


def test_a_commit_that_is_not_known_is_said_to_be_none():
    bare = replace(a_record(), environment={})
    assert "- commit: none (not in a repository)" in to_markdown(a_board(bare))


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text])
def test_one_sentence_says_how_many_records_are_left_out_and_why(render):
    old = [a_record(seed=s, minute=1, trial={"plugin_sha256": "old"}) for s in range(2)]
    records = [*old, a_record(minute=2), a_record(minute=3)]
    document = html.unescape(render(make_leaderboard(records, unreadable=1)))

    assert (
        "Left out: 1 record replaced by a newer result of the same trial, "
        "2 records of an older version of the plugin's source, 1 file that cannot be read."
    ) in document
    assert "Left out" not in render(a_board(a_record()))


@pytest.mark.parametrize("render", [to_markdown, to_html])
def test_an_empty_leaderboard_says_so(render):
    assert "No records yet." in render(Leaderboard(()))


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text])
def test_a_table_of_made_data_says_so_above_it(render):
    record = a_record(trial={"source": "synthetic"})
    text = render(a_board(replace(record, data={**record.data, "why": "no files found"})))
    above = text[: text.index("jena_gru")]
    assert "jena, synthetic data, quick profile" in above
    assert "Data: synthetic: no files found." in above


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text])
def test_what_was_repaired_or_left_out_of_the_data_stands_above_the_table(render):
    record, notes = a_record(), ["left out: 3 rows\x1b[31m", "<b>split</b> in half.", 7]
    text = render(a_board(replace(record, data={**record.data, "meta": {"notes": notes}})))
    above = html.unescape(text[: text.index("jena_gru")])
    assert ". Left out: 3 rows" in above
    assert "split" in above
    assert "in half." in above
    assert "\x1b" not in above
    assert "<b>" not in text or render is to_text

    for meta in (None, [], {"notes": "abc"}, {"notes": {"a": 1}}):
        plain = render(a_board(replace(record, data={**record.data, "meta": meta})))
        assert plain == render(a_board(replace(record, data={**record.data, "meta": {}})))


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text])
def test_published_figures_stand_beside_real_data_and_never_beside_made_data(render):
    real, made = (render(a_board(a_record(trial={"source": s}))) for s in ("local", "synthetic"))
    assert "published" in real
    assert "0.2635" in real
    assert "published" not in made.lower()
    assert "0.2635" not in made


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text, to_csv, to_json])
def test_a_reused_row_and_a_later_failure_are_marked(render):
    record = a_record()
    late = a_record(minute=1, status="timeout", reason="took longer than 1 s")
    reused = render(a_board(record, reused=(record.identity,)))
    assert "reused" in reused
    assert "a later attempt: timeout: took longer than 1 s" in render(a_board(record, late))


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
    document = to_markdown(a_board(a_record(reference=reference)))
    (row,), _ = map(markdown_rows, markdown_tables(document))
    assert row["published"] == cell


# Terminal


@pytest.mark.parametrize("text", AWKWARD)
def test_terminal_text_has_no_control_characters_and_a_line_a_row(text):
    printed = to_text(board_with(text))
    allowed = "\n\u200d"
    assert all(c.isprintable() or c in allowed for c in printed)
    assert len(printed.split("\n")) == 3 + 3 + 2 + 2
    assert printed.encode()


def test_terminal_columns_line_up():
    lines = to_text(judged_board(three_seeds())).split("\n")
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    ends = {line.index(" ± ") for line in lines[rule + 1 : rule + 3]}
    assert len(ends) == 1
    assert max(map(len, lines[: rule + 5])) < 170


def test_several_tables_stand_apart():
    board = a_board(a_record(), a_record("x", trial={"task": "imdb"}))
    assert "\n\njena, local data" in to_text(board)


# Cells


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.00012, "0.1 ms"),
        (0.2, "200 ms"),
        (0.9996, "1.0 s"),
        (119.96, "2.0 min"),
        (7199, "2.0 h"),
    ],
)
def test_seconds(seconds, text):
    assert duration(seconds) == text


def test_bytes_and_counts():
    assert (size(None), size(900 * 1024**2), size(1.5 * 1024**3)) == ("–", "900 MiB", "1.50 GiB")
    assert (count(None), count(0), count(1234567)) == ("–", "0", "1,234,567")


def test_a_line_of_text():
    assert one_line(" a\n\tb\x1b\u202e\ud800 ") == "a b???"
    assert one_line("\U0001f469\u200d\U0001f52c °") == "\U0001f469\u200d\U0001f52c °"
    assert (one_line("12345", 5), one_line("123456", 5)) == ("12345", "1234…")


def test_figures():
    assert quality(None, "mae") == "–"
    assert quality(Spread(0.26, None, 1), "mae") == "0.2600"
    assert over_seeds(Spread(2.571, 0.02, 3), "mae_degC") == "2.57 ± 0.02"
    assert over_seeds(Spread(2.571, None, 1), "mae_degC") == "2.57"
    assert (metric_name("mae_degC"), metric_name("accuracy")) == ("MAE (°C)", "accuracy")
