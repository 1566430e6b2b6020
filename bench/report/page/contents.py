"""What a page holds: the parts of a document, what is drawn beside them, a panel a plugin."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Leaderboard, Table
from bench.analysis.predicted import predicted
from bench.analysis.ranking import PredictionSource
from bench.errors import BenchError
from bench.formatting import one_line
from bench.registry.discover import Registry
from bench.report.document import Block, Document, Heading, Place
from bench.report.page.drawn import Drawn, drawn
from bench.report.page.panels import ExampleWords, PluginPanel, Standing, panel_of
from bench.report.provenance import title

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo


@dataclass(frozen=True)
class Part:
    """A section of the page: what its address ends with, its heading, and what stands below.

    ``pictures`` says which kinds of pictures there are; ``key`` is that of the column whose
    intervals are drawn, on an axis with these ``ends``. Without a heading it is no part of its
    own.
    """

    anchor: str
    heading: str
    blocks: tuple[Block, ...]
    pictures: tuple[str, ...] = ()
    key: str = ""
    ends: tuple[float, float] = (0.0, 1.0)
    drawn: Drawn | None = None


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
    for place, table in enumerate(board.tables):
        rows = [Standing(table, row, predicted(store, table, row, say)) for row in table.rows]
        known[id(table)] = parts[place].anchor
        made = {each.row.label: each.predicted for each in rows if each.predicted is not None}
        parts[place] = _with_pictures(parts[place], table, drawn(table, made))
        for each in rows:
            plugin = table.selected[each.row.label].trial.plugin
            standing.setdefault(plugin, []).append(each)
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    words = _words_at_hand(registry.tasks)
    panels: dict[str, PluginPanel] = {}
    anchors: dict[str, str] = {}
    for name, rows in sorted(standing.items()):
        anchor = names.new(f"plugin-{name}")
        panels[anchor] = panel_of(name, rows, plugins.get(name), words, lambda t: known[id(t)])
        anchors |= {each.row.label: anchor for each in rows}
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
    pictures += ["forecast", "errors"] if "forecast" in made else []
    pictures += ["calibration"] if "calibration" in made else []
    low, high = made["range"]
    return replace(
        part,
        heading=title(table),
        pictures=tuple(pictures),
        key=f"validation_{table.metric}",
        ends=(low, high),
        drawn=made,
    )


# The words of single examples, where the data are prepared on this machine


def _words_at_hand(tasks: Mapping[str, TaskInfo]) -> ExampleWords:
    looks: dict[str, Callable[[int], str]] = {}

    def words(table: Table, number: int) -> str:
        key = f"{table.task} {table.fingerprint}"
        if key not in looks:
            looks[key] = functools.lru_cache(maxsize=None)(_look_of(tasks.get(table.task), table))
        return looks[key](number)

    return words


def _nothing(number: int) -> str:
    return ""


def _look_of(task: TaskInfo | None, table: Table) -> Callable[[int], str]:
    """Return what gives the words of an example: of the same task and data, or of none."""
    if task is None or task.sha256 != table.task_sha256:
        return _nothing
    from bench.data.prepared import open_prepared, prepared_folder
    from bench.data.sources import Source
    from bench.registry.task_code import load_module, told_of_task

    source = Source(task.name, table.source, (), table.fingerprint, "")
    folder = prepared_folder(task, source)
    if not folder.is_dir():
        return _nothing
    try:
        prepared = open_prepared(folder, with_targets=True)
        with told_of_task(task):
            look: Any = getattr(load_module(task), "look", None)
    except BenchError:
        return _nothing
    if look is None:
        return _nothing

    def words(number: int) -> str:
        with told_of_task(task):
            shown = look(prepared, task.view, "test", number)
        return str(shown.example.get("text", ""))

    return words
