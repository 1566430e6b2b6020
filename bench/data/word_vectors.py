"""Download published word vectors: the one file of the archive, checked by its layout."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data.digests import Digests, cache_folder, data_folder, offline
from bench.data.download import (
    STAGING,
    NotDelivered,
    Patience,
    not_writable,
    transfer,
    wait_for_answer,
)
from bench.data.official import OfficialFile
from bench.errors import CannotRun, DownloadFailed
from bench.files import sweep

# Files that plugins name in ``FILES``: where they lie, and how they are recognised


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


def path_of(name: str, beside: Path) -> Path:
    """Return where a file that a plugin needs lies: beside the plugin, else in the data folder.

    Args:
        name: The file's name.
        beside: The plugin's own file.

    Raises:
        CannotRun: It is in neither folder; says how to get it.
    """
    for folder in (beside.parent, data_folder()):
        path = folder / name
        if path.is_file():
            return path
    raise CannotRun(absence_of(name))


def digest_of(name: str, beside: Path) -> str | None:
    """Return "sha256:" and the digest of a file that a plugin needs, None if it is not there.

    It is looked for as in ``path_of``.

    Raises:
        DataError: It cannot be read.
    """
    try:
        path = path_of(name, beside)
    except CannotRun:
        return None
    return Digests(cache_folder()).fingerprint((path,))


def absence_of(name: str) -> str:
    """Say that a file that a plugin needs is not there, and how to get it."""
    known = [known for known, vectors in PUBLISHED.items() if vectors.file == name]
    fetch = f"run `python -m bench data fetch {known[0]}`, or " if known else ""
    return f"needs {name}, neither beside it nor in the data folder; {fetch}put it there"


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


_CHUNK = 1 << 20


def fetch_word_vectors(name: str, folder: Path, patience: Patience | None = None) -> None:
    """Bring published word vectors into a folder, unless they are there.

    The archive is taken from the folder where it lies there, else downloaded and not
    kept. The file gets its name once it is whole and of the published layout.

    Raises:
        DownloadFailed: No connection, a refusal, or other content; also where the folder
            cannot be written.
    """
    vectors = PUBLISHED[name]
    patience = patience or Patience()
    try:
        if (folder / vectors.file).exists():
            _judge(vectors, folder / vectors.file, "move it away")
            return
        given = folder / vectors.archive.name
        if not given.exists():
            _wait_for_answer(vectors, patience)
        sweep(folder, STAGING)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as staging:
            archive = given if given.exists() else Path(staging) / given.name
            if archive != given:
                transfer(vectors.archive, archive.parent, patience)
            unpacked = Path(staging) / vectors.file
            _unpack(vectors, archive, unpacked)
            os.chmod(unpacked, 0o644)
            os.replace(unpacked, folder / vectors.file)
    except NotDelivered as error:
        raise DownloadFailed(
            f"{name}: no {vectors.file} in {folder}, {error}; fix that and run "
            f"`python -m bench data fetch {name}`, or put {vectors.file} or "
            f"{vectors.archive.name} there yourself",
            str(error),
        ) from None
    except OSError as error:
        raise not_writable(folder, error) from None


def _wait_for_answer(vectors: WordVectors, patience: Patience) -> None:
    if offline():
        raise NotDelivered("no download since BENCH_OFFLINE is set")
    wait_for_answer(str(vectors.archive.url), patience)


def _unpack(vectors: WordVectors, archive: Path, to: Path) -> None:
    """Write one member of an archive to a file of our own naming, and judge it.

    Raises:
        NotDelivered: The archive is another or damaged, or its file has another layout.
    """
    size = archive.stat().st_size
    if size != vectors.archive.size:
        raise NotDelivered(f"{archive.name} has {size} bytes, not {vectors.archive.size}")
    try:
        with zipfile.ZipFile(archive) as zipped, zipped.open(vectors.file) as member:
            if zipped.getinfo(vectors.file).file_size > vectors.largest:
                raise NotDelivered(f"{vectors.file} of {archive.name} has too many bytes")
            with to.open("wb") as file:
                # A member that is longer than it says ends in a wrong CRC.
                while chunk := member.read(_CHUNK):
                    file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise NotDelivered(f"{archive.name} is damaged ({error})") from None
    _judge(vectors, to, f"{archive.name} is another")


def _judge(vectors: WordVectors, file: Path, conclusion: str) -> None:
    wrong = difference_from_published(vectors, file)
    if wrong:
        raise NotDelivered(f"{file.name} {wrong}: {conclusion}")
