"""The records in ``reports/records``: what a fresh clone shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.protocol import OK
from bench.records.layout import PUBLISHED
from bench.records.store import Store

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


def test_they_fit_into_a_clone():
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]

    assert sum(sizes) <= MOST_BYTES
