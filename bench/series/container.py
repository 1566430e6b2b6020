"""The bytes of a series: a CSV file as it lies on disk, or the one CSV inside a zip."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.errors import DataError

# A station writes about 10 MB a year, so this is decades of data; a zip bomb is far more.
LARGEST = 1 << 30


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Return the CSV text of a file, unpacked in memory if it is a zip.

    Raises:
        DataError: The file cannot be read, is empty, is larger than ``largest`` bytes when
            unpacked, or is a zip that is damaged or holds anything but one CSV file.
    """
    with open_series(path, largest) as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise DataError(f"{path}: unpacks to more than {largest:,} bytes; give the CSV itself")
    if not content.strip():
        raise DataError(f"{path}: is empty; fetch or export it again")
    return content


@contextmanager
def open_series(path: Path, largest: int = LARGEST) -> Iterator[IO[bytes]]:
    """Open the CSV text of a file, or of the CSV inside a zip, as a stream of bytes.

    A zip member's checksum is verified by reading it to its end.

    Raises:
        DataError: As ``read_bytes``.
    """
    try:
        if path.suffix.lower() == ".zip":
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(_only_csv(archive, path, largest)) as stream,
            ):
                yield stream
        else:
            with path.open("rb") as stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path}: is not a whole zip file ({error}); delete it and fetch it again"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: cannot be read ({reason}); check its path and rights") from error


def _only_csv(archive: zipfile.ZipFile, path: Path, largest: int) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith(".csv") and not member.filename.startswith("__MACOSX")
    ]
    if len(members) != 1:
        raise DataError(
            f"{path}: holds {len(members)} CSV files where one is expected; "
            "unpack it and give the one to read"
        )
    if members[0].file_size > largest:
        raise DataError(
            f"{path}: unpacks to {members[0].file_size:,} bytes, more than {largest:,}; "
            "give the CSV itself"
        )
    return members[0]
