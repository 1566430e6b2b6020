"""Rendering the store again: formats, filters, and what is left out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_record
from command_line import call, complaint

from bench.cli import main
from bench.cli import report as cli_report
from bench.records.store import Store
from bench.report import writers


@pytest.fixture
def report(tmp_path, capsys):
    """Run ``report`` on the records of a store; return its two outputs."""

    def run(*words: object) -> tuple[str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["report", "--results", str(tmp_path), *map(str, words)])
        assert exit_.value.code == 0
        printed = capsys.readouterr()
        return printed.out, printed.err

    return run


SENTENCE = (
    "Left out: 1 record of another version of the plugin's source, 1 file that cannot be read."
)


@pytest.mark.parametrize(("form", "in_document"), [("text", True), ("csv", False), ("json", False)])
def test_what_is_left_out_is_counted_in_the_document_or_on_standard_error(
    report, tmp_path, form, in_document
):
    store = Store(tmp_path)
    store.write(a_record(minute=1, trial={"plugin_sha256": "old"}))
    path = store.write(a_record(minute=2))
    path.with_name("short.json").write_text("{")
    out, err = report("--format", form)

    assert "jena_gru" in out
    assert (SENTENCE in out, SENTENCE in err) == (in_document, not in_document)
    assert "short.json: is not a whole JSON document" in err


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("board.md", "# Leaderboard"),
        ("board.html", "<!doctype html>"),
        ("board.csv", "task,"),
        ("board.json", "{"),
        ("board.txt", "jena, official data"),
    ],
)
def test_the_ending_of_the_output_file_decides_the_format(report, tmp_path, name, start):
    Store(tmp_path).write(a_record())
    out, _ = report("--output", tmp_path / name)

    assert out == ""
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_an_ending_that_is_no_format_is_refused_with_those_that_are(tmp_path, capsys):
    Store(tmp_path).write(a_record())
    line = complaint(capsys, "report", "--results", tmp_path, "--output", tmp_path / "board.pdf")

    assert "board.pdf: .pdf is not written; end it with .txt, .md, .markdown, .html" in line
    assert not (tmp_path / "board.pdf").exists()


def test_a_format_beside_the_ending_of_another_is_refused(tmp_path, capsys):
    Store(tmp_path).write(a_record())
    words = ["--results", tmp_path, "--format", "csv", "--output", tmp_path / "board.html"]
    line = complaint(capsys, "report", *words)

    assert "board.html: its ending asks for html and --format for csv; change one" in line
    assert not (tmp_path / "board.html").exists()


@pytest.mark.parametrize(
    ("words", "name", "start"),
    [
        (["--format", "md"], "summary", "# Leaderboard"),
        (["--format", "md"], "board.out", "# Leaderboard"),
        (["--format", "html"], "board.HTM", "<!doctype html>"),
        ([], "summary", "jena, official data"),
    ],
)
def test_a_format_decides_where_the_ending_does_not(report, tmp_path, words, name, start):
    Store(tmp_path).write(a_record())
    report(*words, "--output", tmp_path / name)

    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    ("words", "ending"), [(("run", "jena_gru"), ".md"), (("baseline",), ".json")]
)
def test_what_is_written_in_one_format_refuses_the_endings_of_others(
    tmp_path, capsys, words, ending
):
    Store(tmp_path).write(a_record())
    line = complaint(capsys, *words, "--results", tmp_path, "--output", tmp_path / "kept.html")

    assert f"kept.html: .html is not written; end it with {ending}" in line


def test_every_format_of_the_writers_can_be_asked_for():
    assert {*writers.FORMATS, "html"} == {*cli_report.FORMATS}


def test_filters_keep_the_tables_asked_for(report, tmp_path):
    store = Store(tmp_path)
    store.write(a_record(trial={"profile": "full"}))
    store.write(a_record(trial={"profile": "quick"}))
    out, _ = report("--profile", "full", "--format", "json")

    assert [table["profile"] for table in json.loads(out)["tables"]] == ["full"]


# Some plugins alone, and another order


@pytest.fixture
def three(tmp_path: Path) -> Path:
    store = Store(tmp_path / "three")
    for name, quality, seconds in (
        ("jena_naive", 0.29, 1.0),
        ("quick", 0.27, 2.0),
        ("slow", 0.26, 9.0),
    ):
        record = a_record(name, quality)
        store.write(replace(record, timing={**record.timing, "fit": seconds}))
    return store.root


def plugins_of(out: str) -> list[str]:
    return [row["plugin"] for row in csv.DictReader(io.StringIO(out))]


def test_named_plugins_are_shown_alone(three, capsys):
    _, out, _ = call(capsys, "report", "s*", "jena_naive", "--format", "csv", "--results", three)
    assert plugins_of(out) == ["slow", "jena_naive"]
    error = complaint(capsys, "report", "fast", "--task", "jena", "--results", three)
    assert "has no records for fast, --task jena" in error


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("fit_seconds", ["jena_naive", "quick", "slow"]),
        ("-fit_seconds", ["slow", "quick", "jena_naive"]),
        ("plugin", ["jena_naive", "quick", "slow"]),
        ("-validation_mae", ["jena_naive", "quick", "slow"]),
    ],
)
def test_rows_stand_in_the_order_of_a_column(three, capsys, column, expected):
    words = ("report", "--sort", column, "--results", three)
    _, out, _ = call(capsys, *words, "--format", "csv")
    assert plugins_of(out) == expected
    _, out, _ = call(capsys, *words)
    assert f"In the order of --sort {column}, ranked by validation MAE" in out


def test_an_unknown_column_is_answered_with_the_nearest(three, capsys):
    error = complaint(capsys, "report", "--sort", "fitseconds", "--results", three)
    assert "--sort fitseconds: there is no such column (did you mean 'fit_seconds'?)" in error


@pytest.mark.parametrize("words", [["report"], ["show", "jena_gru"]])
def test_a_fresh_clone_shows_the_published_records_until_it_has_its_own(
    tmp_path, monkeypatch, capsys, words
):
    monkeypatch.chdir(tmp_path)
    Store(tmp_path / "reports" / "records").write(a_record("jena_gru", 0.2612))
    status, out, err = call(capsys, *words)

    assert (status, "0.2612" in out) == (0, True)
    published = Path("reports", "records")
    assert f"reports has no records of its own yet; these are those of {published}" in err

    Store(tmp_path / "reports").write(a_record("jena_gru", 0.2834))
    status, out, err = call(capsys, *words)

    assert (status, "0.2834" in out, "0.2612" in out) == (0, True, False)
    assert "of its own yet" not in err
