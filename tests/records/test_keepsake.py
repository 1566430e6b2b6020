"""What a run has recorded outlives a plugin that deletes or changes it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from builders import a_record

from bench.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_nothing_is_mended_where_nothing_was_touched(store):
    store.write(a_record(), b"numbers")
    assert store.fix() == []


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_a_deleted_file_is_written_again_and_named(store, ending):
    path = store.write(a_record(), b"numbers").with_suffix(ending)
    before = path.read_bytes()
    path.unlink()

    assert store.fix() == [f"{path}: was deleted during the run; written again"]
    assert path.read_bytes() == before
    assert store.fix() == []


def test_a_whole_deleted_folder_is_written_again(store):
    paths = [store.write(a_record(seed=seed, minute=seed), b"numbers") for seed in range(3)]
    shutil.rmtree(store.root)

    assert len(store.fix()) == 6
    assert len(store.read().records) == 3
    assert all(path.with_suffix(".npz").read_bytes() == b"numbers" for path in paths)


def overwritten(path: Path) -> None:
    path.write_text("junk")


def forged(path: Path) -> None:
    """Change a figure and leave size and time as they were."""
    before = path.stat()
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 7'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [overwritten, forged, replaced_by_a_link])
@pytest.mark.skipif(sys.platform == "win32", reason="files there have no time of change")
def test_a_changed_file_is_written_again_and_named(store, harm):
    record = a_record()
    path = store.write(record)
    harm(path)

    assert store.fix() == [f"{path}: was changed during the run; written again"]
    assert store.read().records == (record,)
    assert not path.is_symlink()
    assert store.fix() == []


def test_a_file_that_was_only_touched_is_not_named(store):
    path = store.write(a_record())
    os.utime(path, (0, 0))
    assert store.fix() == []


def test_what_cannot_be_mended_is_told_each_time_and_the_rest_is_mended(store):
    first, second = (store.write(a_record(seed=seed, minute=seed)) for seed in range(2))
    first.unlink()
    first.mkdir()
    second.unlink()
    told, repaired = store.fix()

    assert told.startswith(f"{first}: was changed during the run and cannot be restored (")
    assert repaired == f"{second}: was deleted during the run; written again"
    assert len(store.fix()) == 1
    first.rmdir()
    assert store.fix() == [f"{first}: was deleted during the run; written again"]


def test_only_what_this_store_wrote_is_kept(store):
    path = Store(store.root).write(a_record())
    path.unlink()
    assert store.fix() == []


def test_the_copies_have_no_name_in_any_folder(store, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    store.write(a_record(), b"numbers")
    if sys.platform != "win32":
        assert list((tmp_path / "temporary").iterdir()) == []


def test_a_record_is_written_where_there_is_no_room_for_a_copy(store, monkeypatch):
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    store.write(a_record(), b"numbers")
    assert len(store.read().records) == 1
    assert store.fix() == []
