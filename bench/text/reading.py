"""Which reader a bundle of raw files is for."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.formatting import counted
from bench.task import Array, Prepared
from bench.text.corpus import (
    Corpus,
    Reviews,
    check_classes,
    drop_unranked,
    notes_on,
    prepare,
    rank_words,
)
from bench.text.keras_npz import read_npz


def read(files: Sequence[Path], official: bool = False) -> Prepared:
    """Parse Keras' ``imdb.npz`` (with its word index or without), or aclImdb's archive or folder.

    Of files that are not the official ones the meta's ``notes`` say what is odd in them.

    Raises:
        DataError: the files are damaged, of another layout, or none of these.
    """
    corpus = _corpus(files)
    check_classes(corpus, ", ".join(map(str, files)))
    prepared = prepare(corpus, ", ".join(path.name for path in files))
    return replace(prepared, meta={**prepared.meta, "notes": [] if official else notes_on(corpus)})


def _corpus(files: Sequence[Path]) -> Corpus:
    several = [path for path in files if path.suffix != ".json"]
    if len(several) > 1:
        raise DataError(
            f"{', '.join(map(str, several))}: are {len(several)} sets of reviews, which cannot be "
            "joined; give one"
        )
    for path in files:
        if path.suffix == ".npz":
            index = next((other for other in files if other.suffix == ".json"), None)
            return read_npz(path, index)
        if path.is_dir():
            return read_folder(path)
        if path.name.endswith((".tar.gz", ".tgz")):
            return read_archive(path)
    raise DataError(
        f"{', '.join(map(str, files)) or 'no file'}: not reviews that can be read; give an "
        "imdb.npz, an aclImdb .tar.gz or an aclImdb folder"
    )


# The raw Large Movie Review Dataset: its archive, streamed, or its folder

# The longest review has 14 kB and all have 66 MB: ten times and more leaves room for
# other reviews in the same layout, and none for an archive that unpacks to fill memory.
# With what is skipped, the official archive unpacks to 0.3 GB in 100,000 members.
LARGEST_REVIEW = 1 << 20
LARGEST_TOTAL = 1 << 30
MOST_MEMBERS = 250_000
_LARGEST_HEADER = 1 << 20
_LABELS = {"neg": 0, "pos": 1}
_GROUPS = [f"{part}/{sentiment}" for part in ("train", "test") for sentiment in _LABELS]
_REVIEW = re.compile(r"(?:^|/)((?:train|test)/(?:neg|pos)/(?!\.)[^/]+\.txt)$")
_FIX = (
    "fix it as docs/data-files.md says, or get the official one with "
    "`python -m bench data fetch imdb`"
)
_LAYOUT = "train/pos, train/neg, test/pos and test/neg, each with reviews as .txt files"


def read_archive(path: Path) -> Corpus:
    """Read ``aclImdb*.tar.gz`` without extracting it; ``unsup`` and odd members are skipped.

    Raises:
        DataError: the file is no such archive, is cut short, or holds too much.
    """
    try:
        return _corpus_of(path, dict(_members(path)))
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path}: not a readable .tar.gz ({_one_line(error)}); {_FIX}") from error


def read_folder(path: Path) -> Corpus:
    """Read an extracted ``aclImdb`` folder; links are not followed.

    Raises:
        DataError: a part is missing, or a file cannot be read or holds too much.
    """
    try:
        _check_layout(path)
        return _corpus_of(path, dict(_files(path)))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({_one_line(error)}); {_FIX}") from error


class _Metered(io.RawIOBase):
    """A stream that gives no more bytes than it was allowed since it was last asked.

    A member's size is known before its content is read; that of a header, which may
    hold names without end, is not.
    """

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left = _LARGEST_HEADER

    def allow(self, content: int) -> None:
        """Let a member's content and the header after it be read."""
        self._left = content + _LARGEST_HEADER

    def read(self, size: int = -1) -> bytes:
        """Read on, as files do."""
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise tarfile.ReadError("a header without end")
        return chunk


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    with gzip.open(path, "rb") as unpacked:
        metered = _Metered(unpacked)
        with tarfile.open(fileobj=metered, mode="r|") as archive:
            for number, member in enumerate(archive):
                total += max(member.size, 0)
                _check_total(path, total, number)
                metered.allow(member.size)
                found = _REVIEW.search(member.name)
                if found is None or not member.isfile():
                    continue
                _check_review(path, member.name, member.size)
                content = archive.extractfile(member)
                if content is not None:
                    yield found.group(1), content.read()


def _check_layout(path: Path) -> None:
    missing = [group for group in _GROUPS if not (path / group).is_dir()]
    if not missing:
        return
    there = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    if all(sentiment in there for sentiment in _LABELS):
        where = "the folder above it" if path.name in ("train", "test") else _LAYOUT
        what = "pos and neg, and no training and test reviews"
    else:
        where = _LAYOUT
        what = f"no folder {missing[0]}, only {', '.join(there[:6]) or 'files'}"
    raise DataError(f"{path}: has {what}; give {where}")


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    for group in _GROUPS:
        for file in (path / group).iterdir():
            name = f"{group}/{file.name}"
            if _REVIEW.search(name) is None or file.is_symlink() or not file.is_file():
                continue
            size = file.stat().st_size
            total += size
            _check_total(path, total)
            _check_review(path, name, size)
            yield name, file.read_bytes()


def _corpus_of(path: Path, contents: dict[str, bytes]) -> Corpus:
    for group in _GROUPS:
        if not any(name.startswith(f"{group}/") for name in contents):
            raise DataError(f"{path}: has no reviews in {group}/*.txt; give {_LAYOUT}")
    texts, others = {}, []
    for name, content in contents.items():
        try:
            texts[name] = content.decode("utf-8")
        except UnicodeDecodeError:
            texts[name] = of_one_byte(path, name, content)
            others.append(name)
    corpus = build_corpus(_labelled(texts, "train"), _labelled(texts, "test"))
    if not others:
        return corpus
    first = min(others)
    return replace(
        corpus,
        notes=(f"read as Latin-1: {counted(len(others), 'review')} not in UTF-8 ({first} first)",),
    )


def of_one_byte(path: Path, name: str, content: bytes) -> str:
    """Decode a text as Windows and the web do what they call Latin-1."""
    if b"\0" in content:
        raise DataError(f"{path}: {name} is no text, or UTF-16; save it as UTF-8")
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _labelled(texts: dict[str, str], part: str) -> list[tuple[str, int]]:
    # Neither archives nor folders promise an order, and ranks of equal frequency hang on it.
    names = sorted(name for name in texts if name.startswith(part))
    return [(texts[name], _LABELS[name.split("/")[1]]) for name in names]


def _check_review(path: Path, name: str, size: int) -> None:
    if not 0 <= size <= LARGEST_REVIEW:
        raise DataError(f"{path}: {name} has {size:,} bytes, too much for a review; {_FIX}")


def _check_total(path: Path, total: int, members: int = 0) -> None:
    if total > LARGEST_TOTAL:
        raise DataError(f"{path}: unpacks to more than {LARGEST_TOTAL:,} bytes; {_FIX}")
    if members >= MOST_MEMBERS:
        raise DataError(f"{path}: holds more than {MOST_MEMBERS:,} members; {_FIX}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# Text to words as Keras' text tokenizer does it (``text_to_word_sequence``)


FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_TO_SPACES = str.maketrans(FILTERS, " " * len(FILTERS))


def words_of(text: str) -> list[str]:
    """Return the words of a text: lower case, filter characters to spaces, split at spaces.

    Only spaces part words, so other white space that is no filter character stays
    inside a word, as in Keras.
    """
    return [word for word in text.lower().translate(_TO_SPACES).split(" ") if word]


def build_corpus(train: Iterable[tuple[str, int]], test: Iterable[tuple[str, int]]) -> Corpus:
    """Tokenise (text, label) pairs and rank words by frequency over the training texts.

    Words of equal frequency are ranked in first-seen order; words that only the test
    texts have are dropped.
    """
    (fitted, other), words = build_parts(train, test)
    return Corpus(fitted, other, words)


def build_parts(
    train: Iterable[tuple[str, int]], *others: Iterable[tuple[str, int]]
) -> tuple[list[Reviews], list[str]]:
    """Tokenise parts of the data as ``build_corpus`` does, words ranked over the first alone.

    Returns:
        The parts in order, and the words in the order of their ranks.
    """
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__  # a word not seen before takes the next number
    train_ids, train_lengths, train_labels = _numbered(train, ids)
    known = len(ids)
    numbered = [_numbered(part, ids) for part in others]
    ranks = rank_words(train_ids, len(ids))
    words = np.array(list(ids)[:known], dtype=object)
    words[ranks[:known].astype(np.int64) - 1] = words.copy()
    parts = [Reviews(ranks[train_ids], train_lengths, train_labels)]
    for part_ids, lengths, labels in numbered:
        parts.append(Reviews(*drop_unranked(ranks[part_ids], lengths), labels))
    return parts, words.tolist()


def _numbered(
    texts: Iterable[tuple[str, int]], ids: defaultdict[str, int]
) -> tuple[Array, Array, Array]:
    chunks: list[Array] = []
    labels: list[int] = []
    for text, label in texts:
        chunks.append(np.array([ids[word] for word in words_of(text)], dtype=np.int32))
        labels.append(label)
    return (
        np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int32),
        np.array([len(chunk) for chunk in chunks], dtype=np.int64),
        np.array(labels, dtype=np.min_scalar_type(max(labels, default=0))),
    )
