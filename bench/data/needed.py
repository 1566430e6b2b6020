"""Files that plugins name in ``FILES``: where they lie, and how they are recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data.bundles import OfficialFile
from bench.data.digests import Digests
from bench.data.folders import cache_folder, data_folder
from bench.errors import CannotRun


@dataclass(frozen=True)
class WordVectors:
    """Published word vectors: ``file`` of ``archive``, and its layout.

    The file has ``words`` lines, each of a word and ``numbers`` numbers between spaces.
    """

    file: str
    archive: OfficialFile
    words: int
    numbers: int

    @property
    def largest(self) -> int:
        """Bytes that the file has at most: few lines are half as long as one may be."""
        return self.words * self.longest_line // 2

    @property
    def longest_line(self) -> int:
        """Bytes that a line has at most; no word or number is nearly as long."""
        return 1024 + 16 * self.numbers


#: What ``python -m bench data fetch`` can bring besides the data of tasks, by name.
PUBLISHED: Mapping[str, WordVectors] = {
    "glove": WordVectors(
        file="glove.6B.100d.txt",
        archive=OfficialFile(
            name="glove.6B.zip",
            url="https://nlp.stanford.edu/data/glove.6B.zip",
            size=862_182_613,
        ),
        words=400_000,
        numbers=100,
    )
}


def path_of(name: str) -> Path:
    """Return where a file that a plugin needs lies in the data folder.

    Raises:
        CannotRun: It is not there; says how to get it.
    """
    path = data_folder() / name
    if not path.is_file():
        raise CannotRun(absence_of(name))
    return path


def digest_of(name: str) -> str | None:
    """Return "sha256:" and the digest of a file that a plugin needs, None if it is not there.

    Raises:
        DataError: It cannot be read.
    """
    path = data_folder() / name
    return Digests(cache_folder()).fingerprint((path,)) if path.is_file() else None


def absence_of(name: str) -> str:
    """Say that a file that a plugin needs is not there, and how to get it."""
    known = [known for known, vectors in PUBLISHED.items() if vectors.file == name]
    fetch = f"run `python -m bench data fetch {known[0]}`, or " if known else ""
    return f"needs {name}, not in the data folder; {fetch}put it there"


def difference_from_published(vectors: WordVectors, file: Path) -> str:
    """Return what is different about a file of word vectors, or an empty string.

    The numbers are counted, not read.

    Raises:
        OSError: The file cannot be read.
    """
    lines = 0
    with file.open("rb") as stream:
        while line := stream.readline(vectors.longest_line):
            lines += 1
            numbers = len(line.split()) - 1
            if numbers != vectors.numbers:
                return f"has {numbers} numbers in line {lines}, not {vectors.numbers}"
    return "" if lines == vectors.words else f"has {lines:,} lines, not {vectors.words:,}"
