"""Read a station's CSV file, and say exactly where one is wrong."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# A time series as the suite holds it in memory, and what is said about its columns


TEMPERATURE = "T (degC)"
OFFICIAL_COLUMNS = (
    "p (mbar)",
    TEMPERATURE,
    "Tpot (K)",
    "Tdew (degC)",
    "rh (%)",
    "VPmax (mbar)",
    "VPact (mbar)",
    "VPdef (mbar)",
    "sh (g/kg)",
    "H2OC (mmol/mol)",
    "rho (g/m**3)",
    "wv (m/s)",
    "max. wv (m/s)",
    "wd (deg)",
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StationTable:
    """The rows of a weather station.

    ``times`` has shape (n,): seconds since 1970-01-01 00:00 in the station's own clock.
    ``values`` has shape (n, len(columns)), NaN where a cell is missing.
    """

    times: Integers
    columns: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.times)

    @property
    def target(self) -> int:
        """The number of the temperature column."""
        return self.columns.index(TEMPERATURE)


def iso(seconds: int) -> str:
    """Return a time of a table as text, ``2009-01-01T00:10:00``."""
    return str(np.datetime64(int(seconds), "s"))


TIME = "Date Time"
TIME_FORMAT = "%d.%m.%Y %H:%M:%S"


def read_tables(files: Sequence[Path]) -> StationTable:
    """Read one file, or several of one station, into one table with rows in file order.

    Of several files the columns that all of them have are kept.

    Raises:
        DataError: As ``read_table``.
    """
    tables = [read_table(path) for path in files]
    columns = tuple(
        name for name in tables[0].columns if all(name in table.columns for table in tables)
    )
    return StationTable(
        np.concatenate([table.times for table in tables]),
        columns,
        np.concatenate([_select(table, columns) for table in tables]),
    )


def read_table(path: Path) -> StationTable:
    """Read one CSV file, or zip of one, with a header line and times as ``dd.mm.yyyy HH:MM:SS``.

    UTF-8 is tried first; a file that is not UTF-8 is taken as Latin-1, in which stations
    write the signs of their units. Spaces around a field mean nothing. Empty cells are NaN.

    Raises:
        DataError: The file is empty, cut short, or lacks the time or temperature column; a
            line has too few or too many fields, a date that is none, or a cell that is no
            number. The message names the line and the column.
    """
    lines = _split(read_bytes(path), path)
    return StationTable(_times(lines), lines.columns[1:], _values(lines))


@dataclass(frozen=True)
class _Lines:
    """The lines of a file that are not blank, as one column of text a field."""

    path: Path
    columns: tuple[str, ...]
    numbers: Sequence[int]
    cells: pd.DataFrame

    def error(self, row: int, what: str) -> DataError:
        return DataError(f"{self.path}:{self.numbers[row]}: {what}")


def _split(content: bytes, path: Path) -> _Lines:
    encoding = _encoding(content)
    lines = content.splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    header, *body = (lines[number - 1] for number in numbers)
    columns = _header(header.decode(encoding), f"{path}:{numbers[0]}")
    if not body:
        raise DataError(f"{path}: has a header and no rows; fetch or export it again")
    _check_fields(body, numbers[1:], len(columns), path)
    cells = _cells(b"\n".join(body), columns, encoding, path)
    if len(cells) != len(body):
        raise DataError(f"{path}: has a quotation mark without its partner; export it again")
    ordered = (TIME, *(name for name in columns if name != TIME))
    return _Lines(path, ordered, numbers[1:], cells)


def _cells(body: bytes, columns: Sequence[str], encoding: str, path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            io.BytesIO(body),
            header=None,
            names=list(columns),
            index_col=False,
            dtype={TIME: str},
            encoding=encoding,
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: has fields that cannot be told apart ({reason})") from error


def _encoding(content: bytes) -> str:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _header(line: str, place: str) -> tuple[str, ...]:
    try:
        fields = next(csv.reader([line], skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"{place}: is no line of a CSV file ({error}); give a CSV file") from error
    columns = tuple(" ".join(name.split()) for name in fields)
    for needed in (TIME, TEMPERATURE):
        if needed not in columns:
            there = ", ".join(columns) if line.isprintable() else "none that can be read"
            raise DataError(f"{place}: has no column {needed!r}; name it so; there are: {there}")
    repeated = [name for name in columns if columns.count(name) > 1]
    if repeated:
        raise DataError(f"{place}: has two columns {repeated[0]!r}; rename or remove one")
    return columns


def _check_fields(body: list[bytes], numbers: list[int], fields: int, path: Path) -> None:
    for line, number in zip(body, numbers, strict=True):
        if line.count(b",") != fields - 1:
            what = "the file is cut short" if number == numbers[-1] else "the line is damaged"
            raise DataError(
                f"{path}:{number}: has {line.count(b',') + 1} fields where the header has "
                f"{fields}; {what}: fetch or export it again"
            )


def _times(lines: _Lines) -> Integers:
    import pandas as pd

    text = lines.cells[TIME].str.strip()
    parsed = pd.to_datetime(text, format=TIME_FORMAT, errors="coerce")
    wrong = np.flatnonzero(parsed.isna().to_numpy())
    if len(wrong):
        shown = text.iloc[wrong[0]]
        shown = shown if isinstance(shown, str) else ""
        raise lines.error(
            wrong[0], f"{shown!r} is no date and time; write it as dd.mm.yyyy HH:MM:SS"
        )
    return parsed.to_numpy(dtype="datetime64[s]").astype(np.int64)


def _values(lines: _Lines) -> Floats:
    import pandas as pd

    values = np.empty((len(lines.cells), len(lines.columns) - 1))
    for position, name in enumerate(lines.columns[1:]):
        cells = lines.cells[name]
        numbers = pd.to_numeric(cells, errors="coerce")
        column = np.asarray(numbers, dtype=np.float64)
        wrong = np.flatnonzero(np.isinf(column) | (np.isnan(column) & cells.notna().to_numpy()))
        if len(wrong):
            raise lines.error(
                wrong[0],
                f"column {name!r}: {str(cells.iloc[wrong[0]]).strip()!r} is no number; "
                "correct it, or leave the cell empty if the value is missing",
            )
        values[:, position] = column
    return values


def _select(table: StationTable, columns: tuple[str, ...]) -> Floats:
    return table.values[:, [table.columns.index(name) for name in columns]]


# The bytes of a series: a CSV file as it lies on disk, or the one CSV inside a zip

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
