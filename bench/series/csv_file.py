"""Read the CSV file of a series, a weather station's say, and say exactly where one is wrong."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from bench.errors import DataError
from bench.formatting import counted, one_line
from bench.series.dialect import (
    STATION,
    Declared,
    Dialect,
    TimeLayout,
    count_fields,
    recognise,
    to_utf8,
)
from bench.series.table import LARGEST_NUMBER, Floats, Integers, SeriesTable

if TYPE_CHECKING:
    import pandas as pd

# Rows that are looked at to tell how a file is written.
_SAMPLE = 200
_LONGEST_SHOWN = 40  # letters of a cell or name in a message
INDEX_NAMES = ("", "index", "idx", "id", "row", "no", "no.", "nr", "nr.", "#")
_MIDNIGHT = r"(?<=[ T])24:00(?=(?::00)?$)"


def read_tables(
    files: Sequence[Path],
    declared: Declared = STATION,
    read: Callable[[Path, Declared], SeriesTable] | None = None,
) -> SeriesTable:
    """Read one file, or several of one series, into one table with rows in file order.

    Of several files the columns that all of them have are kept.

    Args:
        files: At least one.
        declared: What is known of them.
        read: Reads one of them; None for ``read_table``.

    Raises:
        DataError: As ``read`` does.
    """
    tables = [(read or read_table)(path, declared) for path in files]
    if len(tables) == 1:
        return _without_marks(tables[0], declared)
    columns = tuple(
        name for name in tables[0].columns if all(name in table.columns for table in tables)
    )
    notes = [
        f"{path.name}: {note}"
        for path, table in zip(files, tables, strict=True)
        for note in table.notes
    ]
    lost = dict.fromkeys(name for table in tables for name in table.columns if name not in columns)
    if lost:
        notes.append(f"left out: columns that not every file has: {', '.join(lost)}")
    joined = SeriesTable(
        np.concatenate([table.times for table in tables]),
        columns,
        np.concatenate([_select(table, columns) for table in tables]),
        (f"{len(files)} files are read as one series", *notes),
        declared.targets,
    )
    return _without_marks(joined, declared)


def _without_marks(table: SeriesTable, declared: Declared) -> SeriesTable:
    """Return a table with NaN for every number that is said to stand for a missing one."""
    marks = [mark for mark in declared.missing if not isinstance(mark, str)]
    marked = np.isin(table.values, marks)
    if not marked.any():
        return table
    shown = ", ".join(f"{mark:g}" for mark in np.unique(table.values[marked]))
    note = f"{shown} is taken as missing, as said ({counted(int(marked.sum()), 'time')})"
    values = np.where(marked, np.nan, table.values)
    return replace(table, values=values, notes=(*table.notes, note))


def read_table(path: Path, declared: Declared = STATION) -> SeriesTable:
    """Read one CSV file, or zip or gzip of one, with a header line.

    What ``bench.series.dialect`` is certain of is read: other separators, decimal commas,
    times and encodings, each with a note; see docs/data-files.md. Spaces around a field mean
    nothing. Empty cells are NaN.

    Raises:
        DataError: The file is empty, cut short, or lacks a column that it has to have; a
            line has too few or too many fields, a date that is none, or a cell that is no
            number. The message names the line and the column.
    """
    lines = _split(read_bytes(path), path, declared)
    times, unusual = _times(lines)
    lines, left_out = _without_index(lines)
    columns, values, wordy = _values(lines)
    _check_sizes(lines, columns, values)
    said = ", ".join([*lines.unusual, *unusual])
    notes = [f"read as it is written: {said}"] if said else []
    return SeriesTable(times, columns, values, (*notes, *left_out, *wordy), declared.targets)


def _check_sizes(lines: _Lines, columns: Sequence[str], values: Floats) -> None:
    """Refuse numbers that cannot be computed with.

    Raises:
        DataError: Names the first one's line and column.
    """
    beyond = np.argwhere(np.abs(values) > LARGEST_NUMBER)
    if len(beyond):
        row, column = beyond[0]
        shown = f"{values[row, column]:g}"
        raise lines.error(row, f"{columns[column]} is {shown}, too large to compute with; fix it")


@dataclass(frozen=True)
class _Lines:
    """The lines of a file that are not blank, as one column of text a field.

    ``columns`` are those besides the time that are read; one without a name in the file has
    "" and its number, (2, say), in ``cells`` too. ``declared`` is what was known before.
    """

    path: Path
    columns: tuple[str, ...]
    numbers: Sequence[int]
    cells: pd.DataFrame
    decimal: str
    layout: TimeLayout
    unusual: tuple[str, ...]
    declared: Declared

    def error(self, row: int, what: str) -> DataError:
        return DataError(f"{self.path}:{self.numbers[row]}: {what}")


def _split(content: bytes, path: Path, declared: Declared) -> _Lines:
    try:
        content, encoding, unusual = to_utf8(content)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not the UTF-16 text it says it is; export it again") from error
    lines = content.splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    if not numbers:
        raise DataError(f"{path}: has no lines; fetch or export it again")
    header, *body = (lines[number - 1] for number in numbers)
    place = f"{path}:{numbers[0]}"
    sample = [line.decode(encoding) for line in body[:_SAMPLE]]
    dialect = recognise(header.decode(encoding), sample, place, declared)
    if not body:
        raise DataError(f"{path}: has a header and no rows; fetch or export it again")
    _check_fields(body, numbers[1:], dialect, path, place)
    names = [name or f"column {at}" for at, name in enumerate(dialect.columns, 1)]
    cells = _cells(b"\n".join(body), names, dialect, declared, encoding, path)
    if len(cells) != len(body):
        raise DataError(f"{path}: has a quotation mark without its partner; export it again")
    others = tuple(name for name in names if name != declared.time)
    if declared.inputs is not None:
        others = tuple(name for name in others if name in declared.needed)
    said = (*unusual, *dialect.unusual)
    return _Lines(path, others, numbers[1:], cells, dialect.decimal, dialect.layout, said, declared)


def _cells(
    body: bytes,
    columns: Sequence[str],
    dialect: Dialect,
    declared: Declared,
    encoding: str,
    path: Path,
) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            io.BytesIO(body),
            sep=dialect.separator,
            decimal=dialect.decimal,
            header=None,
            names=list(columns),
            index_col=False,
            dtype={declared.time: str},
            na_values=[mark for mark in declared.missing if isinstance(mark, str)],
            encoding=encoding,
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: has fields that cannot be distinguished ({reason})") from error


def _check_fields(
    body: list[bytes], numbers: list[int], dialect: Dialect, path: Path, header: str
) -> None:
    wanted = len(dialect.columns)
    separator = dialect.separator.encode()
    for line, number in zip(body, numbers, strict=True):
        found = line.count(separator) + 1
        if found != wanted and b'"' in line:
            found = count_fields(line.decode("latin-1"), dialect.separator)
        if found == wanted:
            continue
        if number == numbers[0] and len(body) > 1 and _all_have(body, found, separator):
            raise DataError(f"{header}: {_too_few_names(wanted, found, dialect)}")
        what = "the file is cut short" if number == numbers[-1] else "the line is damaged"
        raise DataError(
            f"{path}:{number}: has {found} fields where the header has "
            f"{wanted}; {what}: fetch or export it again"
        )


def _all_have(body: list[bytes], fields: int, separator: bytes) -> bool:
    return all(line.count(separator) + 1 == fields for line in body)


def _too_few_names(names: int, fields: int, dialect: Dialect) -> str:
    if dialect.separator == "," and fields == 2 * names - 1:
        return (
            f"has {names} names where every row has {fields} fields: decimal commas cannot be "
            "told from commas between fields; export with decimal points, or with ';' between "
            "fields"
        )
    return f"has {names} names where every row has {fields} fields; name each column"


def _times(lines: _Lines) -> tuple[Integers, list[str]]:
    """Return the times in seconds, and what is unusual about them."""
    import pandas as pd

    text = lines.cells[lines.declared.time].str.strip()
    unusual = []
    parsed = _parsed(text, lines.layout)
    if parsed.isna().any():
        late = text.str.contains(_MIDNIGHT, na=False) & parsed.isna()
        next_day = _parsed(text[late].str.replace(_MIDNIGHT, "00:00", regex=True), lines.layout)
        parsed[late] = next_day + pd.Timedelta(days=1)
        if late.any():
            often = counted(int(late.sum()), "time")
            unusual.append(f"24:00 as midnight of the next day ({often})")
    wrong = np.flatnonzero(parsed.isna().to_numpy())
    if len(wrong):
        shown = text.iloc[wrong[0]]
        shown = one_line(shown, _LONGEST_SHOWN) if isinstance(shown, str) else ""
        raise lines.error(
            wrong[0], f"{shown!r} is no date and time; write it as {lines.layout.shown}"
        )
    if lines.layout.format == "ISO8601" and text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").any():
        unusual.append("times in UTC, since they have offsets from it")
    return parsed.to_numpy(dtype="datetime64[s]").astype(np.int64), unusual


def _parsed(text: pd.Series[str], layout: TimeLayout) -> pd.Series[pd.Timestamp]:
    import pandas as pd

    if layout.format == "ISO8601":
        # It takes a year alone for a date, and much else.
        text = text.where(text.str.fullmatch(layout.pattern, na=False))
    parsed = pd.to_datetime(text, format=layout.format, errors="coerce", utc=True)
    # Without a copy pandas before 3 warns when times are put into it.
    return parsed.dt.tz_localize(None).copy()


def _without_index(lines: _Lines) -> tuple[_Lines, list[str]]:
    """Leave out columns that hold the rows' numbers, or nothing under no name."""
    notes = []
    for name in lines.columns:
        nameless = name.startswith(("column ", "Unnamed:"))
        is_index = nameless or name.lower() in INDEX_NAMES
        if not is_index or name in lines.declared.needed:
            continue
        cells = lines.cells[name]
        shown = f"{name}, without a name," if name.startswith("column ") else f"column {name!r},"
        if _is_running(cells):
            notes.append(f"left out: {shown} which numbers the rows")
        elif nameless and cells.isna().all():
            notes.append(f"left out: {shown} which is empty")
        elif nameless:
            place = f"{lines.path}: {name}"
            raise DataError(
                f"{place} has values and no name; name it in the header, or leave it out"
            )
        else:
            continue
        lines = replace(lines, columns=tuple(kept for kept in lines.columns if kept != name))
    return lines, notes


def _is_running(cells: pd.Series[Any]) -> bool:
    return cells.dtype.kind == "i" and len(cells) > 1 and bool((cells.diff()[1:] == 1).all())


def _values(lines: _Lines) -> tuple[tuple[str, ...], Floats, list[str]]:
    """Return the columns of numbers, and which were left out since they have none."""
    import pandas as pd

    columns, kept, notes = [], [], []
    for name in lines.columns:
        cells = lines.cells[name]
        numbers = pd.to_numeric(_with_points(cells, lines.decimal), errors="coerce")
        column = np.asarray(numbers, dtype=np.float64)
        wrong = np.flatnonzero(np.isinf(column) | (np.isnan(column) & cells.notna().to_numpy()))
        is_needed = name in lines.declared.needed
        if len(wrong) == len(cells) > 1 and not is_needed and not _has_digits(cells):
            shown = one_line(str(cells.iloc[0]), _LONGEST_SHOWN)
            notes.append(f"left out: column {name!r}, which has words ({shown!r})")
            continue
        if len(wrong):
            raise lines.error(wrong[0], _no_number(name, str(cells.iloc[wrong[0]])))
        columns.append(name)
        kept.append(column)
    return tuple(columns), np.stack(kept, axis=1), notes


def _with_points(cells: pd.Series[Any], decimal: str) -> pd.Series[Any]:
    """Return cells that pandas has left as text, because of one that is no number, with points."""
    if decimal == "." or cells.dtype.kind in "iuf":
        return cells
    plain = cells.astype(str).str.fullmatch(r"[+-]?\d+,\d+")
    return cells.where(~plain, cells.astype(str).str.replace(",", "."))


def _has_digits(cells: pd.Series[Any]) -> bool:
    return bool(cells.astype(str).str.match(r"\s*[+-]?[.,]?\d").any())


def _no_number(column: str, shown: str) -> str:
    shown = one_line(shown, _LONGEST_SHOWN)
    said = f"column {column!r}: {shown!r} is no number; "
    if re.fullmatch(r"[+-]?[\d.]*,[\d.]+", shown):
        return f"{said}write all numbers with decimal points, or all with decimal commas"
    return f"{said}correct it, or leave the cell empty if the value is missing"


def _select(table: SeriesTable, columns: tuple[str, ...]) -> Floats:
    return table.values[:, [table.columns.index(name) for name in columns]]


# The bytes of a series: a CSV file as it lies on disk, or the one CSV inside a zip

# A station writes about 10 MB a year, so this is decades of data; a zip bomb is far more.
LARGEST = 1 << 30


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Return the CSV text of a file, unpacked in memory if it is a zip or gzip.

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
    """Open the CSV text of a file, or of the CSV inside a zip or gzip, as a stream of bytes.

    Its checksum is verified by reading it to its end.

    Raises:
        DataError: As ``read_bytes``.
    """
    try:
        packed = _packing(path)
        if packed == "zip":
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(_only_csv(archive, path, largest)) as stream,
            ):
                yield stream
        elif packed == "gzip":
            with gzip.open(path, "rb") as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif packed:
            raise DataError(f"{path}: is {packed}, not a CSV file; export or unpack it as CSV")
        else:
            with path.open("rb") as plain:
                yield plain
    except (
        zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError,
        RuntimeError,
    ) as error:  # fmt: skip
        kind = "zip" if path.suffix.lower() == ".zip" else "packed"
        raise DataError(
            f"{path}: is not a whole {kind} file ({error}); export it or fetch it again"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: cannot be read ({reason}); check its path and rights") from error


# How files begin that are no text.
_SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\0": "packed with xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 or NetCDF file",
}


def _packing(path: Path) -> str:
    """Return "zip", "gzip", what else a file is that is no text, or "" for plain text."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"PK\x03\x04") or path.suffix.lower() == ".zip":
        return "zip"
    found = (name for sign, name in _SIGNATURES.items() if start.startswith(sign))
    return next(found, "gzip" if path.suffix.lower() == ".gz" else "")


def _only_csv(archive: zipfile.ZipFile, path: Path, largest: int) -> zipfile.ZipInfo:
    inside = [
        member
        for member in archive.infolist()
        if not any(part.startswith((".", "__MACOSX")) for part in _parts(member))
    ]
    if any(member.filename == "xl/workbook.xml" for member in inside):
        raise DataError(f"{path}: is an Excel workbook; save the sheet as CSV and give that")
    members = [member for member in inside if member.filename.lower().endswith(".csv")]
    if len(members) != 1:
        raise DataError(
            f"{path}: holds {len(members)} CSV files where one is expected; "
            "unpack it and give the one to read, or several, each with --data"
        )
    if members[0].file_size > largest:
        raise DataError(
            f"{path}: unpacks to {members[0].file_size:,} bytes, more than {largest:,}; "
            "give the CSV itself"
        )
    return members[0]


def _parts(member: zipfile.ZipInfo) -> list[str]:
    # A name may climb with "..", which hides nothing.
    return [part for part in member.filename.split("/") if part not in (".", "..")]
