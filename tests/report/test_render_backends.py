"""Backends side by side as text, markdown, CSV and JSON, and ``report --backends``."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from builders import AWKWARD, a_board, a_record, a_timed_record, beside
from command_line import report_on
from judged_world import judged

from bench.analysis.backends import BackendTable, side_by_side
from bench.records.record import Record
from bench.report import backends as render


def trained(backend: str, epoch: float, plugin: str = "jena_gru", **trial: Any) -> list[Record]:
    return [
        a_timed_record(
            plugin,
            (0.4, 0.35, 0.3, 0.26 + 0.001 * seed),
            epoch + 0.01 * seed,
            seed=seed,
            trial={"backend": backend, **trial},
        )
        for seed in range(3)
    ]


@pytest.fixture
def records() -> list[Record]:
    """One plugin with a fastest backend, one timed beside other work, one on one backend."""
    busy = [beside(r, others_cpu=0.5) for r in trained("jax", 1.0, "jena_dense")]
    return [
        *trained("tensorflow", 2.8),
        *trained("jax", 2.0),
        *trained("tensorflow", 2.0, "jena_dense"),
        *busy,
        *trained("tensorflow", 2.0, "jena_conv1d"),
    ]


@pytest.fixture
def story(records) -> tuple[BackendTable, ...]:
    return side_by_side(judged(*records))


def rows(document: str) -> dict[tuple[str, str], list[str]]:
    """Return the cells of each line of a table, by plugin and backend."""
    found, plugin = {}, ""
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[1] in ("tensorflow", "jax"):
            plugin = cells[0] or plugin
            found[plugin, cells[1]] = cells[2:]
    return found


def test_the_document_shows_each_backend_the_winner_and_why_there_is_none(story):
    document = render.to_markdown(story)
    found = rows(document)

    assert found["jena_gru", "tensorflow"][1] == "2.8 s"
    assert found["jena_gru", "jax"][1:3] == ["2.0 s", "2.0 s – 2.0 s"]
    assert found["jena_gru", "tensorflow"][-2:] == ["jax, 1.4 times", "yes"]
    assert found["jena_gru", "jax"][-2:] == ["", ""]
    assert found["jena_dense", "tensorflow"][-2] == "–"
    assert found["jena_dense", "jax"][1] == r"1.0 s\*"
    assert "No fastest backend (jax: timed beside other work): jena_dense." in document
    assert "Left out of jena, local data, quick profile: jena_conv1d (tensorflow only)." in document
    assert "- machine: " in document


def test_the_terminal_shows_the_same(story):
    text = render.to_text(story)

    assert "jax, 1.4 times" in text
    assert "No fastest backend (jax: timed beside other work): jena_dense." in text
    assert "jena_conv1d (tensorflow only)" in text


def test_csv_and_json_hold_plain_numbers(story):
    lines = {
        (r["plugin"], r["backend"]): r for r in csv.DictReader(io.StringIO(render.to_csv(story)))
    }
    (table,) = json.loads(render.to_json(story), parse_constant=pytest.fail)["tables"]
    jax = lines["jena_gru", "jax"]

    assert float(jax["epoch_seconds"]) == pytest.approx(2.01)
    assert (jax["fastest"], jax["same_quality"]) == ("jax", "yes")
    assert float(lines["jena_gru", "tensorflow"]["factor"]) == pytest.approx(2.81 / 2.01)
    assert lines["jena_dense", "jax"]["why_none"] == "jax: timed beside other work"
    assert {p["plugin"]: p["fastest"] for p in table["plugins"]} == {
        "jena_gru": "jax",
        "jena_dense": "",
    }
    assert table["alone"] == {"jena_conv1d": "tensorflow only"}


def test_a_compile_time_from_a_cache_is_marked(records):
    kept = next(r for r in records if r.trial.backend == "jax")
    cached = {**kept.environment, "compilation": {"cache": {"hits": 2, "misses": 0}}}
    changed = [replace(r, environment=cached) if r is kept else r for r in records]
    document = render.to_markdown(side_by_side(judged(*changed)))

    assert rows(document)["jena_gru", "jax"][3] == "1.0 s†"
    assert "† compiled code was read from a cache" in document


@pytest.mark.parametrize("text", AWKWARD)
def test_no_text_breaks_a_rendering(text):
    both = [*trained("tensorflow", 2.8, text), *trained("jax", 2.0, text)]
    found = side_by_side(a_board(*both))
    lines = [line for line in render.to_markdown(found).splitlines() if line.startswith("|")]

    assert len(lines) == 4  # The headings, the rule and two backends.
    assert "<script" not in render.to_markdown(found)
    assert len([*csv.DictReader(io.StringIO(render.to_csv(found)))]) == 2
    assert json.loads(render.to_json(found))["tables"][0]["plugins"][0]["plugin"] == text
    assert not set("\x1b\x07\r\0") & set(render.to_text(found))


# The command


@pytest.fixture
def report(tmp_path, capsys):
    """Run ``report --backends`` on some records; return exit status and both outputs."""

    return lambda records, *words: report_on(records, tmp_path, capsys, "--backends", *words)


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "jena, local"), ("md", "# Backends"), ("csv", "task,"), ("json", "{")],
)
def test_report_renders_the_backends_in_each_format(report, records, form, start):
    status, out, err = report(records, "--format", form)

    assert (status, err) == (0, "")
    assert out.startswith(start)


def test_without_two_backends_one_line_says_how_to_get_them(report):
    status, out, err = report([a_record()])

    assert (status, out) == (2, "")
    assert "run --all --backend tensorflow,jax" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("other", [["--format", "html"], ["--reproduction"]])
def test_what_makes_no_sense_together_is_refused(report, records, other):
    status, out, err = report(records, *other)

    assert (status, out) == (2, "")
    assert "--backends" in err
