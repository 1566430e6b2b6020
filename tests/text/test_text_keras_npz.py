"""Reading Keras' arrays and word index, and what can be wrong with them."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from text_world import as_objects, assert_refused, cut, overwrite

from bench.errors import DataError
from bench.text import keras_npz
from bench.text.reading import read


def write_npz(path: Path, **changed: Any) -> Path:
    arrays: dict[str, Any] = {
        "x_train": as_objects([[1, 2, 3], [2], [], [70_000, 1]]),
        "y_train": np.array([1, 0, 0, 1]),
        "x_test": as_objects([[3, 3], [1]]),
        "y_test": np.array([0, 1]),
        **changed,
    }
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez_compressed(path, **kept)
    return path


def test_keras_arrays_are_read_with_and_without_words(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "imdb.npz")
    corpus = keras_npz.read_npz(path, None)
    assert corpus.words is None
    assert corpus.train.ranks.tolist() == [1, 2, 3, 2, 70_000, 1]
    assert corpus.train.lengths.tolist() == [3, 1, 0, 2]
    assert corpus.test.labels.tolist() == [0, 1]
    index = tmp_path / "imdb_word_index.json"
    index.write_text(json.dumps({"film": 2, "the": 1, "naïve": 4}), encoding="utf-8")
    assert keras_npz.read_npz(path, index).words == ["the", "film", "?", "naïve"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    path = write_npz(tmp_path / "imdb.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (2,)}
    )
    reviews = as_objects([[np.int64(5), 1], np.array([3, 2], dtype=">i4")])
    rewrite(path, "x_test.npy", header.getvalue() + pickle.dumps(reviews, protocol))
    assert keras_npz.read_npz(path, None).test.ranks.tolist() == [5, 1, 3, 2]


def test_old_and_new_module_paths_of_numpy_are_read(tmp_path: Path) -> None:
    for module in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        content = pickle.dumps(as_objects([[4], [5]]), 0)
        content = content.replace(b"numpy._core.multiarray", module)
        content = content.replace(b"numpy.core.multiarray", module)
        path = write_npz(tmp_path / "imdb.npz")
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|O", "fortran_order": False, "shape": (2,)}
        )
        rewrite(path, "x_test.npy", header.getvalue() + content)
        assert keras_npz.read_npz(path, None).test.ranks.tolist() == [4, 5]


def rewrite(path: Path, member: str, content: bytes) -> None:
    with zipfile.ZipFile(path) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, old_content in {**contents, member: content}.items():
            new.writestr(name, old_content)


class RunsCode:
    """Creates a file when unpickled by a reader that trusts it."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (open, (self.target, "w"))


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    path = write_npz(tmp_path / "imdb.npz", x_train=as_objects([RunsCode(str(target))] * 4))
    assert_refused([path], "which no array of word ranks needs")
    assert not target.exists()


@pytest.mark.parametrize("review", [[7] * 1000, np.full(1000, 7)], ids=["list", "array"])
def test_one_review_named_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, review: Any
) -> None:
    """A pickle holds a repeated list once, so that its own size bounds nothing."""
    monkeypatch.setattr(keras_npz, "_MOST_WORDS", 100_000)
    path = write_npz(
        tmp_path / "imdb.npz", x_train=as_objects([review] * 1000), y_train=np.arange(1000) % 2
    )
    assert path.stat().st_size < 20_000
    assert_refused([path], "more than 100,000 words in x_train")


@pytest.mark.parametrize("claimed", [10, 1 << 31])
def test_a_header_that_lies_about_a_members_size_is_refused(tmp_path: Path, claimed: int) -> None:
    path = write_npz(tmp_path / "imdb.npz")
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("x_test.npy").file_size
    old, new = size.to_bytes(4, "little"), claimed.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(old, new))
    assert_refused([path])


def test_a_word_index_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_npz, "_LARGEST_INDEX", 1000)
    index = tmp_path / "imdb_word_index.json"
    index.write_text(json.dumps({"film": 1}) + " " * 1000, encoding="utf-8")
    assert_refused([write_npz(tmp_path / "imdb.npz"), index], "more than 1,000 bytes")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x_train": None}, "no array x_train"),
        ({"y_test": np.array([0, 1, 1])}, "2 reviews in x_test and 3 labels"),
        ({"y_test": np.array([0, 2])}, "labels other than 0 and 1"),
        ({"y_test": np.array([0.0, 0.5])}, "labels other than 0 and 1 in y_test: '0.5' in row 1"),
        ({"y_test": np.array([0, np.nan])}, "'nan' in row 1; write 0 for a negative and 1"),
        ({"y_train": np.array(["pos", "neg"] * 2)}, "labels other than 0 and 1 in y_train: 'pos'"),
        ({"y_train": as_objects(["pos", "neg"] * 2)}, "'pos' in row 0; write 0 for a negative"),
        ({"y_train": np.ones(4)}, "all 4 training reviews are positive (1)"),
        ({"y_test": np.zeros(2)}, "all 2 test reviews are negative (0)"),
        ({"x_test": np.ones((2, 500), dtype=int)}, "shape (2, 500) in x_test; save one list"),
        ({"x_test": as_objects([[1.5], [1]])}, "float values in x_test"),
        ({"x_test": as_objects([["good"], [1]])}, "str values in x_test"),
        ({"x_test": as_objects([[0, 1], [1]])}, "word ranks below 1"),
        ({"x_test": as_objects([[10_000_001], [1]])}, "above 10000000"),
        ({"x_test": np.array([1, 2])}, "no lists of word ranks"),
        ({"x_test": as_objects([[[1], [2]], [1]])}, "list values in x_test"),
    ],
)
def test_arrays_of_another_layout_are_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    assert_refused([write_npz(tmp_path / "imdb.npz", **changed)], said)


@pytest.mark.parametrize("kind", ["float32", "bool"])
def test_labels_of_another_type_are_taken_as_they_are_meant_and_told(
    tmp_path: Path, kind: str
) -> None:
    labels = np.array([1, 0, 0, 1])
    prepared = read([write_npz(tmp_path / "imdb.npz", y_train=labels.astype(kind))])
    plain = read([write_npz(tmp_path / "imdb.npz", y_train=labels)])
    for name, array in plain.arrays.items():
        assert np.array_equal(prepared.arrays[name], array)
    said = "float" if kind == "float32" else "bool"
    assert f"labels in y_train are of type {said}, taken as 0 and 1" in prepared.meta["notes"]
    assert plain.meta["notes"] == ["without words: 1 training review"]


RANKED = [[1, 2, 3, 5], [2, 4], [7, 1, 1], [3], [6, 2], [1, 1]] * 2


def as_loaded(reviews: list[list[int]], num_words: int = 1000) -> Any:
    """Reviews as keras.datasets.imdb.load_data returns them."""
    return as_objects(
        [[1, *(rank + 3 if rank + 3 < num_words else 2 for rank in review)] for review in reviews]
    )


def test_what_load_data_returned_is_ranked_as_the_file_it_read(tmp_path: Path) -> None:
    labels = {"y_train": np.arange(12) % 2, "y_test": np.arange(12) % 2}
    plain = as_objects(RANKED)
    before = keras_npz.read_npz(
        write_npz(tmp_path / "a.npz", x_train=plain, x_test=plain, **labels), None
    )
    loaded = as_loaded(RANKED)
    after = keras_npz.read_npz(
        write_npz(tmp_path / "b.npz", x_train=loaded, x_test=loaded, **labels), None
    )
    assert before.notes == ()
    assert after.notes == ("numbered as Keras' load_data returns them, and put right",)
    for one, two in ((before.train, after.train), (before.test, after.test)):
        assert np.array_equal(one.ranks, two.ranks)
        assert np.array_equal(one.lengths, two.lengths)

    cut_off = as_loaded(RANKED, num_words=9)
    fewer = keras_npz.read_npz(
        write_npz(tmp_path / "c.npz", x_train=cut_off, x_test=cut_off, **labels), None
    )
    assert fewer.train.ranks.max() == 5
    assert fewer.notes[0].endswith("put right, 8 words that it left out are missing")


def test_reviews_numbered_in_a_way_that_cannot_be_told_are_refused_or_doubted(
    tmp_path: Path,
) -> None:
    labels = {"y_train": np.arange(12) % 2, "y_test": np.arange(12) % 2}
    odd = as_objects([[1, *review] for review in RANKED])
    path = write_npz(tmp_path / "imdb.npz", x_train=odd, x_test=odd, **labels)
    assert_refused([path], "begins every review with 1 as load_data does, yet has other words")

    high = as_objects([[rank + 3 for rank in review] for review in RANKED])
    path = write_npz(tmp_path / "imdb.npz", x_train=high, x_test=high, **labels)
    corpus = keras_npz.read_npz(path, None)
    assert corpus.train.ranks.min() == 4
    assert "no review has a word below 4" in corpus.notes[0]


def test_a_cut_or_foreign_file_is_refused(tmp_path: Path) -> None:
    assert_refused([cut(write_npz(tmp_path / "imdb.npz"))])
    assert_refused([overwrite(tmp_path / "imdb.npz")])
    path = write_npz(tmp_path / "imdb.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 8] ^= 0xFF
    path.write_bytes(bytes(content))
    assert_refused([path])


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"a": 0}', '{"a": 1.5}', '{"a": 1, "b": 1}', '{"": 1}', '{"a": 999}'],
)
def test_a_bad_word_index_is_refused(tmp_path: Path, content: str) -> None:
    index = tmp_path / "imdb_word_index.json"
    index.write_text(content, encoding="utf-8")
    assert_refused([write_npz(tmp_path / "imdb.npz"), index])


def test_an_unreadable_path_says_so(tmp_path: Path) -> None:
    (tmp_path / "imdb.npz").mkdir()
    with pytest.raises(DataError, match=r"imdb\.npz: cannot be read .*; name a file"):
        keras_npz.read_npz(tmp_path / "imdb.npz", None)


def test_the_real_reviews_have_the_published_shape() -> None:
    folder = os.environ.get("BENCH_DATA_DIR")
    if not folder:
        pytest.skip("BENCH_DATA_DIR is not set")
    path = Path(folder) / "imdb.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    prepared = read([path])
    assert prepared.meta["reviews"] == {"train": 20_000, "validation": 5_000, "test": 25_000}
    assert prepared.meta["mean_length_with_start"] == {
        "train_and_validation": 238.71,
        "test": 230.80,
    }
    for share in prepared.meta["positive_share"].values():
        assert share == pytest.approx(0.5, abs=0.02)
