"""The index over a large results folder says what the files say, or is made again."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_record, a_repeat, beside

from bench.errors import BenchError
from bench.protocol import FAILED
from bench.records import index as index_module
from bench.records import reading as reading_module
from bench.records import store as store_module
from bench.records.index import Index, unlocked_by
from bench.records.layout import INDEX, read_files, record_entries
from bench.records.record import Record, row_label
from bench.records.selection import WorkingTree, select
from bench.records.store import Contents, Store

TREE = WorkingTree({"jena_gru": {"5ca1ab1e"}}, {"jena": 1})
#: Some of these are dated in the future, and some differ in what no identity covers.
KINDS: list[Callable[[int], Record]] = [
    lambda n: a_record(seed=n % 3, minute=n),
    lambda n: a_record(seed=n % 3, minute=n, trial={"plugin_sha256": "0ld"}),
    lambda n: a_record("other", seed=n % 2, minute=n, status=FAILED, reason="ValueError: no"),
    lambda n: a_record("jena_gru", minute=n, trial={"overrides": {"units": 8}}),
    lambda n: a_record(seed=n % 3, finished=f"2999-01-02T03:{n:02}:05.678901+00:00"),
    lambda n: beside(a_record(seed=n % 3, minute=n), shared=True),
    lambda n: a_repeat(minute=n),
    lambda n: a_record("imdb_lstm", 0.8, minute=n, trial={"task": "imdb", "versions": {"k": "9"}}),
    lambda n: a_record(minute=n, log="a line\n", environment={"huge": 10**40}),
]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every store taken for a large one, and every file for one that has settled."""
    monkeypatch.setattr(store_module, "FEW", 0)
    monkeypatch.setattr(reading_module, "_FRESH_NANOSECONDS", -(10**15))
    monkeypatch.setattr(index_module, "_BUSY_SECONDS", 0.01)


def a_store(folder: Path, count: int = 6) -> Store:
    store = Store(folder / "results")
    store.prepare()
    for number in range(count):
        store.write(KINDS[number % len(KINDS)](number), b"numbers")
    return store


def by_reading_all(store: Store) -> Contents:
    found = read_files(record_entries(store.root))
    unreadable = tuple(f"{path}: {reason}" for path, reason in found.unreadable)
    return Contents(store_module._by_age(found.records), unreadable)


def selected(contents: Contents) -> dict[str, Any]:
    rows: dict[str, list[Record]] = defaultdict(list)
    for record in contents.records:
        rows[row_label(record)].append(record)
    return {label: vars(select(found, TREE)) for label, found in rows.items()}


def assert_same(store: Store) -> None:
    """See that all is as if every file had been read: records, their order, what is selected."""
    through, read = store.read(), by_reading_all(store)
    assert through.records == read.records
    assert sorted(through.unreadable) == sorted(read.unreadable)
    assert through.latest == read.latest
    assert selected(through) == selected(read)
    for name in ("jena_gru", "other"):
        of_plugin = tuple(r for r in read.records if r.trial.plugin == name)
        assert store.read([name]).records == of_plugin


def rows_of(store: Store) -> dict[bytes, Any]:
    index = Index(store.root, can_write=False)
    return {
        path: (row.sha256, row.head, index.bodies([(row.number, row.sha256)]))
        for path, row in index.rows().items()
    }


# What becomes of the files


def an_edit(path: Path, others: list[Path]) -> None:
    """Change one digit, and set the times back, as only somebody who wants to deceive would."""
    found, content = path.stat(), path.read_bytes()
    path.write_bytes(content.replace(b"03:", b"04:", 1))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def a_move(path: Path, others: list[Path]) -> None:
    folder = others[0].parent
    path.rename(folder / f"moved-{path.name}")


CHANGES: list[Callable[[Path, list[Path]], Any]] = [
    an_edit,
    a_move,
    lambda path, others: path.unlink(),
    lambda path, others: path.rename(path.with_name(f"zzz{path.name}")),
    lambda path, others: path.with_name(f"copy-{path.name}").write_bytes(path.read_bytes()),
    lambda path, others: os.replace(path, others[0]) if path != others[0] else None,
    lambda path, others: path.write_bytes(path.read_bytes()[:-20]),
    lambda path, others: os.utime(path, (1, 1)),
]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_becomes_of_the_files_the_index_gives_what_reading_all_gives(tmp_path, seed):
    drawn = random.Random(seed)
    store = a_store(tmp_path, 0)
    for number in range(20):
        files = [Path(entry.path) for entry in record_entries(store.root)]
        if len(files) < 4 or drawn.random() < 0.6:
            store.write(drawn.choice(KINDS)(number), drawn.choice([None, b"numbers"]))
        else:
            drawn.choice(CHANGES)(drawn.choice(files), drawn.sample(files, 3))
        if drawn.random() < 0.6:
            assert_same(store)
    assert_same(store)


def test_what_the_index_knows_is_not_opened_but_for_its_log(tmp_path, monkeypatch):
    store = a_store(tmp_path, 4)
    logged = a_record("chatty", log="what it printed")
    store.write(logged)
    expected = store.read().records
    opened = []
    real = reading_module.content_of
    monkeypatch.setattr(reading_module, "content_of", lambda p: (opened.append(p), real(p))[1])

    records = store.read().records
    assert [r.metrics for r in records] == [r.metrics for r in expected]
    assert opened == []
    assert [record.log for record in records if record.log] == ["what it printed"]


def test_a_file_that_was_just_written_is_looked_at_once_more(tmp_path, monkeypatch):
    monkeypatch.setattr(reading_module, "_FRESH_NANOSECONDS", 10**15)
    store = a_store(tmp_path)
    store.read()
    opened = []
    real = reading_module.content_of
    monkeypatch.setattr(reading_module, "content_of", lambda p: (opened.append(p), real(p))[1])

    assert_same(store)
    assert len({*opened}) == 6


def test_a_file_that_changes_while_it_is_read_is_told_in_a_line(tmp_path):
    store = a_store(tmp_path, 1)
    store.read()
    (record,) = store.read().records
    (path,) = store.root.rglob("*.json")
    path.write_text("{}")

    assert record.metrics["best_epoch"] == 3
    with pytest.raises(BenchError, match=r"json: was changed while it was read"):
        _ = record.log


def test_a_record_that_was_read_through_the_index_can_be_changed_and_copied(tmp_path):
    import pickle

    store = a_store(tmp_path, 1)
    (plain,) = store.read().records
    (record,) = store.read().records

    assert replace(record, reason="another").metrics == plain.metrics
    assert pickle.loads(pickle.dumps(record)) == plain
    assert store.read().records[0].to_json() == plain.to_json()
    with pytest.raises(AttributeError):
        _ = record.nothing  # type: ignore[attr-defined]


def test_curves_are_unpacked_when_they_are_asked_for_and_not_kept(tmp_path):
    import pickle

    made = a_record()
    curves = {"train_loss": [0.5, None, 0.25], "epoch_seconds": [2.0, 1.0, 1.0]}
    written = replace(made, metrics={"curves": {}} | {**made.metrics, "curves": curves})
    store = Store(tmp_path / "results")
    store.prepare()
    store.write(written)
    store.read()
    (record,) = store.read().records

    found = record.metrics["curves"]
    assert found["train_loss"] == [0.5, None, 0.25]
    assert found["train_loss"] is not found["train_loss"]
    assert (dict(found), repr(found)) == (curves, repr(curves))
    assert found == curves
    assert "validation_loss" not in found
    assert pickle.loads(pickle.dumps(record)).to_json() == record.to_json() == written.to_json()


# What becomes of the index


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 7])


def of_another(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE heads (a)")
        other.commit()


def of_another_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as index:
        index.execute("PRAGMA user_version = 7")
        index.commit()


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        of_another,
        of_another_version,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: path.unlink(),
        lambda path: path.with_name(f"{INDEX}-journal").write_bytes(b"a journal of nothing"),
    ],
)
def test_a_spoilt_index_costs_a_rebuild_and_nothing_else(tmp_path, spoil):
    store = a_store(tmp_path)
    assert_same(store)
    before = rows_of(store)
    spoil(store.root / INDEX)

    assert_same(store)
    assert rows_of(store) == before


def test_no_byte_of_an_index_can_be_spoilt_unnoticed(tmp_path):
    store = a_store(tmp_path)
    read = by_reading_all(store)
    assert store.read().records == read.records
    whole = (store.root / INDEX).read_bytes()
    drawn = random.Random(0)
    for _ in range(60):
        spoilt = bytearray(whole)
        for _ in range(drawn.choice((1, 30))):
            spoilt[drawn.randrange(len(spoilt))] ^= 1 << drawn.randrange(8)
        (store.root / INDEX).write_bytes(spoilt)
        assert store.read().records == read.records


def test_a_locked_index_is_done_without(tmp_path):
    store = a_store(tmp_path)
    store.read()
    with contextlib.closing(sqlite3.connect(store.root / INDEX)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.write(a_record("late", minute=50))
        assert store.read().records == by_reading_all(store).records
    assert_same(store)


def test_a_folder_that_cannot_be_written_is_read_with_its_index_and_without(tmp_path, monkeypatch):
    store = a_store(tmp_path)
    monkeypatch.setattr(os, "access", lambda *anything: False)
    assert_same(store)
    assert not (store.root / INDEX).exists()
    monkeypatch.undo()
    monkeypatch.setattr(store_module, "FEW", 0)
    store.read()
    store.write(a_record("late", minute=50))
    before = (store.root / INDEX).read_bytes()
    monkeypatch.setattr(os, "access", lambda *anything: False)

    assert_same(store)
    assert (store.root / INDEX).read_bytes() == before


def test_what_several_write_at_once_the_index_has_as_one_that_is_made_anew(tmp_path):
    store = a_store(tmp_path, 1)
    store.read()

    def write(plugin: str) -> None:
        for minute in range(8):
            Store(store.root).write(a_record(plugin, minute=minute))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_same(store)
    updated = rows_of(store)
    (store.root / INDEX).unlink()
    assert_same(store)

    assert len(updated) == 25
    assert rows_of(store) == updated


def test_a_small_store_has_no_index(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "FEW", 10)
    store = a_store(tmp_path)

    assert store.read().records == by_reading_all(store).records
    assert not (store.root / INDEX).exists()
    for minute in range(20, 25):
        store.write(a_record(minute=minute))
    store.read()
    assert (store.root / INDEX).exists()


# File systems without locks


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*anything: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_a_folder_without_locks_has_no_index_and_says_so_in_one_line(tmp_path, without_locks):
    store = a_store(tmp_path)
    contents = store.read()

    assert contents.records == by_reading_all(store).records
    (line,) = [line for line in contents.problems if "index" in line]
    assert line.endswith("all of it is read: files cannot be locked there (No locks available)")
    assert not (store.root / INDEX).exists()


MOUNTS = r"""
/dev/vda / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2,local_lock=none 0 0
server:/old /home/old\040data nfs rw,nolock,local_lock=all 0 0
me@there: /mnt/there fuse.sshfs rw,user_id=0 0 0
//server/share /mnt/share cifs rw,nobrl 0 0
"""


def test_network_file_systems_whose_locks_are_of_one_machine_are_told_from_others():
    assert unlocked_by(MOUNTS, "/home/me/results") == ""
    assert unlocked_by(MOUNTS, "/var/results") == ""
    assert unlocked_by("", "/anywhere") == ""
    assert unlocked_by(MOUNTS, "/home/old data/results").startswith(
        "/home/old data (nfs, local_lock=all, nolock) has no locks"
    )
    assert "(fuse.sshfs)" in unlocked_by(MOUNTS, "/mnt/there")
    assert "(cifs, nobrl)" in unlocked_by(MOUNTS, "/mnt/share/results")
