"""Backends side by side as text, markdown, CSV and JSON, and ``report --backends``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import a_record, a_timed_record, beside
from command_line import report_on
from judged_world import judged
from reading import exact, said, shown

from bench.analysis.backends import BackendTable, side_by_side
from bench.records.record import Record
from bench.report.backends import backends_document
from bench.report.document import Document, Place
from bench.report.writers import to_json


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
    """One plugin with a fastest backend, one timed while contended, one on one backend."""
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


def rows(document: Document) -> dict[tuple[str, str], dict[str, str]]:
    """Return what people see of each plugin and backend."""
    found, plugin = {}, ""
    for row in shown(document.tables(Place.PAGE)[0]):
        plugin = row["plugin"] or plugin
        found[plugin, row["backend"]] = row
    return found


@pytest.mark.parametrize("place", [Place.TERMINAL, Place.PAGE])
def test_people_see_each_backend_the_winner_and_why_there_is_none(story, place):
    document = backends_document(story)
    found = rows(document)
    fast, slow = found["jena_gru", "jax"], found["jena_gru", "tensorflow"]

    assert [table.columns for table in document.tables(place)] == [
        table.columns for table in document.tables(Place.PAGE)
    ]
    assert slow["epoch"] == "2.8 s"
    assert (fast["epoch"], fast["95% interval"]) == ("2.0 s", "2.0 s – 2.0 s")
    assert (slow["fastest"], slow["same quality"]) == ("jax, 1.4 times", "yes")
    assert (fast["plugin"], fast["fastest"], fast["same quality"]) == ("", "", "")
    assert found["jena_dense", "tensorflow"]["fastest"] == "–"
    assert found["jena_dense", "jax"]["epoch"] == "1.0 s*"
    told = said(document, place)
    assert "No fastest backend (jax: contended): jena_dense." in told
    assert "Left out of jena, official data, quick profile: jena_conv1d (tensorflow only)." in told
    assert ("machine: " in told) == (place == Place.PAGE)


def test_csv_and_json_hold_plain_numbers_of_every_line(story):
    document = backends_document(story)
    lines = {(line["plugin"], line["backend"]): line for line in exact(document)}
    (table,) = json.loads(to_json(document), parse_constant=pytest.fail)["tables"]
    jax = lines["jena_gru", "jax"]

    assert float(jax["epoch_seconds"]) == pytest.approx(2.01)
    assert (jax["fastest"], jax["same_quality"]) == ("jax", "yes")
    assert float(lines["jena_gru", "tensorflow"]["factor"]) == pytest.approx(2.81 / 2.01)
    assert lines["jena_dense", "jax"]["why_none"] == "jax: contended"
    assert {p["plugin"]: p["fastest"] for p in table["plugins"]} == {
        "jena_gru": "jax",
        "jena_dense": "",
    }
    assert table["alone"] == {"jena_conv1d": "tensorflow only"}


def test_a_compile_time_from_a_cache_is_marked(records):
    kept = next(r for r in records if r.trial.backend == "jax")
    cached = {**kept.environment, "compilation": {"cache": {"hits": 2, "misses": 0}}}
    changed = [replace(r, environment=cached) if r is kept else r for r in records]
    document = backends_document(side_by_side(judged(*changed)))

    assert rows(document)["jena_gru", "jax"]["compile"] == "1.0 s†"
    assert "† compiled code was read from a cache" in said(document, Place.PAGE)


# The command


@pytest.fixture
def report(tmp_path, capsys):
    """Run ``report --backends`` on some records; return exit status and both outputs."""

    return lambda records, *words: report_on(records, tmp_path, capsys, "--backends", *words)


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "jena, official"), ("md", "# Backends"), ("csv", "task,"), ("json", "{")],
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


@pytest.mark.parametrize("other", [["--best-of-grid"], ["--site", "site"], ["--reproduction"]])
def test_what_makes_no_sense_together_is_refused(report, records, other):
    status, out, err = report(records, *other)

    assert (status, out) == (2, "")
    assert "--backends" in err
