"""The document behind every format: what a view says, before it is text, HTML, CSV or JSON.

A view is a pure function from what was found to a ``Document``: headings, paragraphs, notes and
tables of typed cells. A cell keeps the exact value beside what people are shown of it, so that
programs get the first and people the second; ``bench.report.writers`` has each format once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Flag, auto
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from bench.formatting import NOTHING, count, duration, percentage, quantity, size

#: What a cell is for programs: CSV has nothing else.
Scalar = str | float | bool | None

_Item = TypeVar("_Item")


class Place(Flag):
    """Where a part of a document stands."""

    TERMINAL = auto()
    #: Markdown and HTML, which have the room.
    PAGE = auto()
    #: Tables for other programs, as CSV.
    DATA = auto()
    PEOPLE = TERMINAL | PAGE
    EVERYWHERE = TERMINAL | PAGE | DATA


# Cells


class Cell(Protocol):
    """What stands in one place of a table."""

    @property
    def text(self) -> str:
        """What people are shown; a writer makes it safe for its format."""

    @property
    def values(self) -> Mapping[str, Scalar]:
        """What programs get: exact values by what is added to the column's key, "" for none."""


@dataclass(frozen=True)
class Text:
    """Words, of whatever origin."""

    value: str

    @property
    def text(self) -> str:
        """The words."""
        return self.value

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The words."""
        return {"": self.value}


@dataclass(frozen=True)
class _Single:
    """A cell of one number, None if it is not known."""

    value: float | None

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The number."""
        return {"": self.value}


@dataclass(frozen=True)
class Missing:
    """What is not known, or makes no sense here."""

    @property
    def text(self) -> str:
        """A dash."""
        return NOTHING

    @property
    def values(self) -> Mapping[str, Scalar]:
        """None."""
        return {"": None}


@dataclass(frozen=True)
class Number(_Single):
    """A number with a fixed number of digits, and with its sign if that is wanted."""

    digits: int = 4
    is_signed: bool = False

    @property
    def text(self) -> str:
        """The number, or a dash for none and for what is not finite."""
        if self.value is None or not math.isfinite(self.value):
            return NOTHING
        return f"{self.value:{'+' if self.is_signed else ''}.{self.digits}f}"


@dataclass(frozen=True)
class Count(_Single):
    """A whole number."""

    @property
    def text(self) -> str:
        """The number, with thousands separated."""
        return count(None if self.value is None else round(self.value))


@dataclass(frozen=True)
class Bytes(_Single):
    """A size in bytes."""

    @property
    def text(self) -> str:
        """The size in MiB or GiB."""
        return size(self.value)


@dataclass(frozen=True)
class Duration(_Single):
    """A time in seconds; ``mark`` stands after it, then the two ends of its range, if any."""

    mark: str = ""
    ends: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """The time with a unit; ends that are written alike are left out."""
        written = f"{duration(self.value)}{self.mark}"
        low, high = map(duration, self.ends or (0.0, 0.0))
        if low == high:
            return written
        number, _, unit = low.partition(" ")
        return f"{written} ({number if high.endswith(f' {unit}') else low}–{high})"


@dataclass(frozen=True)
class Percentage(_Single):
    """A share, 0.05 for 5%, and with its sign if that is wanted."""

    is_signed: bool = False

    @property
    def text(self) -> str:
        """The share in per cent; see ``bench.formatting.percentage``."""
        return percentage(self.value, self.is_signed)


@dataclass(frozen=True)
class Quantity(_Single):
    """A number with three digits that count; ``unit`` is "s", "bytes", "" or a task's metric."""

    unit: str

    @property
    def text(self) -> str:
        """The number with its unit; see ``bench.formatting.quantity``."""
        return quantity(self.value, self.unit)


@dataclass(frozen=True)
class EstimateCell(_Single):
    """A number and how far it is from the truth, as far as that is known."""

    margin: float | None = None
    digits: int = 4
    is_signed: bool = False

    @property
    def text(self) -> str:
        """The number, ± its margin."""
        number = Number(self.value, self.digits, self.is_signed).text
        if self.margin is None or number == NOTHING:
            return number
        return f"{number} ± {self.margin:.{self.digits}f}"


@dataclass(frozen=True)
class IntervalCell:
    """Two ends; one that is missing is an open one."""

    low: Cell
    high: Cell
    between: str = " to "

    @property
    def text(self) -> str:
        """Both ends, or the side that there is."""
        low, high = self.low.text, self.high.text
        if NOTHING not in (low, high):
            return f"{low}{self.between}{high}"
        if low != NOTHING:
            return f"from {low}"
        return NOTHING if high == NOTHING else f"up to {high}"

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The two ends, as ``_low`` and ``_high``."""
        return {"_low": self.low.values[""], "_high": self.high.values[""]}


@dataclass(frozen=True)
class Answer:
    """Yes or no; None is what is not known."""

    value: bool | None

    @property
    def text(self) -> str:
        """Yes stands out: no is blank."""
        return NOTHING if self.value is None else "yes" if self.value else ""

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The answer."""
        return {"": self.value}


@dataclass(frozen=True)
class Marked:
    """A cell with a mark behind it, which is for people alone."""

    cell: Cell
    mark: str

    @property
    def text(self) -> str:
        """The cell's text and the mark."""
        return f"{self.cell.text}{self.mark}"

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The cell's."""
        return self.cell.values


@dataclass(frozen=True)
class Exact:
    """A cell of which programs get other values than people see: more of them, or raw ones."""

    cell: Cell
    values: Mapping[str, Scalar]

    @property
    def text(self) -> str:
        """The cell's."""
        return self.cell.text


# Blocks


@dataclass(frozen=True)
class Column:
    """A column: its heading for people, its key for programs, and where it stands.

    ``longest`` is the most characters of a cell, in place of the table's own limits.
    A terminal that is too narrow for its table cuts cells to no fewer than ``shortest``
    characters, and leaves out columns with an ``importance``, those of the smallest first; None
    is for what is never cut or left out.
    """

    heading: str
    key: str = ""
    is_number: bool = True
    on: Place = Place.EVERYWHERE
    longest: int | None = None
    shortest: int | None = None
    importance: int | None = None


@dataclass(frozen=True)
class Heading:
    """The heading of a section, or of a part of it."""

    text: str
    level: int = 2
    on: Place = Place.PEOPLE


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str
    is_strong: bool = False
    on: Place = Place.PEOPLE


@dataclass(frozen=True)
class Note:
    """A line with a label; without one for "". A page cuts it at ``longest``."""

    label: str
    text: str
    on: Place = Place.PEOPLE
    longest: int | None = None


@dataclass(frozen=True)
class Notes:
    """Lines about what stands above them: a list, on a page."""

    notes: tuple[Note, ...]
    on: Place = Place.PEOPLE

    def standing(self, place: Place) -> list[Note]:
        """Return the notes that stand in a place."""
        return [note for note in self.notes if place & note.on]


@dataclass(frozen=True)
class CellTable:
    """Rows of cells, one for each column.

    ``about`` is what is the same for all rows: columns of their own, for programs.
    ``longest_on_terminal`` and ``longest_on_page`` are the most characters of a cell; HTML
    breaks lines itself and cuts none. ``is_narrow``: a terminal breaks headings after their
    first word, which keeps columns of short numbers narrow.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    on: Place = Place.EVERYWHERE
    about: Mapping[str, Scalar] = field(default_factory=dict)
    longest_on_terminal: int = 60
    longest_on_page: int = 160
    is_narrow: bool = True

    def standing(self, place: Place) -> CellTable:
        """Return the table with the columns alone that stand in a place."""
        kept = [number for number, column in enumerate(self.columns) if place & column.on]
        return replace(
            self,
            columns=tuple(self.columns[number] for number in kept),
            rows=tuple(tuple(row[number] for number in kept) for row in self.rows),
        )


@dataclass(frozen=True)
class Fold:
    """A table that a page shows folded away, under a summary."""

    summary: str
    table: CellTable
    on: Place = Place.PAGE


Block = Heading | Paragraph | Notes | CellTable | Fold


@dataclass(frozen=True)
class Section:
    """Blocks that belong together."""

    blocks: tuple[Block, ...]

    def standing(self, place: Place) -> list[Block]:
        """Return the blocks that stand in a place."""
        return [block for block in self.blocks if place & block.on]


@dataclass(frozen=True)
class Document:
    """All that a view says.

    ``title`` stands on pages alone, ``level`` is that of its heading. ``given`` is the ``data``,
    or what makes them once they are asked for.
    """

    title: str
    sections: tuple[Section, ...]
    given: Any = None
    level: int = 1

    @cached_property
    def data(self) -> Any:
        """What programs get as JSON: mappings, sequences and data classes of exact values."""
        return self.given() if callable(self.given) else self.given

    def tables(self, place: Place) -> list[CellTable]:
        """Return the tables that stand in a place, with their columns there."""
        blocks = [block for section in self.sections for block in section.standing(place)]
        return [block.standing(place) for block in blocks if isinstance(block, CellTable)]


# How a view declares its tables


@dataclass(frozen=True)
class Field(Generic[_Item]):
    """A column, and how the cell of a row is made from what the row is about."""

    column: Column
    cell: Callable[[_Item], Cell]


def table_of(fields: Iterable[Field[_Item]], items: Iterable[_Item], **settings: Any) -> CellTable:
    """Return a table with a row for each item.

    Args:
        fields: Its columns, in the order in which they stand.
        items: What the rows are about.
        settings: Of ``Table``.
    """
    kept = tuple(fields)
    rows = tuple(tuple(each.cell(item) for each in kept) for item in items)
    return CellTable(tuple(each.column for each in kept), rows, **settings)
