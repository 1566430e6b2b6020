"""Keras' ``imdb.npz`` and its word index, read without trusting them.

The archive's reviews are pickled. Here no pickle may name anything but the few parts of
NumPy that an array of lists of whole numbers is made of, and even these names lead to
plain stand-ins of this module: no code from the file, and none of NumPy's C code, runs.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from bench.errors import DataError
from bench.task import Array
from bench.text.corpus import Corpus, Reviews, drop_unranked

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_LARGEST_MEMBER = 1 << 27  # bytes unpacked; the official file's largest has 14 MB
_MOST_WORDS = 1 << 26  # in one part; each of the official file's has 6 million
_LARGEST_INDEX = 1 << 25  # bytes; the official word index has 1.6 MB
_HIGHEST_RANK = 10_000_000  # a table per rank is held in memory; real reviews have 88,582 words
_Parsed = TypeVar("_Parsed")
_FIX = (
    "fix it as docs/data-files.md says, or get the official one with "
    "`python -m bench data fetch imdb`"
)
_FEWEST = 10  # reviews that can show how all are numbered
_START, _UNKNOWN, _INDEX_FROM = 1, 2, 3  # as keras.datasets.imdb.load_data adds them


class _Refused(Exception):
    """The file holds something that no IMDB file does; says what, and how to fix it."""

    def __init__(self, what: str, fix: str = _FIX) -> None:
        super().__init__(f"{what}; {fix}")


class _Dtype:
    """Stands in for ``numpy.dtype``: remembers its name and byte order."""

    def __init__(self, name: object, *_flags: object) -> None:
        self.name = name
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def numbers(self, content: bytes) -> list[int]:
        """Read whole numbers of this dtype."""
        name = self.name.decode() if isinstance(self.name, bytes) else str(self.name)
        if name not in {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}:
            raise _Refused(f"has numbers of dtype {name[:20]!r} where word ranks belong")
        order = ">" if self.order in (">", b">") else "<"
        return np.frombuffer(content, dtype=order + name).tolist()  # type: ignore[no-any-return]


class _Ndarray:
    """Stands in for ``numpy.ndarray``: remembers what it would be filled with."""

    content: list[Any] | bytes = b""
    dtype: _Dtype | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, _shape, self.dtype, _fortran, self.content = state

    def items(self) -> list[Any]:
        if isinstance(self.content, bytes) and self.dtype is not None:
            return self.dtype.numbers(self.content)
        return list(self.content)


def _reconstruct(*_arguments: object) -> _Ndarray:
    return _Ndarray()


def _frombuffer(content: bytes, dtype: _Dtype, _shape: object, _order: object) -> _Ndarray:
    array = _Ndarray()
    array.content, array.dtype = bytes(content), dtype
    return array


def _scalar(dtype: _Dtype, content: bytes) -> int:
    return dtype.numbers(content)[0]


def _encode(text: str, encoding: str) -> bytes:
    # Pickles of protocol 2 write bytes as text in Latin-1.
    if encoding != "latin1":
        raise _Refused(f"asks for the codec {encoding[:20]!r}")
    return text.encode("latin-1")


_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED: dict[tuple[str, str], object] = {
    **{(module, "_reconstruct"): _reconstruct for module in _MULTIARRAY},
    **{(module, "scalar"): _scalar for module in _MULTIARRAY},
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
    ("numpy", "ndarray"): _Ndarray,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"names {module}.{name}, which no array of word ranks needs") from None

    def persistent_load(self, pid: object) -> Any:
        raise _Refused("refers to objects outside the file")


def read_npz(path: Path, word_index: Path | None) -> Corpus:
    """Read Keras' ``imdb.npz`` and, where given, its word index.

    Raises:
        DataError: a file is damaged, of another layout, or holds anything but word ranks.
    """
    notes: list[str] = []
    train, test = _guarded(path, lambda: _as_ranks(*_parts(path, notes), notes))
    words = None if word_index is None else read_word_index(word_index)
    return Corpus(train, test, words, tuple(notes))


def read_word_index(path: Path) -> list[str]:
    """Read the JSON object from word to rank; return the words by rank, rank 1 first.

    Raises:
        DataError: it is no such object, or two words share a rank.
    """
    return _guarded(path, lambda: _words(path))


def _guarded(path: Path, parse: Callable[[], _Parsed]) -> _Parsed:
    try:
        return parse()
    except _Refused as error:
        raise DataError(f"{path}: {error}") from error
    except MemoryError:
        raise
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({said}); name a file you may read") from error
    except Exception as error:  # a hostile pickle or a cut archive can raise anything
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{path}: damaged or of another layout ({said}); {_FIX}") from error


def _parts(path: Path, notes: list[str]) -> tuple[Reviews, Reviews]:
    with zipfile.ZipFile(path) as archive:
        members = set(archive.namelist())
        missing = [key for key in _KEYS if f"{key}.npy" not in members]
        if missing:
            raise _Refused(
                f"has no array {missing[0]}, only {', '.join(sorted(members)) or 'none'}"
            )
        return _part(archive, "train", notes), _part(archive, "test", notes)


def _as_ranks(train: Reviews, test: Reviews, notes: list[str]) -> tuple[Reviews, Reviews]:
    """Return reviews as word ranks, whether they hold these or what ``load_data`` makes of them.

    It puts 1 before each review, adds 3 to the ranks, writes 2 for a word that was left out,
    and never 3. In ranks proper 1 is the most frequent word.
    """
    ranks = np.concatenate([train.ranks, test.ranks])
    lengths = np.concatenate([train.lengths, test.lengths])
    if len(lengths) < _FEWEST or not lengths.all():
        return train, test
    starts = ranks[np.cumsum(lengths) - lengths]
    led = bool((starts == _START).all())
    if led and ((ranks == _START).sum() > len(starts) or (ranks == _INDEX_FROM).any()):
        raise _Refused(
            "begins every review with 1 as load_data does, yet has other words below 4",
            "save what load_data(start_char=None, oov_char=None, index_from=0) returns",
        )
    if not led:
        if ranks.min() > _INDEX_FROM:
            notes.append(
                "no review has a word below 4, and in word ranks 1 is the most frequent: if "
                f"load_data has added {_INDEX_FROM} to them, subtract it"
            )
        return train, test
    unknown = int((ranks == _UNKNOWN).sum())
    lost = f", {unknown:,} words that it left out are missing" if unknown else ""
    notes.append(f"numbered as Keras' load_data returns them, and put right{lost}")
    return _unshifted(train), _unshifted(test)


def _unshifted(part: Reviews) -> Reviews:
    ranks = np.where(part.ranks > _INDEX_FROM, part.ranks, _INDEX_FROM) - _INDEX_FROM
    ranks, lengths = drop_unranked(ranks.astype(np.uint32), part.lengths)
    return Reviews(ranks, lengths, part.labels)


def _part(archive: zipfile.ZipFile, part: str, notes: list[str]) -> Reviews:
    reviews = _load(archive, f"x_{part}")
    labels = _labels(archive, f"y_{part}", notes)
    if len(labels) != len(reviews):
        raise _Refused(
            f"has {len(reviews)} reviews in x_{part} and {len(labels)} labels in y_{part}"
        )
    lists = _lists(reviews, f"x_{part}")
    ranks = np.array(_flat_numbers(chain.from_iterable(lists), f"x_{part}"), dtype=np.int64)
    if len(ranks) and not (ranks.min() >= 1 and ranks.max() <= _HIGHEST_RANK):
        raise _Refused(f"has word ranks below 1 or above {_HIGHEST_RANK} in x_{part}")
    lengths = np.array([len(item) for item in lists], dtype=np.int64)
    return Reviews(ranks.astype(np.uint32), lengths, labels)


def _labels(archive: zipfile.ZipFile, key: str, notes: list[str]) -> Array:
    """Return labels 0 and 1, shape (n,), uint8; as fractions or truth values they are the same."""
    items = _load(archive, key, kinds="iufbUS")
    for row, label in enumerate(items):
        if not isinstance(label, int | float) or label not in (0, 1):
            raise _Refused(
                f"has labels other than 0 and 1 in {key}: {str(label)[:20]!r} in row {row}",
                "write 0 for a negative and 1 for a positive review",
            )
    kinds = sorted({type(label).__name__ for label in items} - {"int"})
    if kinds:
        notes.append(f"labels in {key} are of type {', '.join(kinds)}, taken as 0 and 1")
    return np.array(items, dtype=np.uint8)


def _lists(items: list[Any], name: str) -> list[Any]:
    lists = []
    words = 0
    for item in items:
        numbers = item.items() if isinstance(item, _Ndarray) else item
        if not isinstance(numbers, (list, tuple)):
            raise _Refused(f"has entries in {name} that are no lists of word ranks")
        words += len(numbers)
        # A pickle may name one list many times, so that a short one holds words without end.
        if words > _MOST_WORDS:
            raise _Refused(f"has more than {_MOST_WORDS:,} words in {name}")
        lists.append(numbers)
    return lists


def _flat_numbers(items: Any, name: str) -> list[int]:
    numbers = list(items)
    odd = set(map(type, numbers)) - {int}
    if odd:
        raise _Refused(f"has {odd.pop().__name__} values in {name} where whole numbers belong")
    return numbers


def _load(archive: zipfile.ZipFile, key: str, kinds: str = "iu") -> list[Any]:
    """Return the items of one array: numbers of the kinds given, or lists (or arrays)."""
    member = archive.getinfo(f"{key}.npy")
    if member.file_size > _LARGEST_MEMBER:
        raise _Refused(f"holds {member.file_size:,} bytes in {key}, too much for reviews")
    with archive.open(member) as stream:
        shape, dtype = _header(stream)
        # Reading to the end makes zipfile compare the checksum.
        content = stream.read(_LARGEST_MEMBER)
    if len(shape) != 1:
        raise _Refused(
            f"has an array of shape {shape} in {key}",
            "save one list of word ranks a review, not padded, and one label",
        )
    if dtype.hasobject:
        loaded = _unpickled(content)
    elif dtype.kind in kinds and dtype.itemsize:
        loaded = np.frombuffer(content, dtype=dtype).tolist()
    else:
        raise _Refused(f"has numbers of dtype {dtype} in {key} where whole numbers belong")
    if shape[0] != len(loaded):
        raise _Refused(f"claims shape {shape} for {key}, which holds {len(loaded)} items")
    return loaded


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _fortran, dtype = read(stream)
    return shape, dtype


def _unpickled(content: bytes) -> list[Any]:
    array = _Unpickler(io.BytesIO(content), encoding="ASCII").load()
    if not isinstance(array, _Ndarray) or not isinstance(array.content, list):
        raise _Refused("holds a pickle that is no array of lists")
    return array.content


def _words(path: Path) -> list[str]:
    with path.open("rb") as file:
        content = file.read(_LARGEST_INDEX + 1)
    if len(content) > _LARGEST_INDEX:
        raise _Refused(f"has more than {_LARGEST_INDEX:,} bytes, too much for a word index")
    index = json.loads(content.decode("utf-8"))
    if not isinstance(index, dict) or not index:
        raise _Refused("is no JSON object from word to rank")
    words: dict[int, str] = {}
    for word, rank in index.items():
        if type(rank) is not int or not 1 <= rank <= 10 * len(index):
            raise _Refused(
                f"gives {word[:40]!r} the rank {str(rank)[:20]}, not a whole number from 1"
            )
        if rank in words:
            raise _Refused(f"gives {words[rank][:40]!r} and {word[:40]!r} the same rank {rank}")
        if not word or "\n" in word:
            raise _Refused(f"has a word that is empty or holds a line break at rank {rank}")
        words[rank] = word
    return [words.get(rank, "?") for rank in range(1, max(words) + 1)]
