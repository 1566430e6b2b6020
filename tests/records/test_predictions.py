"""Predictions beside a record: read back as they were, or refused as damaged."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_record

from bench.errors import BenchError
from bench.records import predictions
from bench.records.predictions import Predictions
from bench.records.record import Record
from bench.records.store import Store


def packed(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def written(store: Store, content: bytes) -> tuple[Record, Path]:
    path = store.write(a_record(), content)
    (record,) = store.read().records
    return record, path.with_suffix(".npz")


def test_predictions_are_read_back_as_they_were(tmp_path):
    store = Store(tmp_path)
    record, _ = written(store, packed(predictions=np.arange(5.0), targets=np.ones(5)))
    arrays = store.predictions(record)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "predictions": [0, 1, 2, 3, 4],
        "targets": [1, 1, 1, 1, 1],
    }


def test_a_record_says_what_its_predictions_are(tmp_path):
    content = packed(predictions=np.arange(5.0))
    record, path = written(Store(tmp_path), content)
    assert record.predictions == predictions.describe(path.name, content)


def test_a_record_without_predictions_says_so(tmp_path):
    with pytest.raises(BenchError, match=r"jena_gru seed 0: its record has no predictions"):
        Store(tmp_path).predictions(a_record())


@pytest.mark.parametrize("name", ["predictions", "validation_targets", "groups"])
@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array(["x", "y"]), "are no list of numbers but of shape (2,) and type <U1"),
        (np.ones((2, 2, 2)), "are no list of numbers but of shape (2, 2, 2)"),
        (np.ones((2, 0)), "are no list of numbers but of shape (2, 0)"),
        (np.float64(1), "are no list of numbers but of shape ()"),
        (np.array([1j]), "and type <c16"),
        (np.zeros(2, "datetime64[s]"), "are no list of numbers"),
        (np.zeros(2, [("a", "f4")]), "are no list of numbers"),
        (np.array([1e299]), "go beyond 1e+30"),
        (np.array([-np.inf], "float16"), "go beyond 1e+30"),
    ],
)
def test_what_stands_where_numbers_belong_is_refused(tmp_path, name, array, said):
    store = Store(tmp_path)
    record, path = written(store, packed(**{name: array}))
    with pytest.raises(BenchError) as raised:
        store.predictions(record)
    assert str(raised.value).startswith(f"{path}: has {name} that ")
    assert said in str(raised.value)


def test_predictions_may_be_unknown_or_small_in_type_and_other_arrays_are_anything(tmp_path):
    store = Store(tmp_path)
    arrays = {"predictions": np.array([np.nan, 1], "float16"), "more": np.array(["x"])}
    record, _ = written(store, packed(**arrays))
    assert {*store.predictions(record)} == {"predictions", "more"}


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "cannot be read (No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes where"),
        (flip_a_bit, "is not the file that the record was written with"),
        (lambda path: (path.unlink(), path.mkdir()), "is not a regular file"),
    ],
    ids=["deleted", "cut short", "a bit changed", "a folder"],
)
def test_a_damaged_file_is_refused_with_the_mend(tmp_path, harm, said):
    store = Store(tmp_path)
    record, path = written(store, packed(predictions=np.arange(500.0)))
    harm(path)
    with pytest.raises(BenchError) as caught:
        store.predictions(record)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert str(caught.value).endswith("run the trial again with --reuse never")


def test_predictions_of_another_trial_are_not_taken_for_its_own(tmp_path):
    store = Store(tmp_path)
    one = store.write(a_record(seed=1), packed(predictions=np.arange(4.0)))
    other = store.write(a_record(seed=2), packed(predictions=np.arange(4.0) + 1))
    other.with_suffix(".npz").replace(one.with_suffix(".npz"))
    first = next(r for r in store.read().records if r.trial.seed == 1)
    with pytest.raises(BenchError, match=r"bytes where|is not the file that the record was"):
        store.predictions(first)


class RunsCode:
    """Creates a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return (open, (self.target, "w"))


def lying_zip() -> bytes:
    """A member whose header claims ten bytes of a thousand."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("predictions.npy", b"\0" * 1000)
    return buffer.getvalue().replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "content",
    [
        b"numbers",
        b"",
        pickle.dumps([1, 2]),
        lying_zip(),
        packed(predictions=np.arange(9.0))[:-30],
    ],
    ids=["no archive", "nothing", "a pickle", "a lying header", "cut short"],
)
def test_what_an_old_record_cannot_vouch_for_is_read_with_care(tmp_path, content):
    """The first schema kept no digest, so anything may lie under the name."""
    store = Store(tmp_path)
    record, path = written(store, content)
    old = replace(record, predictions=Predictions(path.name, None, None))
    with pytest.raises(BenchError, match=r"cannot be opened \(.*--reuse never$"):
        store.predictions(old)


def test_no_pickle_in_a_file_of_predictions_is_opened(tmp_path):
    target = tmp_path / "ran"
    array = np.empty(1, dtype=object)
    array[0] = RunsCode(target)
    buffer = io.BytesIO()
    np.savez(buffer, predictions=array)
    store = Store(tmp_path / "results")
    record, _ = written(store, buffer.getvalue())

    with pytest.raises(BenchError, match=r"Object arrays cannot be loaded"):
        store.predictions(record)
    assert not target.exists()


def test_predictions_that_unpack_without_end_are_refused(tmp_path, monkeypatch):
    store = Store(tmp_path)
    record, _ = written(store, packed(predictions=np.zeros(100_000)))
    monkeypatch.setattr(predictions, "LARGEST", 10_000)
    with pytest.raises(BenchError, match=r"unpacks to 800,\d+ bytes, more than 10,000"):
        store.predictions(record)


def test_a_member_that_is_no_array_is_refused(tmp_path):
    """NumPy gives what does not begin like an array as bytes."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("predictions.npy", b"no array")

    with pytest.raises(BenchError, match=r"x.npz: has 'predictions' that is no array; run the"):
        predictions.load(tmp_path, Predictions("x.npz", None, None))
