"""Parsed arrays: made once, opened by memory map, and never used when damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_world import NUMBERS, OTHER_NUMBERS, World, make_world

from bench.data import prepared
from bench.data.prepared import open_prepared, prepare, prepared_of_task
from bench.data.sources import Source, resolve
from bench.errors import DataError
from bench.registry.task_code import load_module
from bench.task import Prepared

VALUES = [int(line) for line in NUMBERS.split()]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


@pytest.fixture
def source(world: World) -> Source:
    world.put("numbers.txt")
    return resolve(world.info)


def test_files_are_parsed_once(world: World, source: Source) -> None:
    folder = prepare(world.info, source)
    assert prepare(world.info, source) == folder
    assert world.calls() == ["read"]


def test_what_was_parsed_comes_back_as_it_was(world: World, source: Source) -> None:
    opened = open_prepared(prepare(world.info, source))
    assert opened.arrays["values"].tolist() == VALUES
    assert opened.arrays["none"].shape == (0,)
    assert opened.arrays["mean"] == 2.8
    assert opened.meta == {"official": True, "files": 1, "range": [1, 5]}


def test_arrays_are_mapped_and_cannot_be_written(world: World, source: Source) -> None:
    values = open_prepared(prepare(world.info, source)).arrays["values"]
    assert isinstance(values.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 7


def test_local_and_synthetic_data_say_so_to_the_task(world: World) -> None:
    world.put("mine.txt", OTHER_NUMBERS)
    assert open_prepared(prepare(world.info, resolve(world.info))).meta["official"] is False
    made = resolve(world.info, "synthetic")
    assert open_prepared(prepare(world.info, made)).meta == {"made": True}
    assert world.calls() == ["read", "synthesise"]


@pytest.mark.parametrize("change", [{"version": 2}, {"synthetic": "2"}])
def test_a_new_version_is_prepared_apart(world: World, change: dict[str, object]) -> None:
    old = prepare(world.info, resolve(world.info, "synthetic"))
    newer = world.declare(**change).info
    new = prepare(newer, resolve(newer, "synthetic"))
    assert new != old
    assert prepared_of_task("numbers") == sorted([old, new])


def test_other_content_is_prepared_apart(world: World, source: Source) -> None:
    old = prepare(world.info, source)
    world.put("numbers.txt", OTHER_NUMBERS)
    assert prepare(world.info, resolve(world.info)) != old


def cut(folder: Path) -> None:
    path = folder / "values.npy"
    path.write_bytes(path.read_bytes()[:-1])


def remove(folder: Path) -> None:
    (folder / "values.npy").unlink()


def garble(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def falsify(folder: Path) -> None:
    path = folder / "meta.json"
    path.write_text(path.read_text().replace("true", "false"))


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("harm", [cut, remove, garble, falsify, empty])
def test_damaged_arrays_are_refused_and_made_again(
    world: World,
    source: Source,
    harm: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = prepare(world.info, source)
    harm(folder)
    with pytest.raises(DataError, match=r"is damaged .*; run `python -m bench data verify"):
        open_prepared(folder)
    capsys.readouterr()
    assert prepare(world.info, source) == folder
    said = capsys.readouterr()
    assert said.out == ""
    assert "numbers: prepared data are damaged" in said.err
    assert open_prepared(folder).arrays["values"].tolist() == VALUES


def test_arrays_of_other_data_are_not_taken_for_these(world: World, source: Source) -> None:
    mine = prepare(world.info, source)
    world.put("numbers.txt", OTHER_NUMBERS)
    other = prepare(world.info, resolve(world.info))
    for path in mine.iterdir():
        path.write_bytes((other / path.name).read_bytes())
    world.put("numbers.txt")
    assert open_prepared(prepare(world.info, source)).arrays["values"].tolist() == VALUES


def test_a_header_of_another_shape_is_damage(world: World, source: Source) -> None:
    folder = prepare(world.info, source)
    path = folder / "values.npy"
    path.write_bytes(path.read_bytes().replace(b"(5,)", b"(4,)"))
    with pytest.raises(DataError, match=r"values\.npy holds int64 \(4,\)"):
        open_prepared(folder)


def test_a_flipped_bit_is_found_by_a_thorough_look(world: World, source: Source) -> None:
    folder = prepare(world.info, source)
    path = folder / "values.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert prepared.array_damage(folder) is None
    assert prepared.array_damage(folder, thorough=True) == "values.npy has another checksum"


def test_a_file_that_cannot_be_parsed_leaves_nothing(world: World) -> None:
    world.put("mine.txt", b"one\ntwo\n")
    with pytest.raises(DataError, match=r"mine\.txt: invalid literal .*; delete it"):
        prepare(world.info, resolve(world.info))
    assert prepared_of_task("numbers") == []


def test_a_file_that_is_gone_is_named(world: World, source: Source) -> None:
    (world.data / "numbers.txt").unlink()
    with pytest.raises(DataError, match=r"numbers\.txt: cannot be read"):
        prepare(world.info, source)


def test_a_file_that_changes_meanwhile_is_not_passed_off_as_the_old_one(
    world: World, source: Source
) -> None:
    world.put("numbers.txt", OTHER_NUMBERS)
    with pytest.raises(DataError, match="changed while it was read; run again"):
        prepare(world.info, source)


def test_a_cache_folder_that_cannot_be_written_is_named(world: World, source: Source) -> None:
    (world.cache / "prepared").write_bytes(b"a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot be written .* BENCH_CACHE_DIR"):
        prepare(world.info, source)


def test_threads_that_prepare_at_once_agree(world: World, source: Source) -> None:
    load_module(world.info)
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(prepare(world.info, source)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 8
    assert len(set(folders)) == 1
    assert open_prepared(folders[0]).arrays["values"].tolist() == VALUES
    assert [path.name for path in folders[0].parent.iterdir()] == [folders[0].name]


def test_a_killed_process_does_not_hinder_the_next(world: World, source: Source) -> None:
    slow = """
import sys, time
from pathlib import Path
import numpy as np
from bench.data import prepared
from bench.task import Prepared
save = np.save
def slowly(*arguments, **options):
    save(*arguments, **options)
    print("writing", flush=True)
    time.sleep(60)
np.save = slowly
prepared.write_folder(Path(sys.argv[1]), Prepared({"values": np.arange(5)}, {}), {})
"""
    target = world.cache / "prepared" / "numbers-v1-official-0-l2"
    command = [sys.executable, "-c", slow, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    (leftover,) = target.parent.iterdir()
    assert leftover.name.startswith(".building-")
    assert open_prepared(prepare(world.info, source)).arrays["values"].tolist() == VALUES
    os.utime(leftover, (0, 0))
    prepare(world.info, resolve(world.info, "synthetic"))
    assert not leftover.exists()


def test_opening_ten_arrays_is_quick(tmp_path: Path) -> None:
    made = Prepared({f"a{i}": np.zeros((1000, 1000), np.float32) for i in range(10)}, {})
    prepared.write_arrays(tmp_path, made, {})
    best = min(_seconds(lambda: prepared.read_arrays(tmp_path)) for _ in range(5))
    assert best < 0.05


def test_meta_may_hold_numpy_numbers_and_unsorted_keys(tmp_path: Path) -> None:
    meta = {"mean": np.float64(9.07), "rows": np.int64(5), "by_year": {2010: 1, 2009: 2}}
    prepared.write_arrays(tmp_path, Prepared({}, meta), {"task": "numbers"})
    opened = prepared.read_arrays(tmp_path).meta
    assert opened == {"mean": 9.07, "rows": 5, "by_year": {"2010": 1, "2009": 2}}
    assert json.loads((tmp_path / "meta.json").read_text())["content"]["meta"] == opened


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden"])
def test_an_array_cannot_be_named_out_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="an array cannot be called"):
        prepared.write_arrays(tmp_path, Prepared({name: np.zeros(1)}, {}), {})


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
