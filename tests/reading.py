"""Read what was rendered, as those for whom it is made would."""

from __future__ import annotations

import csv
import html
import io
import re
from itertools import groupby

from bench.report.document import CellTable, Document, Heading, Notes, Paragraph, Place
from bench.report.writers import to_csv


def markdown_tables(document: str) -> list[list[list[str]]]:
    """Read the tables of a document as GitHub does: cells without escapes and entities.

    A number that may not be broken is given as it is typed.
    """
    lines = groupby(document.split("\n"), key=lambda line: line.startswith("|"))
    return [[_cells(line) for line in table] for is_table, table in lines if is_table]


def markdown_rows(table: list[list[str]]) -> list[dict[str, str]]:
    """Give the rows of a table by the headings of its columns."""
    heads, _, *rows = table
    return [dict(zip(heads, row, strict=True)) for row in rows]


def _cells(line: str) -> list[str]:
    return [_show(cell).strip() for cell in _hide(line).split("|")[1:-1]]


def _hide(line: str) -> str:
    """Put each escaped character beyond the reach of the splitting."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", lambda found: chr(0xE000 + ord(found[1])), line)


def _show(cell: str) -> str:
    plain = as_typed(html.unescape(cell))
    return "".join(chr(ord(c) - 0xE000) if 0xE000 <= ord(c) < 0xE080 else c for c in plain)


def as_typed(text: str) -> str:
    """Give a text with the spaces and hyphens of a keyboard for those at which no line ends."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NON-BREAKING HYPHEN}", "-")


def shown(table: CellTable) -> list[dict[str, str]]:
    """Give the rows of a document's table as people see them, by heading."""
    heads = [column.heading for column in table.columns]
    return [dict(zip(heads, (cell.text for cell in row), strict=True)) for row in table.rows]


def exact(document: Document) -> list[dict[str, str]]:
    """Give the rows that a document's CSV has."""
    return [*csv.DictReader(io.StringIO(to_csv(document)))]


def said(document: Document, place: Place) -> str:
    """Give all that a document says beside its tables, a line a block or note."""
    lines = []
    for block in (block for section in document.sections for block in section.standing(place)):
        if isinstance(block, Notes):
            lines += [f"{note.label}: {note.text}" for note in block.standing(place)]
        elif isinstance(block, Heading | Paragraph):
            lines.append(block.text)
    return "\n".join(lines)
