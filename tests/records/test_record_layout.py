"""Where the files of records lie: no folder holds more than a few thousand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from builders import a_record
from gate_records import left_predictions

from bench.records import layout
from bench.records.merge import merge
from bench.records.store import Store


@pytest.fixture(autouse=True)
def small_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "FULL", 6)


def a_full_store(folder: Path) -> Store:
    """Write ten records of one plugin: the first three of them fill its folder."""
    store = Store(folder)
    store.prepare()
    for seed in range(10):
        record = a_record(seed=seed, minute=seed)
        store.write(record, left_predictions(record))
    return store


def test_a_full_folder_gets_no_more_files_and_all_records_are_found(tmp_path):
    store = a_full_store(tmp_path / "results")
    contents = store.read()
    folder = store.root / "jena" / "jena_gru"
    counted = Counter(path.parent for path in folder.rglob("*") if path.is_file())

    assert counted[folder] == 6
    assert len(counted) > 2
    assert [record.trial.seed for record in contents.records] == [*range(10)]
    for record in contents.records:
        assert store.find(record.trial) == (record,)
        assert "predictions" in store.predictions(record)
        if record.trial.seed > 2:
            assert [*(folder / record.identity[:2]).glob(f"*{record.identity[:12]}.json")]


def test_no_name_is_given_twice_in_a_plugin_s_folders(tmp_path, monkeypatch):
    store = a_full_store(tmp_path / "results")
    (first, *_) = store.read().records
    path = store.write(first, left_predictions(first))

    assert path.parent.name == first.identity[:2]
    assert path.stem.endswith("-2")
    assert len(store.find(first.trial)) == 2


def test_records_of_both_layouts_are_merged_byte_for_byte(tmp_path, monkeypatch):
    source = a_full_store(tmp_path / "source")
    again = merge([source.root], tmp_path / "target", lambda folder: None)
    monkeypatch.setattr(layout, "FULL", 10_000)
    flat = merge([tmp_path / "target"], tmp_path / "flat", lambda folder: None)

    assert (again.copied, flat.copied) == (10, 10)
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*") if path.is_file()}
        for name in ("source", "target", "flat")
    ]
    assert contents[0] == contents[1] == contents[2]
    assert merge([tmp_path / "flat"], tmp_path / "target", lambda folder: None).known == 10
    assert Store(tmp_path / "flat").read().records == source.read().records


def test_other_folders_in_a_plugin_s_are_no_part_of_it(tmp_path):
    store = a_full_store(tmp_path / "results")
    for name in ("notes", "AB", "0"):
        other = store.root / "jena" / "jena_gru" / name
        other.mkdir()
        (other / "record.json").write_text("{}")

    contents = store.read()
    assert (len(contents.records), contents.unreadable) == (10, ())


def test_what_a_killed_write_left_in_a_part_is_swept_up(tmp_path):
    import os

    store = a_full_store(tmp_path / "results")
    part = next(p for p in (store.root / "jena" / "jena_gru").iterdir() if p.is_dir())
    left = part / ".writing-abc"
    left.write_bytes(b"{")
    os.utime(left, (0, 0))
    store.prepare()

    assert not left.exists()
