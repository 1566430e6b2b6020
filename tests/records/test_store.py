"""The results folder: whole files or none, nothing overwritten, nothing hidden."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_record

from bench.errors import BenchError
from bench.files import write_whole
from bench.protocol import TIMEOUT
from bench.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "results")
    made.prepare()
    return made


def files(store: Store) -> list[str]:
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def disk_full(*anything: object, **more: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_record_is_read_back(store):
    record = a_record()
    path = store.write(record)
    assert path.parent == store.root / "jena" / "jena_gru"
    assert store.read().records == (record,)


def test_predictions_lie_beside_their_record(store):
    path = store.write(a_record(), b"numbers")
    (record,) = store.read().records
    assert record.predictions is not None
    assert (path.parent / record.predictions.file).read_bytes() == b"numbers"


def test_nothing_is_ever_overwritten(store):
    record = a_record()
    paths = [store.write(record, b"%d" % number) for number in range(3)]
    assert len({*paths}) == len(store.read().records) == 3
    contents = {(path.with_suffix(".npz")).read_bytes() for path in paths}
    assert contents == {b"0", b"1", b"2"}


def test_records_come_oldest_first_whatever_their_plugin(store):
    for plugin, minute in (("b", 3), ("a", 2), ("c", 1)):
        store.write(a_record(plugin, minute=minute))
    assert [record.trial.plugin for record in store.read().records] == ["c", "a", "b"]


def test_a_renamed_file_keeps_its_place_in_time(store):
    path = store.write(a_record(seed=1, minute=1))
    store.write(a_record(seed=2, minute=2))
    path.rename(path.with_name("zzz.json"))
    assert [record.trial.seed for record in store.read().records] == [1, 2]


def test_the_latest_is_the_record_that_answers_for_an_identity(store):
    store.write(a_record(minute=1))
    store.write(a_record(minute=2, status=TIMEOUT, reason="took longer than 1 s"))
    store.write(a_record("other", minute=3, status=TIMEOUT, reason="took longer than 1 s"))
    assert [record.status for record in store.read().latest.values()] == ["ok", TIMEOUT]


def test_an_empty_or_absent_folder_holds_no_records(tmp_path):
    assert Store(tmp_path).read().records == ()
    assert Store(tmp_path / "gone").read().records == ()


@pytest.mark.parametrize("content", [b"", b'{"schema_version": 1', b"\xff\xfe", b"[1]"])
def test_a_damaged_file_is_named_and_the_rest_is_read(store, content):
    whole = store.write(a_record())
    broken = whole.with_name("broken.json")
    broken.write_bytes(content)
    contents = store.read()

    assert len(contents.records) == 1
    (complaint,) = contents.unreadable
    assert complaint.startswith(f"{broken}: ")
    assert "\n" not in complaint


def test_other_files_in_the_folder_are_no_records(store):
    path = store.write(a_record())
    (store.root / "leaderboard.json").write_text("[]")
    (path.parent / ".writing-abc").write_text("{")
    (path.parent / "notes.txt").write_text("")
    contents = store.read()
    assert (len(contents.records), contents.unreadable) == (1, ())


@pytest.mark.parametrize("function", ["replace", "fsync"])
@pytest.mark.parametrize("predictions", [None, b"numbers"])
def test_a_full_disk_leaves_nothing_behind(store, monkeypatch, function, predictions):
    monkeypatch.setattr(os, function, disk_full)
    with pytest.raises(BenchError, match=r"seed 0 could not be written \(No space left"):
        store.write(a_record(), predictions)
    assert files(store) == []


def test_a_disk_that_fills_up_between_predictions_and_record_leaves_neither(store, monkeypatch):
    real = os.replace

    def full_at_the_record(source: str, target: Path) -> None:
        if target.suffix == ".json":
            disk_full()
        real(source, target)

    monkeypatch.setattr(os, "replace", full_at_the_record)
    with pytest.raises(BenchError, match="could not be written"):
        store.write(a_record(), b"numbers")
    assert files(store) == []


def test_a_write_that_fails_leaves_the_old_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "leaderboard.md"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "replace", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["leaderboard.md"]


def test_an_interrupt_while_writing_leaves_nothing_behind(store, monkeypatch):
    def interrupt(*anything: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write(a_record(), b"numbers")
    assert files(store) == []


def test_a_results_folder_that_is_a_file_is_a_usage_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(BenchError, match=r"taken: cannot be written .*; give another folder"):
        Store(tmp_path / "taken").prepare()


def test_a_results_folder_that_cannot_be_written_is_a_usage_error(tmp_path, monkeypatch):
    def refuse(**anything: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(BenchError, match=r"cannot be written \(Permission denied\); give another"):
        Store(tmp_path).prepare()


def test_preparing_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    Store(tmp_path / "a" / "b").prepare()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_stores_are_merged_by_copying_their_files(store, tmp_path):
    other = Store(tmp_path / "other")
    other.prepare()
    store.write(a_record(seed=0, minute=2))
    path = other.write(a_record(seed=1, minute=1))
    path.rename(store.root / path.relative_to(other.root))
    assert [record.trial.seed for record in store.read().records] == [1, 0]


def test_a_file_says_when_it_was_written_in_universal_time(store):
    record = replace(a_record(), finished="2025-01-02T03:04:05.678901+02:00")
    assert store.write(record).name.startswith("20250102T010405.678901Z-")
