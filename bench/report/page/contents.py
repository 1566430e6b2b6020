"""What a page holds: the parts of a document, what is drawn beside them, a panel a plugin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench.analysis.leaderboard import Leaderboard, Table
from bench.analysis.predicted import predicted
from bench.analysis.ranking import PredictionSource
from bench.formatting import capitalised, one_line
from bench.registry.discover import Registry
from bench.report.data_look import data_document, picture_numbers
from bench.report.document import Block, Document, Heading, Paragraph, Place
from bench.report.page.at_hand import DataAtHand, DataOfTables
from bench.report.page.commits import course_of, drawn_course
from bench.report.page.drawn import MOST_NUMBERS, Drawn, drawn
from bench.report.page.panels import PluginPanel, Standing, panel_of
from bench.report.provenance import title


@dataclass(frozen=True)
class Part:
    """A section of the page: what its address ends with, its heading, and what stands below.

    ``pictures`` says which kinds of pictures there are; ``key`` is that of the column whose
    intervals are drawn, on an axis with these ``ends``. ``is_data`` says that it is of a task's
    data, not of what models make of them. Without a heading it is no part of its
    own.
    """

    anchor: str
    heading: str
    blocks: tuple[Block, ...]
    pictures: tuple[str, ...] = ()
    key: str = ""
    ends: tuple[float, float] = (0.0, 1.0)
    drawn: Drawn | None = None
    is_data: bool = False


@dataclass(frozen=True)
class PageContents:
    """All that stands on a page; ``anchors`` are the panels' addresses by the label of a row."""

    title: str
    parts: tuple[Part, ...]
    panels: Mapping[str, PluginPanel] = field(default_factory=dict)
    anchors: Mapping[str, str] = field(default_factory=dict)


def contents_of(document: Document) -> PageContents:
    """Return what stands on the page of any document: no pictures, and no panels."""
    names = _Names()
    return PageContents(document.title, tuple(_parts(document, names)))


def contents_of_board(
    document: Document,
    board: Leaderboard,
    store: PredictionSource,
    registry: Registry,
    say: Callable[[str], None],
) -> PageContents:
    """Return what stands on the page of a leaderboard.

    Args:
        document: What ``leaderboard_document`` made of it: a section a table, then what is left.
        board: The leaderboard, judged.
        store: Where the predictions of its records are.
        registry: The plugins and tasks that there are now.
        say: Is told of what cannot be used.
    """
    names = _Names()
    parts = list(_parts(document, names))
    standing: dict[str, list[Standing]] = {}
    known: dict[int, str] = {}
    most = MOST_NUMBERS // max(1, sum(table.in_time for table in board.tables))
    for place, table in enumerate(board.tables):
        course = course_of(table)
        rows = [
            Standing(table, row, predicted(store, table, row, say), course) for row in table.rows
        ]
        known[id(table)] = parts[place].anchor
        made = {each.row.label: each.predicted for each in rows if each.predicted is not None}
        parts[place] = _with_pictures(
            parts[place], table, {**drawn(table, made, most), **drawn_course(course)}
        )
        for each in rows:
            plugin = table.selected[each.row.label].trial.plugin
            standing.setdefault(plugin, []).append(each)
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    data = DataOfTables(registry.tasks)
    panels: dict[str, PluginPanel] = {}
    anchors: dict[str, str] = {}

    def words(table: Table, number: int) -> str:
        return data.of(table).words(number)

    for name, rows in sorted(standing.items()):
        anchor = names.new(f"plugin-{name}")
        panels[anchor] = panel_of(name, rows, plugins.get(name), words, lambda t: known[id(t)])
        anchors |= {each.row.label: anchor for each in rows}
    parts += _data_parts(board.tables, data, names)
    return PageContents(document.title, tuple(parts), panels, anchors)


class _Names:
    """Ends of addresses: letters, digits, "-" and "_" whatever a record holds, none twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, text: str) -> str:
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-") or "part"
        name, number = stem, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.lower())
        return name


def _parts(document: Document, names: _Names) -> Iterable[Part]:
    for section in document.sections:
        blocks = section.standing(Place.PAGE)
        heading = ""
        if blocks and isinstance(blocks[0], Heading):
            heading = one_line(blocks[0].text)
            blocks = blocks[1:]
        short = re.sub(r" (data|profile)\b", "", heading)
        yield Part(names.new(short) if heading else "", heading, tuple(blocks))


def _with_pictures(part: Part, table: Table, made: Drawn) -> Part:
    pictures = ["cost"] if made["rows"] else []
    curves = made["curves"]
    pictures += ["curves"] if any(map(any, (one.values() for one in curves.values()))) else []
    kinds = ("history", "forecast", "errors", "calibration", "confusion")
    pictures += [kind for kind in kinds if kind in made]
    low, high = made["range"]
    return replace(
        part,
        heading=title(table),
        pictures=tuple(pictures),
        key=f"validation_{table.metric}",
        ends=(low, high),
        drawn=made,
    )


# The data of the tables, each once


def _data_parts(tables: Iterable[Table], data: DataOfTables, names: _Names) -> Iterable[Part]:
    """Yield a part for each task's data, as `bench data show` and `plot` tell of them."""
    for table in {(each.task, each.fingerprint): each for each in tables}.values():
        yield _data_part(table, data.of(table), names)


def _data_part(table: Table, data: DataAtHand, names: _Names) -> Part:
    heading = f"{table.task}, {table.source} data"
    anchor = names.new(f"data-{table.task}-{table.source}")
    shown = data.look("train", 0)
    if shown is None:
        why = data.missing or "its task file fails to show them"
        said = (
            f"Nothing is shown of these data: {one_line(why)}. `bench data show {table.task}` and "
            f"`bench data plot {table.task}` prepare and show what is there now."
        )
        return Part(anchor, heading, (Paragraph(said),), is_data=True)
    told = data_document(table.task, data.facts, shown, "train 0")
    blocks = [block for section in told.sections for block in section.blocks][1:]
    lower = [
        replace(each, text=capitalised(each.text), level=3) if isinstance(each, Heading) else each
        for each in blocks
    ]
    drawn = {"pictures": [picture_numbers(picture) for picture in shown.pictures]}
    kinds = tuple(f"data-{number}" for number in range(len(shown.pictures)))
    return Part(anchor, heading, tuple(lower), kinds, drawn=drawn, is_data=True)
