"""Encoded reviews are made once and kept: the same numbers, whatever happens to the folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from text_world import all_inputs, made_data, opened

from bench.data import encoded
from bench.data import ready as module
from bench.data.encoded import ENCODED, keep
from bench.data.prepared import open_prepared, write_folder
from bench.registry.tasks import read_task
from bench.task import Array, Prepared
from bench.text import opening
from bench.text.opening import Bits, Cells, Form, Rows, form_of
from bench.text.views import ENCODINGS

PARTS = ("train", "validation", "test")
LABEL = {"view": "a made one"}

#: Says so in a file when it makes the arrays, which takes a while.
MAKER = """
import sys, time
from pathlib import Path
import numpy as np
from bench.data.encoded import keep
folder, said, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
def make():
    with said.open("a") as stream:
        stream.write("made\\n")
    print("making", flush=True)
    time.sleep(seconds)
    return {"numbers": np.arange(7)}
print(keep(folder, {"view": "a made one"}, make)["numbers"].tolist())
"""


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """Small reviews as a run finds them: on disk, with nothing encoded yet."""
    # A test of the numbers has no use for waiting until they are on the disk.
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    folder = tmp_path / "prepared" / "imdb-v1-local-0-l2"
    write_folder(folder, made_data(), {})
    encoded._tell_once.cache_clear()
    return open_prepared(folder)


@pytest.fixture
def folder(stored: Prepared) -> Path:
    """The folder of the stored reviews."""
    assert stored.folder is not None
    return stored.folder


def kept_folders(prepared: Path) -> list[Path]:
    root = prepared.parent / ENCODED
    return sorted(root.iterdir()) if root.is_dir() else []


def numbers() -> dict[str, Array]:
    return {"numbers": np.arange(7)}


def not_again() -> dict[str, Array]:
    raise AssertionError("arrays that are there were made again")


def start_maker(folder: Path, said: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKER, str(folder), str(said), str(seconds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_kept_is_bit_for_bit_what_is_encoded(stored: Prepared, encoding: str) -> None:
    made = replace(stored, folder=None)
    choice = np.array([3, 0, 3, 1])
    hashes = encoding in ("hashed", "bigrams", "trigrams")
    for reverse, maxlen, num_words, dimensions in product(
        (False, True), (6, None), (6, 300, None), (7, 70_000) if hashes else (7,)
    ):
        if encoding == "one_hot" and (maxlen is None or num_words is None):
            continue
        view = {
            "encoding": encoding,
            "reverse": reverse,
            "maxlen": maxlen,
            "num_words": num_words,
            "dimensions": dimensions,
        }
        tasks = [opened(stored, **view), opened(stored, **view), opened(made, **view)]
        for part in PARTS:
            first, again, plain = (getattr(task, part) for task in tasks)
            for chosen in (np.arange(len(plain)), choice, choice[:0]):
                expected = plain.gather(chosen)
                for batch in (first.gather(chosen), again.gather(chosen)):
                    assert (batch.dtype, batch.shape) == (expected.dtype, expected.shape)
                    assert batch.tobytes() == expected.tobytes()
                    assert batch.flags.c_contiguous
                    assert batch.flags.writeable


@pytest.mark.parametrize(
    "form",
    [
        *(Rows(9, largest) for largest in (255, 256, 65_535, 65_536)),
        *(Bits(width) for width in (7, 8, 9)),
        *(Cells(width, valued) for width in (9, 30_000) for valued in (False, True)),
    ],
)
def test_every_form_gives_back_what_it_was_given(form: Form) -> None:
    random = np.random.default_rng(0)
    width: int = getattr(form, "width")  # noqa: B009
    if isinstance(form, Rows):
        rows = random.integers(0, form.largest + 1, (11, width)).astype(np.int32)
        rows[0] = form.largest
    else:
        rows = (random.random((11, width)) < 0.2).astype(np.float32)
        rows[3] = 0
        if isinstance(form, Cells) and form.valued:
            rows *= random.random(rows.shape).astype(np.float32)
    stored = form.pack(iter([rows[:4], rows[4:8], rows[8:]]), 11)
    order = random.permutation(11)
    assert form.expand(stored, order).tobytes() == rows[order].tobytes()
    assert sum(array.nbytes for array in stored.values()) <= form.size(11, rows.size)


def test_a_second_trial_does_not_encode(stored: Prepared) -> None:
    expected = all_inputs(opened(stored).test)
    blank = {name: np.zeros_like(array) for name, array in stored.arrays.items()}
    again = opened(replace(stored, arrays={**blank, "test_labels": stored.arrays["test_labels"]}))
    assert all_inputs(again.test).tolist() == expected.tolist()


def test_the_first_reviews_of_any_part_have_all_parts_made(stored: Prepared, folder: Path) -> None:
    task = opened(stored)
    task.train.gather(np.arange(1))
    assert len(kept_folders(folder)) == len(PARTS)
    assert not [path for path in kept_folders(folder) if path.suffix == ".lock"]


def test_counting_makes_nothing(
    stored: Prepared, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = read_task(Path(__file__).parents[2] / "datasets" / "imdb.py")
    monkeypatch.setattr(module, "prepare", lambda *_, **__: folder)
    ready = module.prepare_task(info, "synthetic", None, str)
    assert ready.training_examples({"encoding": "hashed"}) == 16
    assert len(opened(stored, encoding="characters").train.only(np.arange(3))) == 3
    assert kept_folders(folder) == []


def test_reviews_that_are_not_stored_are_encoded_as_ever() -> None:
    assert made_data().folder is None
    assert all_inputs(opened().test).shape == (12, 500)


def test_one_hot_words_are_made_of_kept_ranks(stored: Prepared, folder: Path) -> None:
    view = {"maxlen": 6, "num_words": 9}
    opened(stored, encoding="one_hot", **view).test.gather(np.arange(1))
    made = kept_folders(folder)
    opened(stored, **view, dimensions=7).test.gather(np.arange(1))
    assert kept_folders(folder) == made


@pytest.mark.parametrize(
    "other", [{"maxlen": 7}, {"reverse": True}, {"num_words": 8}, {"encoding": "characters"}]
)
def test_other_views_are_kept_apart(stored: Prepared, folder: Path, other: dict[str, Any]) -> None:
    view = {"maxlen": 6, "num_words": 9}
    for options in (view, view | other):
        opened(stored, **options).test.gather(np.arange(1))
    assert len(kept_folders(folder)) == 2 * len(PARTS)


def test_a_changed_encoder_finds_nothing_it_did_not_make(
    stored: Prepared, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(stored).test.gather(np.arange(1))
    monkeypatch.setattr(opening, "_code", lambda: "an encoder with another source")
    opened(stored).test.gather(np.arange(1))
    assert len(kept_folders(folder)) == 2 * len(PARTS)


def test_arrays_of_other_data_are_not_taken_for_these(folder: Path) -> None:
    keep(folder, LABEL, numbers)
    other = Prepared({"values": np.arange(3)}, {})
    elsewhere = folder.parent.with_name("elsewhere") / folder.name
    write_folder(elsewhere, other, {})
    elsewhere.rename(folder.with_name("other"))
    folder.rename(folder.with_name("gone"))
    folder.with_name("other").rename(folder)
    made = keep(folder, LABEL, lambda: {"numbers": np.arange(3)})
    assert made is not None
    assert made["numbers"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("view", [{"maxlen": 500}, {"encoding": "counts", "num_words": 40_000}])
def test_a_view_too_large_to_keep_is_encoded_each_time(
    stored: Prepared, folder: Path, view: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LARGEST_VIEW", 10_000)
    expected = all_inputs(opened(**view).test)
    assert (all_inputs(opened(stored, **view).test) == expected).all()
    assert kept_folders(folder) == []


def test_estimators_that_gather_once_and_everything_keep_nothing() -> None:
    reviews, items = 50_000, 12_000_000
    fed_to_keras = form_of("bigrams", 2 * 500, 220_000)
    fed_to_estimators = form_of("bigrams", 2 * 1000, 1_088_000)
    assert fed_to_keras is not None
    assert fed_to_estimators is not None
    assert fed_to_keras.size(reviews, items) <= opening.LARGEST_VIEW
    assert fed_to_estimators.size(reviews, items) > opening.LARGEST_VIEW


def cut(folder: Path) -> None:
    path = folder / "numbers.npy"
    path.write_bytes(path.read_bytes()[:-1])


def reshape(folder: Path) -> None:
    path = folder / "numbers.npy"
    path.write_bytes(path.read_bytes().replace(b"(7,)", b"(6,)"))


def remove(folder: Path) -> None:
    (folder / "numbers.npy").unlink()


def garble(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


@pytest.mark.parametrize("harm", [cut, reshape, remove, garble])
def test_damaged_arrays_are_made_again(folder: Path, harm: Callable[[Path], None]) -> None:
    keep(folder, LABEL, numbers)
    (damaged,) = kept_folders(folder)
    harm(damaged)
    for make in (numbers, not_again):
        found = keep(folder, LABEL, make)
        assert found is not None
        assert found["numbers"].tolist() == list(range(7))
    assert kept_folders(folder) == [damaged]


def test_kept_arrays_are_mapped_and_cannot_be_written(folder: Path) -> None:
    found = keep(folder, LABEL, numbers)
    assert found is not None
    assert isinstance(found["numbers"].base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found["numbers"][0] = 7


def test_processes_at_once_make_them_once(folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    makers = [start_maker(folder, said, 0.5) for _ in range(3)]
    answers = [maker.communicate(timeout=60)[0].splitlines()[-1] for maker in makers]
    assert answers == [str(list(range(7)))] * 3
    assert said.read_text() == "made\n"
    assert len(kept_folders(folder)) == 1


def test_threads_at_once_make_them_once(
    stored: Prepared, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(opening, "keep", lambda *args: asked.append(args[1]["part"]) or keep(*args))
    task = opened(stored)
    threads = [threading.Thread(target=all_inputs, args=(task.test,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == sorted(PARTS)


def test_a_killed_process_leaves_nothing_that_is_read(folder: Path, tmp_path: Path) -> None:
    with start_maker(folder, tmp_path / "said.txt", 60) as maker:
        assert maker.stdout is not None
        maker.stdout.readline()
        maker.kill()
    assert all(path.suffix == ".lock" for path in kept_folders(folder))
    found = keep(folder, LABEL, lambda: {"numbers": np.arange(2)})
    assert found is not None
    assert found["numbers"].tolist() == [0, 1]


def test_what_a_killed_process_wrote_is_not_read_and_goes_in_time(folder: Path) -> None:
    leftover = folder.parent / ENCODED / ".building-killed"
    leftover.mkdir(parents=True)
    np.save(leftover / "numbers.npy", np.arange(2))
    os.utime(leftover, (0, 0))
    found = keep(folder, LABEL, numbers)
    assert found is not None
    assert found["numbers"].tolist() == list(range(7))
    assert not leftover.exists()


def test_a_folder_that_cannot_be_written_is_told_once_and_done_without(
    stored: Prepared, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / ENCODED).write_bytes(b"a file where the folder should be")
    for encoding in ("ranks", "hashed"):
        expected = all_inputs(opened(encoding=encoding).test)
        assert (all_inputs(opened(stored, encoding=encoding).test) == expected).all()
    (line,) = capsys.readouterr().err.splitlines()
    assert "encoded views cannot be kept" in line
    assert "set BENCH_CACHE_DIR" in line


def test_nobody_waits_for_ever_for_another_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(folder, LABEL, numbers)
    (made,) = kept_folders(folder)
    garble(made)
    monkeypatch.setattr(encoded, "WAIT_SECONDS", 0.05)
    with FileLock(f"{made}.lock"):
        assert keep(folder, LABEL, not_again) is None
    assert "could not be acquired" in capsys.readouterr().err


def test_arrays_that_nobody_used_for_long_are_swept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        keep(folder, {"view": name}, numbers)
        for path in kept_folders(folder):
            os.utime(path, (0, 0))
    keep(folder, {"view": "c"}, not_again)
    keep(folder, {"view": "d"}, numbers)
    assert len(kept_folders(folder)) == 2
    for name in "cd":
        keep(folder, {"view": name}, not_again)


def test_the_longest_unused_make_room_for_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(folder, {"view": "old"}, numbers)
    (old,) = kept_folders(folder)
    size = sum(path.stat().st_size for path in old.iterdir())
    os.utime(old, (old.stat().st_mtime - 60,) * 2)
    monkeypatch.setattr(encoded, "LARGEST_IN_ALL", 5 * size // 2)
    keep(folder, {"view": "new"}, numbers)
    assert old in kept_folders(folder)
    os.utime(old, (old.stat().st_mtime - 60,) * 2)
    keep(folder, {"view": "latest"}, numbers)
    assert old not in kept_folders(folder)
    assert len(kept_folders(folder)) == 2
