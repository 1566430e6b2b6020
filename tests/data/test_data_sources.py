"""Which data a task runs on, and what the user is told of it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from data_world import (
    NUMBERS,
    OTHER_NUMBERS,
    World,
    delivers,
    forbidden,
    make_world,
    no_connection,
    official_file,
)

from bench.data.sources import resolve
from bench.errors import BenchError, DataError

BY_CONTENT = """
def is_official(files):
    with CALLS.open("a") as calls:
        calls.write("is_official\\n")
    text = files[0].read_text()
    return None if text.startswith("3") else "its first number is not 3"
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_auto_takes_verified_official_data_before_anything_else(world: World) -> None:
    world.put("mine.txt")
    file = world.put("numbers.txt")
    source = resolve(world.info, download=forbidden)
    assert (source.kind, source.files) == ("official", (str(file),))
    assert source.fingerprint == "sha256:" + hashlib.sha256(NUMBERS).hexdigest()
    assert "verified" in source.why


def test_a_wrong_file_of_the_official_name_is_local_and_said_to_be(world: World) -> None:
    world.put("numbers.txt", OTHER_NUMBERS)
    source = resolve(world.info, download=forbidden)
    assert source.kind == "local"
    assert "numbers.txt is not the official file: its sha256 differs" in source.why


def test_a_wrong_file_of_the_official_name_is_local_even_if_not_declared_so(world: World) -> None:
    world.put("numbers.txt", OTHER_NUMBERS)
    assert resolve(world.declare(local=[]).info, download=forbidden).kind == "local"


def test_no_file_is_parsed_before_its_hash_is_known(world: World) -> None:
    """What passes for official may be anything; the task's reader sees it with its digest."""
    world.put("numbers.txt", OTHER_NUMBERS)
    with pytest.raises(DataError):
        resolve(world.info, "official", download=no_connection)
    source = resolve(world.info, download=forbidden)

    assert source.fingerprint == "sha256:" + hashlib.sha256(OTHER_NUMBERS).hexdigest()
    assert world.calls() == []


def test_auto_takes_local_files_before_it_downloads(world: World) -> None:
    world.put("mine_2.txt")
    first = world.put("mine_1.txt")
    notes = world.put("notes.txt")
    source = resolve(world.info, download=forbidden)
    assert (source.kind, source.files) == ("local", (str(first), str(notes)))
    assert "mine_1.txt is the first of 2 that match mine*.txt" in source.why


def test_a_companion_that_is_not_there_is_not_needed(world: World) -> None:
    file = world.put("mine.txt")
    assert resolve(world.info, download=forbidden).files == (str(file),)


def test_auto_downloads_into_an_empty_folder(world: World) -> None:
    source = resolve(world.info, download=delivers(NUMBERS))
    assert source.kind == "official"
    assert "downloaded" in source.why


def test_auto_makes_data_where_there_is_no_network_and_says_why(world: World) -> None:
    source = resolve(world.info, download=no_connection)
    assert (source.kind, source.files, source.fingerprint) == ("synthetic", (), "synthetic-1")
    assert source.why == (
        "official data not found in the data folder, download failed (no connection); "
        "made synthetic data"
    )


def test_offline_skips_the_download(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    source = resolve(world.info)
    assert source.kind == "synthetic"
    assert "BENCH_OFFLINE" in source.why


def test_official_never_falls_back(world: World) -> None:
    world.put("mine.txt")
    with pytest.raises(DataError, match="no network"):
        resolve(world.info, "official", download=no_connection)


def test_official_offline_names_the_mend(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(DataError) as caught:
        resolve(world.info, "official")
    message = str(caught.value)
    assert "BENCH_OFFLINE" in message
    assert "put numbers.txt there yourself" in message
    assert "\n" not in message


def test_local_names_what_was_looked_for_and_where(world: World) -> None:
    with pytest.raises(DataError) as caught:
        resolve(world.info, "local", download=forbidden)
    assert "numbers.txt, mine*.txt, archive" in str(caught.value)
    assert str(world.data) in str(caught.value)


def test_local_takes_the_official_file_as_local_when_asked_to(world: World) -> None:
    world.put("numbers.txt")
    assert resolve(world.info, "local", download=forbidden).kind == "local"


def test_synthetic_is_made_even_where_official_data_are(world: World) -> None:
    world.put("numbers.txt")
    source = resolve(world.info, "synthetic", download=forbidden)
    assert (source.kind, source.fingerprint) == ("synthetic", "synthetic-1")


def test_an_unknown_source_is_refused(world: World) -> None:
    with pytest.raises(BenchError, match="must be one of auto, official, local, synthetic"):
        resolve(world.info, "ofical")


def test_a_given_path_wins_over_the_data_folder(world: World, tmp_path: Path) -> None:
    world.put("numbers.txt")
    mine = tmp_path / "elsewhere.txt"
    mine.write_bytes(OTHER_NUMBERS)
    source = resolve(world.info, path=mine, download=forbidden)
    assert (source.kind, source.files) == ("local", (str(mine),))


def test_a_given_path_is_official_if_its_content_is(world: World, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.dat"
    renamed.write_bytes(NUMBERS)
    assert resolve(world.info, path=renamed, download=forbidden).kind == "official"


def test_a_given_path_brings_its_companions(world: World, tmp_path: Path) -> None:
    mine, notes = tmp_path / "mine.txt", tmp_path / "notes.txt"
    mine.write_bytes(OTHER_NUMBERS)
    notes.write_bytes(b"")
    assert resolve(world.info, path=mine).files == (str(mine), str(notes))


def test_a_given_folder_is_searched_for_bundles(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "mine.txt").write_bytes(OTHER_NUMBERS)
    assert resolve(world.info, path=folder).files == (str(folder / "mine.txt"),)


def test_a_given_path_that_is_not_there_is_an_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.txt: does not exist; give"):
        resolve(world.info, path=tmp_path / "absent.txt")


def test_a_given_path_cannot_pass_as_official_when_it_is_not(world: World, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(OTHER_NUMBERS)
    with pytest.raises(DataError, match="is not the official data of numbers"):
        resolve(world.info, "official", mine)


def test_md5_verifies_where_no_sha256_is_published(world: World) -> None:
    world = world.declare(official=[[official_file("numbers.txt", NUMBERS, algorithm="md5")]])
    world.put("numbers.txt")
    assert resolve(world.info, download=forbidden).kind == "official"
    world.put("numbers.txt", OTHER_NUMBERS)
    assert "its md5 differs" in resolve(world.info, download=forbidden).why


def test_without_a_published_hash_the_task_judges_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch, BY_CONTENT)
    world = world.declare(official=[[{"name": "numbers.txt"}]])
    world.put("numbers.txt")
    assert resolve(world.info, download=forbidden).kind == "official"
    assert resolve(world.info, download=forbidden).kind == "official"
    assert world.calls() == ["is_official"], "the same content is judged once"
    world.put("numbers.txt", OTHER_NUMBERS)
    source = resolve(world.info, download=forbidden)
    assert source.kind == "local"
    assert "its first number is not 3" in source.why


def test_what_nobody_can_verify_is_local(world: World) -> None:
    world = world.declare(official=[[{"name": "numbers.txt"}]])
    world.put("numbers.txt")
    source = resolve(world.info, download=forbidden)
    assert source.kind == "local"
    assert "cannot be verified" in source.why


def test_the_fingerprint_is_of_the_content_not_of_the_name(world: World, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for path, content in zip(paths, (OTHER_NUMBERS, OTHER_NUMBERS, b"9\n"), strict=True):
        path.write_bytes(content)
    first, second, third = (resolve(world.info, path=path).fingerprint for path in paths)
    assert first == second != third


def test_the_fingerprint_of_a_folder_covers_names_and_contents(world: World) -> None:
    archive = world.data / "archive"
    (archive / "pos").mkdir(parents=True)
    (archive / "pos" / "1.txt").write_bytes(b"good")
    seen = [resolve(world.info, download=forbidden).fingerprint]
    (archive / "pos" / "1.txt").rename(archive / "pos" / "2.txt")
    seen.append(resolve(world.info, download=forbidden).fingerprint)
    (archive / "pos" / "2.txt").write_bytes(b"bad")
    seen.append(resolve(world.info, download=forbidden).fingerprint)
    assert len(set(seen)) == 3


def test_a_file_is_not_read_again_while_size_and_time_are_the_same(world: World) -> None:
    file = world.put("mine.txt", b"1\n2\n")
    before = file.stat()
    first = resolve(world.info, download=forbidden)
    world.put("mine.txt", b"8\n9\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert resolve(world.info, download=forbidden) == first


def test_a_damaged_index_of_digests_is_made_again(world: World) -> None:
    file = world.put("mine.txt")
    first = resolve(world.info, download=forbidden)
    index = world.cache / "digests.json"
    for damaged in ("", "{", "[]", '{"version": 1, "digests": 3}', '{"version": 0}'):
        index.write_text(damaged)
        assert resolve(world.info, download=forbidden) == first
    assert any(str(file) in key for key in json.loads(index.read_text())["digests"])


def test_a_changed_file_has_another_fingerprint(world: World) -> None:
    world.put("mine.txt", NUMBERS)
    first = resolve(world.info, download=forbidden)
    world.put("mine.txt", OTHER_NUMBERS)
    assert resolve(world.info, download=forbidden).fingerprint != first.fingerprint


def test_a_source_is_plain_data(world: World) -> None:
    world.put("mine.txt")
    source = resolve(world.info, download=forbidden)
    assert json.loads(json.dumps(asdict(source)))["kind"] == "local"


def test_a_file_beside_the_task_file_is_official_where_its_hash_is_the_declared_one(
    world: World,
) -> None:
    """A task of one's own says by OFFICIAL which data its published figures are of."""
    beside = replace(world.info, data={"file": "numbers.txt"}, local=[["numbers.txt"]])
    file = beside.path.parent / "numbers.txt"
    file.write_bytes(NUMBERS)
    source = resolve(beside, download=forbidden)
    assert (source.kind, source.files) == ("official", (str(file),))
    assert source.why == "found beside the task file, verified"
    file.write_bytes(OTHER_NUMBERS)
    assert resolve(beside, download=forbidden).kind == "local"
