"""The campaign of spoilt files: what it spoils, what it sees, and a small one of it."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from bench.errors import BenchError
from bench.gate import baseline
from bench.records.record import from_json
from bench.records.store import Contents, Store
from campaigns.faults import mutations
from campaigns.faults.mutate import spoilt_bytes, spoilt_document, spoilt_lines, spoilt_record
from campaigns.faults.mutations import Found, strike_readers, to_markdown

RECORD = Path(__file__).parents[1] / "records" / "v3" / "ok.json"


def struck(folder: Path, count: int, seed: int = 0) -> Found:
    found = Found()
    for _ in strike_readers(folder, count, seed, found):
        pass
    return found


@pytest.mark.long
def test_spoilt_files_cost_themselves_only(tmp_path):
    found = struck(tmp_path, 200)

    assert found.faults == []
    assert found.counts.total() == 200
    for kind in ("records", "predictions", "baselines", "CSV files"):
        assert found.counts[kind, "refused"] > 0
        assert found.counts[kind, "read"] > 0
    assert not any(path.is_dir() for path in (tmp_path / "records").iterdir())


@pytest.mark.parametrize("spoil", [spoilt_bytes, spoilt_document, spoilt_record, spoilt_lines])
def test_the_same_seed_spoils_in_the_same_way(spoil):
    content = RECORD.read_bytes()
    one, same, other = ([spoil(content, Random(n)) for _ in range(3)] for n in (1, 1, 2))

    assert one == same != other


def test_some_spoilt_records_have_digests_that_fit():
    """So that what checks the parts of a record is struck, and not its digest alone."""
    reasons = set()
    content, random = RECORD.read_bytes(), Random(0)
    for _ in range(60):
        try:
            from_json(spoilt_record(content, random).decode(errors="replace"))
        except BenchError as error:
            reasons.add(str(error).partition(" ")[0])

    assert len(reasons) > 5


def test_a_lost_record_is_a_fault(tmp_path, monkeypatch):
    read = Store.read

    def forgetful(self: Store) -> Contents:
        contents = read(self)
        return Contents(contents.records[1:], contents.unreadable)

    monkeypatch.setattr(Store, "read", forgetful)
    found = struck(tmp_path, 10)

    assert any("1 records are lost" in fault for fault in found.faults)
    kept = [path for path in (tmp_path / "records").glob("0*") if path.is_dir()]
    assert len(kept) == 1


def test_an_exception_and_an_endless_reader_are_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(mutations, "_LIMIT", 0.2)

    def at_fault(path: Path) -> None:
        if path.read_bytes()[:1] == b"{":
            raise KeyError("a bug")
        time.sleep(60)

    monkeypatch.setattr(baseline, "read", at_fault)
    found = Found()
    for _ in mutations._baselines(tmp_path, 3, Random(0), found):
        pass

    assert any("KeyError" in fault for fault in found.faults)
    assert found.counts.total() == 0
    assert (tmp_path / "00000.json").exists()


def test_the_table_counts_what_was_read_and_refused():
    found = Found(commands=7)
    found.counts.update({("records", "read"): 2, ("CSV files", "refused"): 3})
    table = [line.split("|")[1:-1] for line in to_markdown(found).splitlines() if "|" in line]
    cells = [[cell.strip() for cell in row] for row in table]

    assert ["records", "2", "0", "2"] in cells
    assert ["all", "2", "3", "5"] in cells
    assert ["commands on them", "7"] in cells
