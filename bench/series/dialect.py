"""Find out how a CSV file is written: where it is certain it is read, else all is said at once."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import DataError
from bench.formatting import nearest, one_line

TIME = "Date Time"
TEMPERATURE = "T (degC)"

# Text out of bytes


def to_utf8(content: bytes) -> tuple[bytes, str, list[str]]:
    """Return a text's bytes, the encoding to read them in, and what is unusual about it.

    UTF-16, which has line ends of two bytes, comes back as UTF-8. What is not UTF-8 is
    taken as Latin-1, in which stations write the signs of their units.

    Raises:
        UnicodeDecodeError: The text says that it is UTF-16 and is not.
    """
    wide = _wide(content)
    if wide:
        return content.decode(wide).lstrip("\ufeff").encode(), "utf-8", ["UTF-16 text"]
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content, "latin-1", []
    return content, "utf-8-sig", []


def _wide(content: bytes) -> str | None:
    """Return the UTF-16 in which a text is written, told by its mark or by its zero bytes."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = content[:400]
    for name, zeros, others in (("utf-16-le", start[1::2], start[::2]),
                                ("utf-16-be", start[::2], start[1::2])):  # fmt: skip
        if len(start) >= 20 and not zeros.strip(b"\0") and b"\0" not in others:
            return name
    return None


# How times are written


@dataclass(frozen=True)
class TimeLayout:
    """A way to write times: for people, as a pattern, and as pandas wants it."""

    shown: str
    pattern: re.Pattern[str]
    format: str

    def fits(self, text: str) -> bool:
        """Tell whether a time is written so."""
        return self.pattern.fullmatch(text) is not None


PUBLISHED = TimeLayout(
    "dd.mm.yyyy HH:MM:SS",
    re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} +\d{1,2}:\d{2}:\d{2}"),
    "%d.%m.%Y %H:%M:%S",
)
_CLOCK = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_LAYOUTS = (
    PUBLISHED,
    TimeLayout(
        "dd.mm.yyyy HH:MM",
        re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} +\d{1,2}:\d{2}"),
        "%d.%m.%Y %H:%M",
    ),
    TimeLayout("dd.mm.yyyy", re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
    TimeLayout(
        "yyyy-mm-dd HH:MM:SS",
        re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?"),
        "ISO8601",
    ),
    TimeLayout(
        "yyyy/mm/dd HH:MM:SS",
        re.compile(r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}"),
        "%Y/%m/%d %H:%M:%S",
    ),
    TimeLayout(
        "yyyy/mm/dd HH:MM",
        re.compile(r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}"),
        "%Y/%m/%d %H:%M",
    ),
)
#: How a series of months or years may be written, which no station's is.
_COARSE_LAYOUTS = (
    TimeLayout("yyyy-mm", re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"), "%Y-%m"),
    TimeLayout("yyyy", re.compile(r"\d{4}"), "%Y"),
)


# Separator, decimal sign and columns

_MOST_SHOWN = 30  # names of columns in a message
_LONGEST_SHOWN = 40  # letters of a name or time in a message
_SEPARATORS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
_TIME_NAMES = ("datetime", "date", "timestamp", "time")
_TEMPERATURE_NAME = re.compile(
    r"(?:t|temp\.?|temperature|air temperature)\s*"
    r"[(\[]\s*(?:[°º]\s*c|deg\.?\s*c|celsius|c)\s*[)\]]",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+")


@dataclass(frozen=True)
class Declared:
    """What is known of a file before it is looked at; None is told from the file.

    ``time`` and ``targets`` are columns that it has to have, ``inputs`` the others that are read,
    None for all. ``layout`` is how times are written. ``missing`` are numbers and texts that
    stand for a missing value. A weather station's file may have other names for its time and
    temperature.
    """

    time: str = TIME
    targets: tuple[str, ...] = (TEMPERATURE,)
    inputs: tuple[str, ...] | None = None
    layout: TimeLayout | None = None
    separator: str | None = None
    decimal: str | None = None
    missing: tuple[float | str, ...] = ()
    is_station: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns besides the time that the file has to have, each once."""
        return tuple(dict.fromkeys([*self.targets, *(self.inputs or ())]))


STATION = Declared(is_station=True)


def strptime_layout(text: str) -> TimeLayout:
    """Return the layout of times that are written as a format of ``strptime`` says."""
    return TimeLayout(text, re.compile(".*"), text)


@dataclass(frozen=True)
class Dialect:
    """How the lines of a file are to be read.

    ``columns`` are the names of the fields in the order of the file, those that stand for
    the time and the temperature of a station by their published names, "" for one without a
    name. ``unusual`` says in a few words each what is not as was known or published.
    """

    separator: str
    decimal: str
    columns: tuple[str, ...]
    layout: TimeLayout
    unusual: tuple[str, ...]


def recognise(
    header: str, sample: Sequence[str], place: str, declared: Declared = STATION
) -> Dialect:
    """Tell how a file is written by its header and its first rows.

    Args:
        header: The line with the names of the columns.
        sample: Some rows, not blank.
        place: File and line of the header, for errors.
        declared: What is known of it.

    Raises:
        DataError: It cannot be told; the message names all that has to be changed.
    """
    separator = declared.separator or _separator(header, place, declared)
    given = _fields(header, separator, place)
    columns, unusual, problems = _named(given, declared)
    rows = [_fields(line, separator, place) for line in sample]
    decimal = declared.decimal or _decimal(rows, columns, declared.time)
    if separator not in (",", declared.separator):
        unusual.insert(0, f"{_SEPARATORS[separator]} between fields")
    if decimal == "," and declared.decimal is None:
        unusual.append("decimal commas")
    layout = declared.layout or PUBLISHED
    whole = [row for row in rows if len(row) == len(columns)]
    if declared.time in columns and declared.layout is None:
        layout, complaint = _layout(whole, columns.index(declared.time), declared)
        problems += [complaint] if complaint else []
        is_told = declared.is_station and layout != PUBLISHED
        unusual += [f"times written as {layout.shown}"] * is_told
    if problems:
        readable = header.isprintable() or separator == "\t"
        there = ", ".join(map(_shown, given[:_MOST_SHOWN])) if readable else "none readable"
        more = ", ..." if len(given) > _MOST_SHOWN else ""
        raise DataError(f"{place}: {'; '.join(problems)}; there are: {there}{more}")
    return Dialect(separator, decimal, columns, layout, tuple(unusual))


def sniff(lines: Sequence[str], place: str) -> tuple[str, tuple[str, ...], list[list[str]], str]:
    """Return separator, names of the columns, the first rows, and decimal mark of a CSV file.

    Args:
        lines: At least the header and one row, not blank.
        place: What to call the file in an error.

    Raises:
        DataError: It has one column, or none.
    """
    if len(lines) < 2:
        raise DataError(f"{place}: has {len(lines)} lines that are not blank; give more")
    fields = {sign: count_fields(lines[0], sign) for sign in _SEPARATORS}
    separator = max(fields, key=lambda sign: fields[sign])
    if fields[separator] < 2:
        raise DataError(f"{place}: has one column alone; a column of times and one of numbers make "
                        "a series")  # fmt: skip
    columns = tuple(_fields(lines[0], separator, place))
    rows = [_fields(line, separator, place) for line in lines[1 : 1 + SNIFFED]]
    return separator, columns, rows, _decimal(rows, columns, "")


#: Rows by which ``sniff`` tells how a file is written.
SNIFFED = 200


def known_layout(cells: Sequence[str]) -> TimeLayout | None:
    """Return how times are written where that is certain, None where it is not."""
    layouts = (*_LAYOUTS, *_COARSE_LAYOUTS)
    return next((layout for layout in layouts if all(map(layout.fits, cells))), None)


def count_fields(line: str, separator: str) -> int:
    """Return the number of fields of a line; a separator within quotation marks parts none."""
    if '"' not in line:
        return line.count(separator) + 1
    try:
        return len(next(csv.reader([line], delimiter=separator, skipinitialspace=True), []))
    except csv.Error:
        return line.count(separator) + 1


def _separator(header: str, place: str, declared: Declared) -> str:
    fields = {sign: count_fields(header, sign) for sign in _SEPARATORS}
    # The first of several that part it into as many: the comma is the published one.
    best = max(fields, key=lambda sign: fields[sign])
    if fields[best] == 1:
        shown = header.strip()[:60]
        said = repr(shown) if shown.isprintable() else "bytes that are no text"
        wanted = ", ".join(map(repr, (declared.time, *declared.targets)))
        others = " and others; name them so" if declared.is_station else "; correct the file"
        raise DataError(
            f"{place}: has {said} where column names belong, with commas between them: "
            f"{wanted}{others}"
        )
    return best


def _shown(name: str) -> str:
    return one_line(name, _LONGEST_SHOWN)


def _fields(line: str, separator: str, place: str) -> list[str]:
    try:
        parted = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        raise DataError(f"{place}: is no line of a CSV file ({error}); give a CSV file") from error
    return [" ".join(field.split()) for field in parted]


def _named(
    given: Sequence[str], declared: Declared
) -> tuple[tuple[str, ...], list[str], list[str]]:
    """Return the columns by the names they are known by, what is unusual, and what is wrong."""
    if not declared.is_station:
        absent = _absent(given, (declared.time, *declared.needed))
        return tuple(given), [], [*absent, *_repeated(given)]
    unusual: list[str] = []
    problems: list[str] = []
    columns = list(given)
    for needed, candidates, wanted in (
        (TIME, _times_among(given), "the dates and times"),
        (TEMPERATURE, _temperatures_among(given), "the temperature in degrees C"),
    ):
        if needed in given:
            continue
        if len(candidates) == 1:
            columns[candidates[0]] = needed
            unusual.append(f"{_shown(given[candidates[0]])!r} as {needed!r}")
        elif candidates:
            several = " and ".join(repr(given[place]) for place in candidates)
            fix = "join them into one" if needed == TIME else "name the one to forecast so"
            problems.append(f"has no column {needed!r} but {several}; {fix}")
        else:
            problems.append(f"has no column {needed!r}; name the one with {wanted} so")
    return tuple(columns), unusual, [*problems, *_repeated(columns)]


def _absent(given: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [f"has no column {name!r}{nearest(name, given)}" for name in wanted if name not in given]


def _repeated(columns: Sequence[str]) -> list[str]:
    repeated = [name for name in columns if name and columns.count(name) > 1]
    return [f"has two columns {_shown(name)!r}; rename or take out one" for name in repeated[:1]]


def _times_among(given: Sequence[str]) -> list[int]:
    plain = [re.sub(r"[\s_-]", "", name).lower() for name in given]
    return [place for place, name in enumerate(plain) if name in _TIME_NAMES]


def _temperatures_among(given: Sequence[str]) -> list[int]:
    return [place for place, name in enumerate(given) if _TEMPERATURE_NAME.fullmatch(name)]


def _decimal(rows: Sequence[Sequence[str]], columns: Sequence[str], time: str) -> str:
    """Return the decimal sign: a comma where numbers have one and none has a point."""
    cells = [
        cell
        for row in rows
        for name, cell in zip(columns, row, strict=False)
        if name not in (time, "")
    ]
    commas = any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    points = any(_DECIMAL_POINT.fullmatch(cell) for cell in cells)
    return "," if commas and not points else "."


def _layout(
    rows: Sequence[Sequence[str]], column: int, declared: Declared
) -> tuple[TimeLayout, str]:
    """Return how the first time that is one is written, or the published layout and a complaint."""
    shown = [row[column] for row in rows if row[column]]
    for text in shown:
        for layout in _LAYOUTS if declared.is_station else (*_LAYOUTS, *_COARSE_LAYOUTS):
            if layout.fits(text):
                return layout, ""
    if not shown:
        return PUBLISHED, ""
    unclear = bool(re.match(r"\d+[./]\d+[./]\d+", shown[0]))
    why = "in which day and month cannot be told" if unclear else "which are no dates and times"
    fix = (
        f"write them as {PUBLISHED.shown} or yyyy-mm-dd HH:MM:SS"
        if declared.is_station
        else "say how they are written, as 'time_format': '%d/%m/%Y %H:%M'"
    )
    return PUBLISHED, f"has times like {_shown(shown[0])!r}, {why}; {fix}"
