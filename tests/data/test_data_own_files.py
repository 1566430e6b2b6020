"""A user's own files: several of one series, what is said of them, and what is no file at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command_line import call
from data_world import NUMBERS, OTHER_NUMBERS, World, forbidden, make_world

from bench.data.prepared import open_prepared
from bench.data.ready import prepare_task
from bench.data.sources import resolve
from bench.errors import DataError
from bench.formatting import notes_of
from bench.registry.tasks import TaskInfo, discover_tasks

Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    return make_world(tmp_path, monkeypatch).declare(local=[["mine*.txt+"], ["notes.txt"]])


@pytest.fixture
def jena(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskInfo:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    return discover_tasks()["jena"]


@pytest.fixture
def verify(jena: TaskInfo, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Run ``bench data verify`` on words; return its status and all it says."""

    def run(*words: object) -> tuple[int, str]:
        status, out, err = call(capsys, "data", "verify", *map(str, words))
        return status, out + err

    return run


def hours(first: int, last: int, layout: str = "%d.%m.%Y %H:%M:%S") -> str:
    """The text of a station's file with days that warm and cool."""
    lines = ["Date Time,p (mbar),T (degC)"]
    for hour in range(first, last):
        when = datetime(2018, 1, 1) + timedelta(hours=hour)
        lines.append(f"{when.strftime(layout)},{990 + hour % 7},{hour % 24 + hour % 5 / 10}")
    return "\n".join(lines) + "\n"


def halves(folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / "mpi_roof_2018a.csv", folder / "mpi_roof_2018b.csv"]
    paths[0].write_text(hours(0, 1000))
    paths[1].write_text(hours(1000, 2000))
    return paths


def rows_and_notes(jena: TaskInfo, given: Path | list[Path]) -> tuple[int, list[str]]:
    said: list[str] = []
    ready = prepare_task(jena, "auto", given, said.append)
    meta = open_prepared(ready.folder).meta
    assert [line.removeprefix("jena: ") for line in said[-len(meta["notes"]) :]] == meta["notes"]
    return meta["rows"], meta["notes"]


def test_all_exports_of_a_given_folder_are_read_as_one_series(jena: TaskInfo, tmp_path: Path):
    paths = halves(tmp_path / "exports")

    rows, notes = rows_and_notes(jena, tmp_path / "exports")

    assert rows == 2000
    assert notes[0] == "2 files are read as one series"
    assert rows_and_notes(jena, paths) == (rows, notes)


def test_several_files_have_a_fingerprint_of_their_own(jena: TaskInfo, tmp_path: Path) -> None:
    first, second = halves(tmp_path / "exports")

    alone, both = resolve(jena, path=first), resolve(jena, path=[first, second])

    assert alone.fingerprint != both.fingerprint
    assert alone.files == (str(first),)
    assert both.files == (str(first), str(second))
    assert both.why == "mpi_roof_2018a.csv with mpi_roof_2018b.csv, as given"


def test_of_a_name_with_one_file_the_rest_is_told_for_a_given_folder_too(world: World) -> None:
    world = world.declare(local=[["mine*.txt"]])
    for name in ("mine1.txt", "mine2.txt"):
        world.put(name, OTHER_NUMBERS)

    source = resolve(world.info, path=world.data)

    assert source.files == (str(world.data / "mine1.txt"),)
    assert "mine1.txt is the first of 2 that match mine*.txt" in source.why


def test_a_folder_without_any_known_name_asks_for_the_files(world: World, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()

    with pytest.raises(DataError, match=r"mine\*\.txt, .*each with --data numbers=FILE"):
        resolve(world.info, path=tmp_path / "own")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_pipes_devices_and_links_to_themselves_are_passed_over(world: World) -> None:
    world.put("mine3.txt", OTHER_NUMBERS)
    os.mkfifo(world.data / "mine1.txt")
    os.mkfifo(world.data / "numbers.txt")
    (world.data / "mine2.txt").symlink_to("/dev/zero")
    (world.data / "mine4.txt").symlink_to(world.data / "mine4.txt")

    source = resolve(world.info, download=forbidden)

    assert source.files == (str(world.data / "mine3.txt"),)
    for name in ("mine1.txt", "mine2.txt"):
        with pytest.raises(DataError, match="is neither a file nor a folder; give"):
            resolve(world.info, path=world.data / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_where_the_index_of_digests_was_hinders_nobody(world: World) -> None:
    world.put("mine.txt", NUMBERS)
    world.cache.mkdir()
    os.mkfifo(world.cache / "digests.json")

    assert resolve(world.info, path=world.data / "mine.txt").fingerprint.startswith("sha256:")


def test_notes_of_foreign_meta_are_texts_or_nothing() -> None:
    assert notes_of({"notes": ["a", 3, None, "b"]}) == ["a", "b"]
    assert notes_of({"notes": "abc"}) == notes_of({}) == []


def test_verify_tells_what_a_run_would_make_of_a_file_and_stores_nothing(
    verify: Verify, tmp_path: Path
) -> None:
    file = tmp_path / "weather.csv"
    file.write_text(hours(0, 1600, "%Y-%m-%d %H:%M:%S"))

    status, said = verify(file)

    lines = said.splitlines()
    assert status == 0
    assert lines[0] == f"jena: ok: {file}: can be read as local data"
    assert lines[1].startswith("  read as it is written: times written as yyyy-mm-dd")
    assert lines[2].startswith("  split in the published proportions: training from 2018-01-01")
    assert lines[3] == "1 checked, none damaged"
    assert not (tmp_path / "cache" / "prepared").exists()


def test_verify_names_all_that_is_wrong_with_a_file(verify: Verify, tmp_path: Path) -> None:
    file = tmp_path / "weather.csv"
    file.write_text("day,time,temp\n1/2/2018,0:00,3\n")

    status, said = verify(file)

    assert status == 1
    assert said.startswith(f"jena: DAMAGED: {file}: line 1: has no column 'T (degC)'")
    assert "has times like '0:00', which are no dates and times; write them as dd.mm.yyyy" in said
    assert "1 checked, 1 damaged" in said


def test_verify_takes_several_files_of_one_task_together(verify: Verify, tmp_path: Path) -> None:
    first, second = halves(tmp_path / "exports")

    together = verify(f"jena={first}", f"jena={second}")
    folder = verify(tmp_path / "exports")

    assert together[0] == folder[0] == 0
    for said in (together[1], folder[1]):
        assert "  2 files are read as one series" in said
        assert "1 checked, none damaged" in said


def test_the_name_of_a_file_tells_its_task_or_the_user_is_asked(
    verify: Verify, tmp_path: Path
) -> None:
    packed, unknown = tmp_path / "weather.csv.gz", tmp_path / "weather.dat"
    packed.write_bytes(gzip.compress(hours(0, 1600).encode()))
    unknown.write_text(hours(0, 1600))
    reviews = tmp_path / "reviews.npz"
    reviews.write_bytes(b"no npz")

    assert verify(packed)[1].startswith(f"jena: ok: {packed}")
    assert verify(reviews)[1].startswith(f"imdb: DAMAGED: {reviews}: damaged or of another layout")
    status, said = verify(unknown)
    assert status == 2
    assert f"its name does not tell its task; write imdb={unknown} or jena={unknown}" in said
    assert verify(f"jena={unknown}")[0] == 0


def test_an_unknown_task_is_still_answered_with_the_nearest(verify: Verify) -> None:
    status, said = verify("jenna")

    assert status == 2
    assert "unknown task 'jenna' (did you mean 'jena'?)" in said
