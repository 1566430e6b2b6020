"""Recognise the published Jena file by what is in it, since no checksum of it is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import DataError
from bench.series.csv_file import open_series
from bench.series.dialect import TIME
from bench.series.table import OFFICIAL_COLUMNS

ROWS = 420_551
HEADER = (TIME, *OFFICIAL_COLUMNS)
FIRST = (
    "01.01.2009 00:10:00,996.52,-8.02,265.40,-8.90,93.30,3.33,3.11,0.22,1.94,3.12,"
    "1307.75,1.03,1.75,152.30"
)
LAST_TIME = "01.01.2017 00:00:00"
# No official row is twice as long as the first: reading stops where a file is known to be another.
LARGEST = ROWS * 2 * len(FIRST)


def difference_from_official(files: Sequence[Path]) -> str | None:
    """Return None if the files are the published ten-minute file, else what is different.

    Compares the columns, the first row, the number of rows and the last time stamp; reading
    a zip to its end also verifies its checksum. The rows between are not compared.
    """
    if len(files) != 1:
        return f"{len(files)} files where the official data are one"
    try:
        with open_series(files[0], LARGEST) as stream:
            header = stream.readline(2 * len(FIRST))
            first = stream.readline(2 * len(FIRST))
            names = tuple(name.strip(' "') for name in _text(header).split(","))
            if names != HEADER:
                return "its columns are not the 14 official ones"
            if _text(first) != FIRST:
                return "its first row is not the official one"
            rows, last, size = _count(iter(lambda: stream.read(1 << 20), b""))
    except DataError as error:
        return str(error)
    if size > LARGEST:
        return f"it has more than {LARGEST:,} bytes, which the official file has not"
    if rows + 1 != ROWS:
        return f"it has {rows + 1:,} rows, not {ROWS:,}"
    if not last.startswith(LAST_TIME):
        return f"its last time stamp is {last.split(',')[0]!r}, not {LAST_TIME!r}"
    return None


def _count(chunks: Iterator[bytes]) -> tuple[int, str, int]:
    """Return the number of lines, the last line, and the size in bytes of a stream."""
    lines = size = 0
    tail = b""
    for chunk in chunks:
        lines += chunk.count(b"\n")
        size += len(chunk)
        if size > LARGEST:
            break
        tail = (tail + chunk)[-4 * len(FIRST) :]
    unfinished = bool(tail) and not tail.endswith(b"\n")
    last = tail.rstrip().rpartition(b"\n")[2]
    return lines + unfinished, _text(last), size


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").strip()
