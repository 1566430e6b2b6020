"""Labelled texts out of the files that people have: CSV, Parquet, or a folder a class."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, DataError
from bench.formatting import counted, few, nearest, one_line
from bench.text.reading import LARGEST_REVIEW, LARGEST_TOTAL, of_one_byte

#: The signature of a Parquet file.
_PARQUET = b"PAR1"
#: What may stand between columns; of several that fit as well the first is taken.
DELIMITERS = (",", ";", "\t", "|")
_GZIP = b"\x1f\x8b"
_LONGEST_SHOWN = 40  # letters of a cell or a name in a message
NO_PARQUET = "Parquet files are read by pyarrow; pip install 'keras-sequence-bench[parquet]'"


@dataclass(frozen=True)
class Texts:
    """Texts with their labels, in the order of their files.

    A label is "" where there is none. ``parts`` has what the column of the split says of each,
    None where there is no such column. ``places`` say where each stands, such as
    ``news.csv:17``; ``notes`` how the files were read where that is not plain.
    """

    texts: list[str]
    labels: list[str]
    parts: list[str] | None
    places: list[str]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, numbers: Sequence[int]) -> Texts:
        """Return the texts of these numbers, in this order."""
        return Texts(
            [self.texts[number] for number in numbers],
            [self.labels[number] for number in numbers],
            None if self.parts is None else [self.parts[number] for number in numbers],
            [self.places[number] for number in numbers],
            self.notes,
        )


def joined(tables: Sequence[Texts], parts: Sequence[str] | None = None) -> Texts:
    """Return several tables as one; ``parts`` name one part for each, where they are parts."""
    if parts is not None:
        named = [[part] * len(table) for part, table in zip(parts, tables, strict=True)]
    else:
        named = [table.parts for table in tables if table.parts is not None]
    return Texts(
        [text for table in tables for text in table.texts],
        [label for table in tables for label in table.labels],
        [part for each in named for part in each] if named else None,
        [place for table in tables for place in table.places],
        tuple(note for table in tables for note in table.notes),
    )


def read_texts(path: Path, data: Mapping[str, Any], column: str | None) -> Texts:
    """Read a CSV file (plain or gzip), a Parquet file, or a folder with a folder a class.

    Args:
        path: The file or folder.
        data: The options ``text``, ``label``, ``delimiter`` and ``encoding``.
        column: The column of the split, if any; a folder has none.

    Raises:
        DataError: It cannot be read, or lacks a column; names the place and the fix.
        BenchError: It is a Parquet file and pyarrow is not installed.
    """
    try:
        if path.is_dir():
            return _of_folders(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    wanted = [data["text"], data["label"], *([column] if column else [])]
    if is_parquet(path):
        return _of_parquet(path, wanted)
    return _of_csv(path, wanted, data["delimiter"], data["encoding"])


def is_parquet(path: Path) -> bool:
    """Say whether a file is one of Parquet.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(4) == _PARQUET
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def columns_of(path: Path, delimiter: str | None, encoding: str) -> dict[str, list[str]]:
    """Return every column of a CSV or Parquet file by name, its cells as texts.

    Raises:
        DataError: As ``read_texts``.
    """
    if is_parquet(path):
        return {name: [*map(as_label, cells)] for name, cells in parquet_columns(path).items()}
    columns, rows, _ = _csv_table(path, delimiter, encoding)
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))


# CSV


def _of_csv(path: Path, wanted: Sequence[str], delimiter: str | None, encoding: str) -> Texts:
    columns, rows, lines = _csv_table(path, delimiter, encoding, wanted)
    at = [columns.index(name) for name in wanted]
    places = [f"{path.name}:{line}" for line in lines]
    return _table([[row[index] for row in rows] for index in at], places)


def _csv_table(
    path: Path, delimiter: str | None, encoding: str, wanted: Sequence[str] = ()
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return a CSV file's header, its rows, and the line on which each begins.

    Raises:
        DataError: It lacks a wanted column, a row has other fields than the header, or there is
            none.
    """
    text = decoded(path, read_content(path), encoding)
    delimiter = delimiter or found_delimiter(path, text, wanted)
    rows = numbered_rows(path, text, delimiter)
    first, header = next(rows, (1, [""]))
    columns = [name.strip() for name in header]
    for name in wanted:
        _index(f"{path}:{first}", columns, name)
    found, lines = [], []
    for line, row in rows:
        if len(row) != len(columns):
            raise DataError(
                f"{path}:{line}: has {counted(len(row), 'field')} where the header has "
                f"{len(columns)}; put a text that has {delimiter!r} in it into quotation marks"
            )
        found.append(row)
        lines.append(line)
    if not found:
        raise DataError(f"{path}: has a header and no rows; export it again")
    return columns, found, lines


def found_delimiter(path: Path, text: str, wanted: Sequence[str] = ()) -> str:
    """Return what parts the header into the wanted columns, else into most; a comma if nothing."""
    parted = {}
    for sign in DELIMITERS:
        try:
            header = next(numbered_rows(path, text, sign), (1, []))[1]
        except DataError:  # What stands behind a quotation mark is another sign.
            header = []
        names = {name.strip() for name in header}
        parted[sign] = (len(names & {*wanted}), len(header))
    return max(DELIMITERS, key=parted.__getitem__)


def numbered_rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV text that are not blank, each with the number of its first line.

    Raises:
        DataError: A quotation mark has no partner; names the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            with _long_fields():
                row = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"{path}:{line}: a quotation mark without its partner ({error}); double each one "
                "inside a text, and put the text into quotation marks"
            ) from None
        if row is None:
            return
        if any(row):
            yield line, row
        line = reader.line_num + 1


@contextmanager
def _long_fields() -> Iterator[None]:
    """Have fields read that are as long as a review may be."""
    before = csv.field_size_limit(LARGEST_REVIEW)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_content(path: Path) -> bytes:
    """Return a file's bytes, unpacked where they are packed with gzip.

    Raises:
        DataError: It cannot be read, is empty, or is too large.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as opened:
            content = opened.read(LARGEST_TOTAL + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({one_line(str(error))}); get it again") from None
    if len(content) > LARGEST_TOTAL:
        raise DataError(f"{path}: has more than {LARGEST_TOTAL:,} bytes; give a part of it")
    if not content.strip():
        raise DataError(f"{path}: is empty; export it again")
    return content


def decoded(path: Path, content: bytes, encoding: str) -> str:
    """Return a file's text; a byte order mark is no part of it.

    Raises:
        DataError: It is not in this encoding; names the line, and the encoding that it may
            have.
    """
    try:
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            encoding = "utf-8-sig"
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: is not {encoding.removesuffix('-sig').upper()} (byte "
            f"0x{content[error.start]:02x}); save it as UTF-8, or, if it is "
            f'{probable_encoding(content)}, write "encoding": "{probable_encoding(content)}" '
            "into DATA"
        ) from None
    if "\0" in text:
        raise DataError(
            f'{path}: is no text, or UTF-16; save it as UTF-8, or write "encoding": "utf-16" into '
            "DATA"
        )
    return text


def probable_encoding(content: bytes) -> str:
    """Return utf-8, utf-16 or latin-1: in which of them a text seems to be."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _index(place: str, columns: Sequence[str], name: str) -> int:
    if columns.count(name) == 1:
        return columns.index(name)
    if name in columns:
        raise DataError(f"{place}: has {columns.count(name)} columns {name!r}; rename all but one")
    if len(columns) == 1 and any(sign in columns[0] for sign in DELIMITERS):
        shown = one_line(columns[0], _LONGEST_SHOWN)
        raise DataError(f'{place}: has one column, {shown!r}; correct "delimiter" in DATA')
    there = few([repr(one_line(column, _LONGEST_SHOWN)) for column in columns])
    raise DataError(f"{place}: has no column {name!r}{nearest(name, columns)}; there are: {there}")


def _table(columns: Sequence[list[str]], places: list[str]) -> Texts:
    """Return the columns of texts, labels and perhaps parts as a table."""
    texts, labels, *parts = columns
    stripped = [part.strip() for part in parts[0]] if parts else None
    return Texts(texts, [label.strip() for label in labels], stripped, places)


# Parquet


def _of_parquet(path: Path, wanted: Sequence[str]) -> Texts:
    columns = parquet_columns(path)
    at = [_index(str(path), list(columns), name) for name in wanted]
    found = [list(columns.values())[index] for index in at]
    if not found[0]:
        raise DataError(f"{path}: has no rows; export it again")
    wrong = next((value for value in found[0] if not isinstance(value, str | None)), None)
    if wrong is not None:
        shown = one_line(repr(wrong), _LONGEST_SHOWN)
        raise DataError(f"{path}: column {wanted[0]!r} has {shown}, which is no text; name another")
    cells = [list(map(as_label, column)) for column in found]
    cells[0] = [text or "" for text in found[0]]
    return _table(cells, [f"{path.name}, row {row}" for row in range(1, len(found[0]) + 1)])


def parquet_columns(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a Parquet file by name, as Python's values.

    Raises:
        BenchError: pyarrow is not installed.
        DataError: The file is damaged.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise BenchError(f"{path}: {NO_PARQUET}") from None
    try:
        columns: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
    except (ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file ({one_line(str(error), 100)}); get it again"
        ) from None
    return columns


def as_label(value: Any) -> str:
    """Return a value of a table as a label; what is missing is ""."""
    if value is None or value != value:  # NaN alone differs from itself
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


# Folders


def _of_folders(path: Path) -> Texts:
    classes = class_folders(path)
    if not classes:
        raise DataError(f"{path}: has no folders; give one with a folder of texts a class")
    texts, labels, places, others, total = [], [], [], [], 0
    for folder in classes:
        for file in text_files(folder):
            size = file.stat().st_size
            total += size
            if size > LARGEST_REVIEW or total > LARGEST_TOTAL:
                most = LARGEST_REVIEW if size > LARGEST_REVIEW else LARGEST_TOTAL
                raise DataError(f"{file}: there are more than {most:,} bytes; leave it out")
            text, is_utf8 = _of_file(file)
            texts.append(text)
            labels.append(folder.name)
            places.append(f"{folder.name}/{file.name}")
            others += [] if is_utf8 else [places[-1]]
    if not texts:
        raise DataError(
            f"{path}: its folders ({few([folder.name for folder in classes])}) have no files; give "
            "one with a folder of texts a class"
        )
    read_as = f"read as Latin-1: {counted(len(others), 'text')} not in UTF-8"
    notes = (f"{read_as} ({others[0]} first)",) if others else ()
    return Texts(texts, labels, None, places, notes)


def class_folders(path: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, sorted by name."""
    return sorted(each for each in path.iterdir() if each.is_dir() and each.name[0] != ".")


def text_files(folder: Path) -> list[Path]:
    """Return the files of a folder, sorted by name: no links, and none that are hidden."""
    files = (file for file in folder.iterdir() if file.name[0] != "." and not file.is_symlink())
    return sorted(file for file in files if file.is_file())


def _of_file(file: Path) -> tuple[str, bool]:
    """Return a file's text, and whether it was UTF-8."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return of_one_byte(file.parent, file.name, content), False
