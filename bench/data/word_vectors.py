"""Download published word vectors: the one file of the archive, checked by its layout."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

from bench.data.download import NotDelivered, Patience, transfer, wait_for_answer
from bench.data.fetch import STAGING, DownloadFailed
from bench.data.folders import offline
from bench.data.needed import PUBLISHED, WordVectors, difference_from_published
from bench.files import sweep

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
            f"{name}: no {vectors.file} in {folder}, {error}; mend that and run "
            f"`python -m bench data fetch {name}`, or put {vectors.file} or "
            f"{vectors.archive.name} there yourself",
            str(error),
        ) from None
    except OSError as error:
        raise DownloadFailed(
            f"{folder}: cannot be written ({error.strerror or error}); free some space, mend its "
            "permissions, or set BENCH_DATA_DIR to another folder",
            f"download failed (the folder cannot be written: {error.strerror or error})",
        ) from None


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
