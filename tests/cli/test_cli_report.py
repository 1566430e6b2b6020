"""Rendering the store again: formats, filters, and what is left out."""

from __future__ import annotations

import json

import pytest
from builders import a_record

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
        ("board.txt", "jena, local data"),
    ],
)
def test_the_ending_of_the_output_file_decides_the_format(report, tmp_path, name, start):
    Store(tmp_path).write(a_record())
    out, _ = report("--output", tmp_path / name)

    assert out == ""
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_every_format_of_the_writers_can_be_asked_for():
    assert (*writers.FORMATS,) == cli_report.FORMATS


def test_filters_keep_the_tables_asked_for(report, tmp_path):
    store = Store(tmp_path)
    store.write(a_record(trial={"profile": "full"}))
    store.write(a_record(trial={"profile": "quick"}))
    out, _ = report("--profile", "full", "--format", "json")

    assert [table["profile"] for table in json.loads(out)["tables"]] == ["full"]
