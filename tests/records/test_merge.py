"""Results folders that are put together: nothing lost, nothing twice, nothing trusted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from builders import a_record, edited
from command_line import call, complaint

from bench.errors import BenchError
from bench.protocol import FAILED
from bench.records import merge as merging
from bench.records.record import Record
from bench.records.store import Store


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]):
    return partial(call, capsys)


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]):
    return partial(complaint, capsys)


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def folder_of(name: str, *records: Record, predictions: bytes | None = b"numbers") -> Path:
    for record in records:
        Store(Path(name)).write(record, predictions)
    return Path(name)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_records_of_several_folders_come_into_one_to_the_byte(bench):
    one = folder_of("one", a_record(seed=0), a_record("jena_naive", minute=1))
    two = folder_of(
        "two", a_record(seed=1, minute=2), a_record(minute=3, status=FAILED, reason="no")
    )
    status, out, err = bench("merge", one, two, "--into", "all")

    assert (status, out) == (0, "all: 4 records copied, 0 already there, none refused\n")
    assert files(Path("all")) == {**files(one), **files(two)}
    assert "python -m bench report --results all" in err


def test_what_is_there_already_is_not_copied_again(bench):
    one = folder_of("one", a_record(seed=0), a_record(seed=1))
    bench("merge", one, "--into", "all")
    before = files(Path("all"))
    status, out, _ = bench("merge", one, one, "--into", "all")

    assert (status, out) == (0, "all: 0 records copied, 4 already there, none refused\n")
    assert files(Path("all")) == before


def test_the_target_keeps_what_it_has(bench):
    one = folder_of("one", a_record(seed=0, minute=1))
    target = folder_of("all", a_record(seed=0, minute=2), a_record(seed=5))
    before = files(target)
    bench("merge", one, "--into", target)
    assert files(target) == {**before, **files(one)}


def test_records_of_one_trial_that_differ_are_all_kept_and_named(bench):
    one = folder_of("one", a_record(quality=0.26, minute=1))
    two = folder_of("two", a_record(quality=0.27, minute=2))
    status, _, err = bench("merge", one, two, "--into", "all")

    assert status == 0
    assert len(Store(Path("all")).read().records) == 2
    (line,) = [line for line in err.splitlines() if "differ" in line]
    assert "jena_gru seed 0: mae 0.26 on A Processor @ 3 GHz, 2025-01-02T03:01" in line
    assert "mae 0.27 on A Processor @ 3 GHz, 2025-01-02T03:02" in line


def test_the_same_result_measured_twice_is_no_conflict(bench):
    one = folder_of("one", a_record(minute=1))
    two = folder_of("two", a_record(minute=2))
    _, _, err = bench("merge", one, two, "--into", "all")
    assert "differ" not in err


def test_two_records_of_one_name_are_both_kept_with_their_predictions(bench):
    one = folder_of("one", a_record(quality=0.26), predictions=b"first")
    two = folder_of("two", a_record(quality=0.27), predictions=b"second")
    for _ in range(2):  # Merged again, neither is there a second time.
        status, _, _ = bench("merge", one, two, "--into", "all")
        assert status == 0
        target = Store(Path("all"))
        found = {
            record.metrics["validation"]["mae"]: record.predictions
            for record in target.read().records
        }
        assert sorted(found) == [0.26, 0.27]
        contents = [
            (Path("all/jena/jena_gru") / kept.file).read_bytes()
            for _, kept in sorted(found.items())
        ]
        assert contents == [b"first", b"second"]


def test_an_edited_record_is_refused_and_the_others_are_there(bench):
    one = folder_of("one", a_record(seed=0), a_record(seed=1))
    path = min(one.rglob("*.json"))
    record = Store(one).read().records[0]
    path.write_text(edited(record, reason="improved"), encoding="utf-8")
    status, out, err = bench("merge", one, "--into", "all")

    assert (status, out) == (1, "all: 1 record copied, 0 already there, 1 refused\n")
    assert f"refused: {path}: does not match its own digest: it was edited or damaged" in err
    assert path.exists()


def test_edited_predictions_are_refused_with_their_record(bench):
    one = folder_of("one", a_record())
    (beside,) = one.rglob("*.npz")
    beside.write_bytes(b"numberz")
    status, _, err = bench("merge", one, "--into", "all")

    assert status == 1
    assert "is not the file that the record was written with" in err
    assert Store(Path("all")).read().records == ()


def test_a_record_without_its_predictions_comes_and_is_named(bench):
    one = folder_of("one", a_record())
    (beside,) = one.rglob("*.npz")
    beside.unlink()
    status, _, err = bench("merge", one, "--into", "all")

    assert status == 0
    assert "its predictions are gone" in err
    assert files(Path("all")) == files(one)


def test_a_record_of_an_older_form_is_copied_as_it_is(bench):
    old = Path(__file__).parent / "v1"
    record = next(old.rglob("*.json"))
    made = Path("one/jena/model")
    made.mkdir(parents=True)
    shutil.copy(record, made)
    status, _, _ = bench("merge", "one", "--into", "all")
    assert status == 0
    (copied,) = Path("all").rglob("*.json")
    assert json.loads(copied.read_bytes())["schema_version"] == 1
    assert copied.read_bytes() == record.read_bytes()


def test_a_merge_that_was_interrupted_is_repeated(monkeypatch):
    one = folder_of("one", *(a_record(seed=seed, minute=seed) for seed in range(4)))
    written = Store.copy
    count = 0

    def killed_at_the_third(*given: object) -> Path:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return written(*given)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "copy", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            merging.merge([one], Path("all"), lambda folder: None)
    assert len(Store(Path("all")).read().records) == 2
    done = merging.merge([one], Path("all"), lambda folder: None)
    assert (done.copied, done.known) == (2, 2)
    assert files(Path("all")) == files(one)


def test_a_full_disk_is_one_line_and_leaves_whole_records(monkeypatch):
    one = folder_of("one", a_record(seed=0), a_record(seed=1))

    def full(*anything: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.records.store.write_whole", full)
    with pytest.raises(BenchError, match="No space left on device"):
        merging.merge([one], Path("all"), lambda folder: None)
    assert files(Path("all")) == {}


def test_folders_that_hold_nothing_are_refused_before_anything_is_written(error):
    one = folder_of("one", a_record())
    Path("empty").mkdir()
    assert "empty: holds no records" in error("merge", one, "empty", "--into", "all")
    assert "gone: is no folder" in error("merge", one, "gone", "--into", "all")
    assert "one: is what --into names" in error("merge", one, "--into", "one/../one")
    assert not Path("all").exists()


def test_a_renamed_file_is_known_again(bench):
    one = folder_of("one", a_record())
    (path,) = one.rglob("*.json")
    path.rename(path.with_name("mine.json"))
    for copied in (1, 0):
        _, out, _ = bench("merge", one, "--into", "all")
        assert f"{copied} record{'s' * (copied == 0)} copied" in out
    (record,) = Store(Path("all")).read().records
    assert record.predictions is not None
    beside = next(Path("all").rglob("*.npz"))
    assert (beside.name, beside.read_bytes()) == (record.predictions.file, b"numbers")
    assert replace(record, predictions=None) == a_record()
