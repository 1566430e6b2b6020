"""The raw Large Movie Review Dataset: its archive, streamed, or its folder."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.errors import DataError
from bench.text.corpus import Corpus
from bench.text.tokenise import build_corpus

# The longest review has 14 kB and all have 66 MB: ten times and more leaves room for
# other reviews in the same layout, and none for an archive that unpacks to fill memory.
LARGEST_REVIEW = 1 << 20
LARGEST_TOTAL = 1 << 30
_LABELS = {"neg": 0, "pos": 1}
_GROUPS = [f"{part}/{sentiment}" for part in ("train", "test") for sentiment in _LABELS]
_REVIEW = re.compile(r"(?:^|/)((?:train|test)/(?:neg|pos)/(?!\.)[^/]+\.txt)$")
_MEND = "delete it and run `python -m bench data fetch imdb`"


def read_archive(path: Path) -> Corpus:
    """Read ``aclImdb*.tar.gz`` without extracting it; ``unsup`` and odd members are skipped.

    Raises:
        DataError: the file is no such archive, is cut short, or holds too much.
    """
    try:
        return _corpus(path, dict(_members(path)))
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path}: not a readable .tar.gz ({_one_line(error)}); {_MEND}") from error


def read_folder(path: Path) -> Corpus:
    """Read an extracted ``aclImdb`` folder; links are not followed.

    Raises:
        DataError: a part is missing, or a file cannot be read or holds too much.
    """
    try:
        return _corpus(path, dict(_files(path)))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({_one_line(error)}); {_MEND}") from error


def _members(path: Path) -> Iterator[tuple[str, str]]:
    total = 0
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            found = _REVIEW.search(member.name)
            if found is None or not member.isfile():
                continue
            total += member.size
            _check_size(path, member.name, member.size, total)
            content = archive.extractfile(member)
            if content is not None:
                yield found.group(1), _decoded(path, member.name, content.read())


def _files(path: Path) -> Iterator[tuple[str, str]]:
    total = 0
    for group in _GROUPS:
        folder = path / group
        if not folder.is_dir():
            raise DataError(f"{path}: has no folder {group}; {_MEND}")
        for file in folder.iterdir():
            name = f"{group}/{file.name}"
            if _REVIEW.search(name) is None or file.is_symlink() or not file.is_file():
                continue
            size = file.stat().st_size
            total += size
            _check_size(path, name, size, total)
            yield name, _decoded(path, name, file.read_bytes())


def _corpus(path: Path, texts: dict[str, str]) -> Corpus:
    for group in _GROUPS:
        if not any(name.startswith(group) for name in texts):
            raise DataError(f"{path}: has no reviews in {group}/*.txt; {_MEND}")
    return build_corpus(_labelled(texts, "train"), _labelled(texts, "test"))


def _labelled(texts: dict[str, str], part: str) -> list[tuple[str, int]]:
    # Neither archives nor folders promise an order, and ranks of equal frequency hang on it.
    names = sorted(name for name in texts if name.startswith(part))
    return [(texts[name], _LABELS[name.split("/")[1]]) for name in names]


def _check_size(path: Path, name: str, size: int, total: int) -> None:
    if size > LARGEST_REVIEW:
        raise DataError(f"{path}: {name} has {size:,} bytes, too much for a review; {_MEND}")
    if total > LARGEST_TOTAL:
        raise DataError(f"{path}: holds more than {LARGEST_TOTAL:,} bytes of reviews; {_MEND}")


def _decoded(path: Path, name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {name} is not UTF-8 at byte {error.start}; {_MEND}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
