"""A document in each format, written once: no text in it can break any of them."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from html import escape
from itertools import chain, groupby
from typing import Any

from tabulate import tabulate

from bench.formatting import one_line
from bench.report.document import (
    Block,
    CellTable,
    Column,
    Document,
    Fold,
    Heading,
    Notes,
    Place,
    Scalar,
    Section,
)

#: Makes text safe, and cuts it where it is longer than a number of characters.
_Safe = Callable[[str, int | None], str]


def _cells(table: CellTable, longest: int, safe: _Safe) -> list[list[str]]:
    limits = [column.longest or longest for column in table.columns]
    return [
        [safe(cell.text, limit) for cell, limit in zip(row, limits, strict=True)]
        for row in table.rows
    ]


def _labelled(label: str, text: str) -> str:
    return f"{label}: {text}" if label else text


def _grid(
    table: CellTable, rows: Sequence[Sequence[str]], headings: Sequence[str], form: str
) -> str:
    aligned = ["right" if column.is_number else "left" for column in table.columns]
    return tabulate(rows, headings, tablefmt=form, colalign=aligned, disable_numparse=True)


# For the terminal


def to_text(document: Document, width: int | None = None) -> str:
    """Return what stands on a terminal, without a line's end after the last one.

    Args:
        document: What it says.
        width: Characters on a line of the terminal; None for a place where lines have no end,
            such as a pipe: then nothing is left out, and no line is broken.
    """
    return text_of([text_section(section, width) for section in document.sections])


def text_of(sections: Iterable[str]) -> str:
    """Return what stands on a terminal of its sections, as ``text_section`` writes them."""
    return "\n\n".join(section for section in sections if section)


def text_section(section: Section, width: int | None = None) -> str:
    """Put lines below each other, and a blank line before and after each table."""
    parts: list[str] = []
    standing = section.standing(Place.TERMINAL)
    for is_table, blocks in groupby(standing, key=lambda block: isinstance(block, CellTable)):
        texts = [_text_block(block, width) for block in blocks]
        parts += texts if is_table else ["\n".join(text for text in texts if text)]
    return "\n\n".join(part for part in parts if part)


def _text_block(block: Block, width: int | None) -> str:
    if isinstance(block, CellTable):
        return _text_table(block.standing(Place.TERMINAL), width)
    if isinstance(block, Notes):
        notes = block.standing(Place.TERMINAL)
        lines = [_labelled(one_line(note.label), one_line(note.text)) for note in notes]
        return "\n".join(_wrapped(line, width, "  ") for line in lines)
    return _wrapped(one_line(block.summary if isinstance(block, Fold) else block.text), width)


def _wrapped(line: str, width: int | None, indent: str = "") -> str:
    """Break a line between words; a word that is longer than a line stays whole."""
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(
        line,
        max(width, 20),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text_table(table: CellTable, width: int | None) -> str:
    whole = _text_grid(table)
    if width is None or _width(whole) <= width:
        return whole
    shown, gone = _short(table), []
    while _width(_text_grid(shown)) > width:
        least = _least_important(shown)
        if least is None:
            break
        gone.append(shown.columns[least].heading)
        shown, table = _without(shown, least), _without(table, least)
    fitted = _short(table, max(0, width - _width(_text_grid(shown))))
    lines = _cut(fitted)
    if gone:
        names = ", ".join(reversed(gone))
        lines.append(f"no room for: {names}; a wider terminal, a pipe or --format md shows them")
    return "\n".join([_text_grid(fitted), *(_wrapped(line, width, "  ") for line in lines)])


def _cut(table: CellTable) -> list[str]:
    """Return what was cut short to fit, with the name of its row."""
    name = next((place for place, each in enumerate(table.columns) if not each.is_number), 0)
    return [
        f"{one_line(row[name].text)}: {one_line(cell.text)}"
        for row in table.rows
        for cell, column in zip(row, table.columns, strict=True)
        if column.shortest is not None
        and column.longest is not None
        and len(one_line(cell.text)) > column.longest
    ]


def _text_grid(table: CellTable) -> str:
    headings = [one_line(column.heading) for column in table.columns]
    if table.is_narrow:
        headings = [heading.replace(" ", "\n", 1) for heading in headings]
    rows = _cells(table, table.longest_on_terminal, one_line)
    return _grid(table, rows, headings, "simple")


def _width(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def _short(table: CellTable, spare: int = 0) -> CellTable:
    """Cut the cells of columns that can be cut; ``spare`` are more characters for the first."""
    columns = []
    for column in table.columns:
        if column.shortest is not None:
            longest = min(column.longest or table.longest_on_terminal, column.shortest + spare)
            column, spare = replace(column, longest=longest), 0
        columns.append(column)
    return replace(table, columns=tuple(columns))


def _least_important(table: CellTable) -> int | None:
    """Return the place of the column that is left out first, the last of several."""
    found = [
        (column.importance, -place)
        for place, column in enumerate(table.columns)
        if column.importance is not None
    ]
    return -min(found)[1] if found else None


def _without(table: CellTable, place: int) -> CellTable:
    return _with_columns(table, [n for n in range(len(table.columns)) if n != place])


def _with_columns(table: CellTable, places: Sequence[int]) -> CellTable:
    return replace(
        table,
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in table.rows),
    )


# Markdown, of which GitHub's dialect is the measure


#: Of a table on GitHub: its columns, and px of the page; below, of a cell and of a character.
MOST_COLUMNS = 8
PAGE_WIDTH = 946
_PADDING, _CHARACTER = 27, 8
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: The spaces around a ± and between a number and its unit, the hyphen between two ranks.
_WITHIN = re.compile(r"(?<=±) | (?=±)|(?<=[0-9]) (?=(?:ms|s|min|h|KiB|MiB|GiB)\b)")
_RANGE = re.compile(r"(?<=[0-9])-(?=[0-9])")
#: Where a browser may begin a new line.
_BREAKS = re.compile("[ \n-]")
#: An underscore within a word is itself; elsewhere it would open or close emphasis.
_SPECIAL = re.compile(r"[\\|`*\[\]<>&$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
#: Words and figures that mean themselves, as nearly all cells of a table do.
_OWN = r"[A-Za-z0-9.,%±–+-]+"
_ITSELF = re.compile(rf"{_OWN}(?:(?: |(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])){_OWN})*")
#: Characters that are one wide, whoever counts.
_ONE_WIDE = re.compile(r"[\x20-\x7e\xa0±×‑–…]*")


def to_markdown(document: Document, in_comment: bool = False) -> str:
    """Return a page in markdown.

    Args:
        document: What it says.
        in_comment: It is posted where a name behind an "@" notifies its owner: none does.
    """
    safe = _without_mentions if in_comment else escape_markdown
    title = f"{'#' * document.level} {safe(document.title, None)}"
    return markdown_of(title, [markdown_section(section, safe) for section in document.sections])


def markdown_of(title: str, sections: Iterable[str]) -> str:
    """Return a page in markdown of its sections, as ``markdown_section`` writes them."""
    return "\n\n".join(part for part in (title, *sections) if part) + "\n"


def markdown_section(section: Section, safe: _Safe | None = None) -> str:
    """Return a section of a page in markdown; ``safe`` makes texts safe, if not as usual."""
    blocks = section.standing(Place.PAGE)
    parts = [_markdown_block(block, safe or escape_markdown) for block in blocks]
    return "\n\n".join(part for part in parts if part)


def escape_markdown(text: str, longest: int | None = None) -> str:
    """Return text that means itself, on one line."""
    if (longest is None or len(text) <= longest) and _ITSELF.fullmatch(text):
        return text
    return _SPECIAL.sub(
        lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), one_line(text, longest)
    )


def _without_mentions(text: str, longest: int | None) -> str:
    return escape_markdown(text, longest).replace("@", "@<!-- -->")


def _markdown_block(block: Block, safe: _Safe) -> str:
    if isinstance(block, CellTable):
        return _markdown_table(block.standing(Place.PAGE), safe)
    if isinstance(block, Notes):
        notes = block.standing(Place.PAGE)
        lines = [_labelled(safe(n.label, None), safe(n.text, n.longest)) for n in notes]
        return "\n".join(f"- {line}" for line in lines)
    if isinstance(block, Fold):
        table = _markdown_table(block.table.standing(Place.PAGE), safe)
        summary = safe(block.summary, None)
        return f"<details><summary>{summary}</summary>\n\n{table}\n\n</details>"
    text = safe(block.text, None)
    if isinstance(block, Heading):
        return f"{'#' * block.level} {text}"
    return f"**{text}**" if block.is_strong else text


def _markdown_table(table: CellTable, safe: _Safe) -> str:
    """Write a table, and what makes it wider than a page of GitHub below it, columns folded away.

    Each of the folded tables begins with the column that names the rows. A table in which nothing
    may be left out stays as wide as it is.
    """
    shown, gone, is_cut = _to_page_width(table)
    fitted = _with_columns(_short(table) if is_cut else table, shown)
    parts = [_markdown_grid(fitted, safe)]
    if is_cut:
        parts.append("\n".join(f"- {safe(line, None)}" for line in _cut(fitted)))
    if gone:
        names = ", ".join(table.columns[place].heading for place in gone)
        name = next((n for n in shown if not table.columns[n].is_number), shown[0])
        size = MOST_COLUMNS - 1
        folded = [
            _markdown_grid(_with_columns(table, [name, *gone[first : first + size]]), safe)
            for first in range(0, len(gone), size)
        ]
        summary = safe(f"More columns: {names}", None)
        parts += [f"<details><summary>{summary}</summary>", *folded, "</details>"]
    return "\n\n".join(part for part in parts if part)


def _markdown_grid(table: CellTable, safe: _Safe) -> str:
    headings = [safe(column.heading, None) for column in table.columns]
    numbers = [column.is_number for column in table.columns]
    columns = zip(*_cells(table, table.longest_on_page, safe), strict=True)
    whole: list[Sequence[str]] = [
        _whole("\n".join(cells)).split("\n") if is_number else cells
        for cells, is_number in zip(columns, numbers, strict=bool(table.rows))
    ]
    rows = [*zip(*whole, strict=True)]
    if not rows or not _ONE_WIDE.fullmatch("".join(chain(headings, *rows))):
        return _grid(table, rows, headings, "pipe")
    return _pipes(numbers, rows, headings)


def _pipes(
    to_the_right: Sequence[bool], rows: Sequence[Sequence[str]], headings: Sequence[str]
) -> str:
    """Return what ``_grid`` does in the form "pipe", of thousands of rows in a fifth of the time.

    All characters have to be one wide, and there has to be a row.
    """
    columns = zip(headings, zip(*rows, strict=True), to_the_right, strict=True)
    sides = [
        (max(len(heading) + 2, *map(len, cells)), ">" if is_right else "<")
        for heading, cells, is_right in columns
    ]
    line = f"| {' | '.join(f'{{:{side}{width}}}' for width, side in sides)} |"
    rules = [
        f"{'-' * (width + 1)}:" if side == ">" else f":{'-' * (width + 1)}" for width, side in sides
    ]
    body = (line.format(*row) for row in rows)
    return "\n".join([line.format(*headings), f"|{'|'.join(rules)}|", *body])


def _whole(number: str) -> str:
    """Keep a number, or each of several lines, whole: at its ±, before its unit, between ranks.

    GitHub breaks the cells of a wide table at any other space and hyphen.
    """
    return _RANGE.sub("\N{NON-BREAKING HYPHEN}", _WITHIN.sub("\N{NO-BREAK SPACE}", number))


def _to_page_width(table: CellTable) -> tuple[list[int], list[int], bool]:
    """Return the places of the columns that fit a page, of the others, and whether cells are cut.

    Too many columns go first, the least important ahead; then cells that can be cut are, and
    then columns go as the width asks.
    """
    shown, is_cut = [*range(len(table.columns))], False
    widths = _page_widths(table)
    while len(shown) > MOST_COLUMNS or sum(widths[place] for place in shown) > PAGE_WIDTH:
        if len(shown) <= MOST_COLUMNS and not is_cut:
            widths, is_cut = _page_widths(_short(table)), True
            continue
        least = _least_important(_with_columns(table, shown))
        if least is None:
            break
        del shown[least]
    return shown, [n for n in range(len(table.columns)) if n not in shown], is_cut


def _page_widths(table: CellTable) -> list[int]:
    """Return how narrow GitHub can make each column, in px: as its longest unbroken text is."""
    rows = _cells(table, table.longest_on_page, one_line)
    widths = []
    for place, column in enumerate(table.columns):
        cells = "\n".join(row[place] for row in rows)
        text = f"{column.heading}\n{_whole(cells) if column.is_number else cells}"
        widths.append(_PADDING + _CHARACTER * max(map(len, _BREAKS.split(text))))
    return widths


# HTML for notebooks; a page of its own is made by ``bench.report.page``


def to_html_part(document: Document) -> str:
    """Return what stands on a page below its title, to be put into a notebook."""
    blocks = [
        _html_block(block)
        for section in document.sections
        for block in section.standing(Place.PAGE)
    ]
    return "\n".join(filter(None, blocks))


def _html_block(block: Block) -> str:
    if isinstance(block, CellTable):
        return _html_table(block.standing(Place.PAGE))
    if isinstance(block, Notes):
        lines = [_labelled(_safe(n.label), _safe(n.text)) for n in block.standing(Place.PAGE)]
        return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>" if lines else ""
    if isinstance(block, Fold):
        table = _html_table(block.table.standing(Place.PAGE))
        return f"<details><summary>{_safe(block.summary)}</summary>\n{table}\n</details>"
    if isinstance(block, Heading):
        return f"<h{block.level}>{_safe(block.text)}</h{block.level}>"
    text = _safe(block.text)
    return f"<p><strong>{text}</strong></p>" if block.is_strong else f"<p>{text}</p>"


def _html_table(table: CellTable) -> str:
    head = _html_row("th", table.columns, [column.heading for column in table.columns])
    rows = [_html_row("td", table.columns, [cell.text for cell in row]) for row in table.rows]
    body = "\n".join(rows)
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_row(tag: str, columns: Sequence[Column], texts: Sequence[str]) -> str:
    found = []
    for column, text in zip(columns, texts, strict=True):
        kind = ' class="number"' if column.is_number else ""
        found.append(f"<{tag}{kind}>{_safe(text)}</{tag}>")
    return f"<tr>{''.join(found)}</tr>"


def _safe(text: str) -> str:
    return escape(one_line(text))


# CSV


def to_csv(document: Document) -> str:
    """Return one line a row of all tables, under the names of all their values.

    Values are exact and units those of the suite: seconds, bytes, shares. What a row does not
    have is empty; names stand in the order in which they are met.
    """
    lines = [line for table in document.tables(Place.DATA) for line in _csv_lines(table)]
    names = dict.fromkeys(name for line in lines for name in line)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*names], lineterminator="\n")
    # A name is of the suite, but for what a record calls its metrics.
    writer.writerow({name: one_line(name) for name in names})
    writer.writerows({name: _csv_value(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _csv_lines(table: CellTable) -> list[dict[str, Scalar]]:
    keys = [column.key for column in table.columns]
    return [
        {
            **table.about,
            **{
                f"{key}{part}": value
                for key, cell in zip(keys, row, strict=True)
                for part, value in cell.values.items()
            },
        }
        for row in table.rows
    ]


def _csv_value(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return one_line(value)
    return None if isinstance(value, float) and math.isnan(value) else value


# JSON


def to_json(document: Document) -> str:
    """Return a document's data; a number that is not finite is null, as what is not known is."""
    return json.dumps(_plain(document.data), indent=1, allow_nan=False) + "\n"


def _plain(data: Any) -> Any:
    if is_dataclass(data):
        return {each.name: _plain(getattr(data, each.name)) for each in fields(data)}
    if isinstance(data, Mapping):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


#: The formats by the names that the command line gives them; ``bench.report.page`` has html.
FORMATS: Mapping[str, Callable[[Document], str]] = {
    "text": to_text,
    "md": to_markdown,
    "csv": to_csv,
    "json": to_json,
}
