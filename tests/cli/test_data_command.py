"""``python -m bench data`` as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from data_world import NUMBERS, OTHER_NUMBERS, World, make_world

import bench.cli.data
from bench.cli import main
from bench.data.prepared import open_prepared, prepare
from bench.data.sources import resolve
from bench.registry.tasks import FoundTasks


@dataclass(frozen=True)
class Answer:
    """What a command left: exit status, standard output and standard error."""

    status: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = make_world(tmp_path, monkeypatch)
    found = FoundTasks({"numbers": world.info})
    monkeypatch.setattr(bench.cli.data, "_tasks", lambda folders: found)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    return world


@pytest.fixture
def data(world: World, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``bench data`` on the world's task."""

    def run(*words: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["data", *words])
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


def flip_a_bit(path: Path) -> None:
    """Change content but neither size nor time, like a failing disk."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_status_says_what_a_run_would_take_and_why(world: World, data: Command) -> None:
    world.put("numbers.txt")
    answer = data("status")
    assert answer.status == 0
    assert "numbers.txt (10 bytes): official, verified" in answer.out
    assert "a run takes: official data (found in the data folder, verified)" in answer.out
    assert "prepared: no" in answer.out


def test_status_of_an_empty_folder_announces_the_download_without_trying_it(
    world: World, data: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_OFFLINE")
    answer = data("status")
    assert "no files" in answer.out
    assert "a download of numbers.txt from 127.0.0.1, else synthetic data" in answer.out
    assert not world.data.exists()


def test_status_as_json(world: World, data: Command) -> None:
    world.put("numbers.txt", OTHER_NUMBERS)
    prepare(world.info, resolve(world.info))
    document = json.loads(data("status", "--json").out)
    assert document["data_folder"] == str(world.data)
    (task,) = document["tasks"]
    assert task["source"]["kind"] == "local"
    assert task["prepared"] == "yes"
    assert task["prepared_size"] > 0
    (file,) = task["files"]
    assert (file["name"], file["size"], file["verified"]) == ("numbers.txt", 8, False)


def test_status_shows_damage(world: World, data: Command) -> None:
    folder = prepare(world.info, resolve(world.info, "synthetic"))
    (folder / "values.npy").unlink()
    assert "prepared: damaged: values.npy cannot be read" in data("status").out


def test_fetch_says_that_verified_data_are_there(world: World, data: Command) -> None:
    world.put("numbers.txt")
    answer = data("fetch")
    assert answer.status == 0
    assert answer.out == f"numbers: numbers.txt already in {world.data}, verified\n"


def test_fetch_that_fails_is_one_line_and_status_1(world: World, data: Command) -> None:
    answer = data("fetch", "numbers")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith("error: numbers: official data not in ")
    assert answer.err.count("\n") == 1


def test_verify_is_content_with_sound_data(world: World, data: Command) -> None:
    world.put("numbers.txt")
    prepare(world.info, resolve(world.info))
    answer = data("verify")
    assert answer.status == 0
    assert "2 checked, none damaged" in answer.out


def test_verify_finds_a_raw_file_that_changed_unnoticed(world: World, data: Command) -> None:
    file = world.put("numbers.txt")
    resolve(world.info)
    flip_a_bit(file)
    assert resolve(world.info).kind == "official", "the index of digests cannot know"
    answer = data("verify")
    assert answer.status == 1
    assert f"DAMAGED: {file}: content has changed" in answer.out
    assert resolve(world.info).kind == "local"


def test_verify_finds_a_flipped_bit_and_repairs_it(world: World, data: Command) -> None:
    world.put("numbers.txt")
    folder = prepare(world.info, resolve(world.info))
    flip_a_bit(folder / "values.npy")
    found = data("verify")
    assert found.status == 1
    assert "values.npy has another checksum); add --repair" in found.out
    repaired = data("verify", "--repair")
    assert repaired.status == 0
    assert "prepared again" in repaired.out
    values = open_prepared(folder).arrays["values"].tolist()
    assert values == [int(line) for line in NUMBERS.split()]
    assert data("verify").status == 0


def test_repair_removes_damaged_arrays_that_no_run_would_take(world: World, data: Command) -> None:
    made = prepare(world.info, resolve(world.info, "synthetic"))
    world.put("numbers.txt")
    flip_a_bit(made / "values.npy")
    answer = data("verify", "--repair", "numbers")
    assert answer.status == 0
    assert "; removed" in answer.out
    assert not made.exists()


def test_an_unknown_task_is_answered_with_the_nearest(world: World, data: Command) -> None:
    answer = data("verify", "numbres")
    assert answer.status == 2
    assert "numbers" in answer.err
    assert answer.err.count("\n") == 1


def test_without_a_word_it_says_which_there_are(data: Command) -> None:
    answer = data()
    assert answer.status == 2
    assert answer.err == "error: say what to do: data status, fetch, verify, show or plot\n"


@pytest.mark.parametrize("words", [("--help",), ("fetch", "--help")])
def test_help_states_exit_statuses_or_folders(data: Command, words: tuple[str, ...]) -> None:
    answer = data(*words)
    assert answer.status == 0
    assert "BENCH_OFFLINE=1" in answer.out or "Exit status: 0" in answer.out


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys, bench.cli.data\n"
        "print([m for m in ('numpy', 'pandas', 'requests', 'keras', 'pooch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_status_needs_no_numpy(world: World) -> None:
    code = (
        "import sys\nfrom bench.cli import main\n"
        "try:\n    main(['data', 'status', 'jena'])\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "print([m for m in ('numpy', 'pandas', 'requests') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("[]\n")
