"""The records in ``reports/records``: what a fresh clone shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reading import as_typed

from bench.analysis.leaderboard import make_leaderboard
from bench.protocol import OK
from bench.records.layout import PUBLISHED
from bench.records.store import Store
from bench.registry.discover import discover

FOLDER = Path(__file__).parents[2] / "reports" / PUBLISHED
MOST_BYTES = 50_000_000
#: Where a machine has its users' files.
A_PLACE = re.compile(r"(?<![\w./])/(?:home|root|Users|tmp|work|opt|mnt)/|[A-Z]:\\\\")


@pytest.fixture(scope="module")
def store() -> Store:
    """The published records."""
    return Store(FOLDER)


def test_every_record_is_whole_and_has_its_predictions(store):
    contents = store.read()

    assert contents.records
    assert contents.problems == ()
    for record in contents.records:
        if record.status == OK:
            assert {"predictions", "validation_predictions"} <= store.predictions(record).keys()


def test_they_are_of_full_trainings_and_name_no_machines_folders(store):
    for path in sorted(FOLDER.rglob("*.json")):
        assert not A_PLACE.search(path.read_text(encoding="utf-8")), path
    assert {record.trial.profile for record in store.read().records} == {"full"}


def test_the_published_leaderboard_has_their_figures_and_every_shipped_model(store):
    board = as_typed((FOLDER.parent / "leaderboard.md").read_text(encoding="utf-8"))
    sections = {part.splitlines()[0]: part for part in board.split("\n## ")}

    tables = make_leaderboard(store.read().records).tables
    for table in tables:
        section = sections[f"{table.task}, {table.source} data, {table.profile} profile"]
        for row in table.rows:
            lines = [line for line in section.splitlines() if f"| {row.label} " in line]
            mean = row.validation[table.metric].mean if row.validation else None
            assert ("skipped" if mean is None else f" {mean:.4f} ") in lines[0], row.label
    trained = {row.label for table in tables for row in table.rows}
    named = [plugin for plugin in discover().plugins if not plugin.by_kind]
    shipped = {plugin.name for plugin in named if plugin.task in ("imdb", "jena")}
    assert shipped <= trained


def test_they_fit_into_a_clone():
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]

    assert sum(sizes) <= MOST_BYTES
