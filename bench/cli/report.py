"""``python -m bench report``."""

from __future__ import annotations

import gc
import re
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import without_controls
from bench.registry.source_tree import Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.ranking import ExampleScores, Key
    from bench.records.record import Record
    from bench.records.selection import WorkingTree
    from bench.records.store import Stores
    from bench.registry.discover import Registry
    from bench.report.document import Document, Section

FORMATS = ("text", "md", "html", "csv", "json")
_ENDINGS = {
    "txt": "text",
    "md": "md",
    "markdown": "md",
    "html": "html",
    "htm": "html",
    "csv": "csv",
    "json": "json",
}
#: Of fewer records no table pays for a process of its own.
MANY = 10_000
#: Formats in which a section stands by itself.
_BY_SECTION = ("text", "md")
#: Formats without a place for the sentence on what is left out.
_TABLES_ONLY = ("csv", "json")


@dataclass(frozen=True)
class ReportOptions(Folders):
    """All that ``python -m bench report`` is told; see its help."""

    names: tuple[str, ...]
    form: str | None
    sort: str | None
    task: str | None
    profile: str | None
    source: str | None
    reproduction: bool
    backends: bool
    best_of_grid: bool
    figures: Path | None
    site: Path | None
    compare: tuple[str, str] | None
    current: bool
    results: tuple[Path, ...]
    output: Path | None


@click.command(name="report")
@click.argument("names", nargs=-1, metavar="[NAME | GLOB]...")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="[default: as --output ends, else text]",
)
@click.option(
    "--sort",
    metavar="COLUMN",
    help="Rows in the order of a column as CSV calls it, such as fit_seconds; with - before it the "
    "largest first. Ranks stay what they are.",
)
@click.option("--task", metavar="TASK", help="Only the tables of this task.")
@click.option("--profile", metavar="PROFILE", help="Only the tables of this profile.")
@click.option("--source", metavar="SOURCE", help="Only the tables on this source of data.")
@click.option(
    "--reproduction",
    is_flag=True,
    help="Every published figure beside the measured one, instead of the leaderboard.",
)
@click.option(
    "--backends",
    is_flag=True,
    help="What each plugin does on each backend, and which is the fastest, instead.",
)
@click.option(
    "--best-of-grid",
    is_flag=True,
    help="Of the points of a plugin's grid only the best by validation, and of how many it is.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also draw learning curves and quality against time as SVG; needs matplotlib.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write the page of --format html as a folder of static pages, one for each table and "
    "plugin, each with an address of its own.",
)
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Two results side by side, instead: each a folder of records, or a revision of Git: "
    "--results as it has them or, where it has none, the records in --results that it made.",
)
@click.option(
    "--current",
    is_flag=True,
    help="Only plugins that are in the working tree, not those whose files are gone.",
)
@shared.folders
@shared.shown_results
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to a file instead of standard output. Its ending decides the format: "
    f"{', '.join(f'.{ending}' for ending in _ENDINGS)}. An ending that is none of these is "
    "refused without --format, and one of these beside another --format.",
)
@shared.filled(ReportOptions)
def command(options: ReportOptions) -> int:
    """Render the leaderboard again from the recorded results; nothing is run.

    With NAMEs there are these plugins alone, and the ranks are among them.

    A plugin's row is of the records of its present source. Where there are none, or its file
    is gone, it is of the newest records, and says so.

    Exit status: 0 it was rendered; 2 there is nothing to render or a file is wrong.
    """
    # Nothing in a report refers to itself, and of many records there are millions of objects:
    # to look for circles among them takes a sixth of the time.
    is_collected = gc.isenabled()
    gc.disable()
    try:
        return _report(options)
    finally:
        if is_collected:
            gc.enable()


def _report(options: ReportOptions) -> int:
    form = options.form or "text"
    if options.output is not None:
        form = shared.form_of(options.output, _ENDINGS, options.form) or form
    _check(options, form)
    from bench.records.store import Stores
    from bench.registry.project import registry_of

    registry = registry_of(options)
    if options.compare is not None:
        with ExitStack() as opened:
            compared = _compared(options, options.compare, registry, opened)
            _put(options, _written(options, form, compared))
        return 0
    store = Stores(options.results)
    asked = _asked(options, registry, store)
    of_board = not (options.reproduction or options.backends)
    if of_board and form in _BY_SECTION and options.figures is None and options.site is None:
        _put(options, _written_by_table(options, form, asked, store))
        return 0
    board = _board(options, asked, store)
    document = _document(options, board, registry)
    if form == "html" and of_board:
        from bench.report.page.contents import contents_of_board
        from bench.report.page.render import to_page

        text = to_page(contents_of_board(document, board, store, registry, _warn))
    else:
        text = _written(options, form, document)
    if form in _TABLES_ONLY and of_board and board.left_out:
        from bench.report.leaderboard import left_out

        print(left_out(board), file=sys.stderr)
    if options.figures is not None:
        _draw(board, options.figures)
    if options.site is not None:
        _write_site(options.site, document, board, store, registry)
    _put(options, text)
    return 0


def _put(options: ReportOptions, text: str) -> None:
    if options.output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        shared.write_file(options.output, text.encode())


def _written(options: ReportOptions, form: str, document: Document) -> str:
    """Return a document in any format: of html, a page without pictures."""
    from bench.report.writers import FORMATS, to_text

    if form == "html":
        from bench.report.page.contents import contents_of
        from bench.report.page.render import to_page

        return to_page(contents_of(document))
    if form == "text" and options.output is None:
        return to_text(document, shared.terminal_width())
    return FORMATS[form](document)


def _check(options: ReportOptions, form: str) -> None:
    """Refuse what makes no sense together.

    Raises:
        BenchError: Names the options.
    """
    if options.reproduction and options.backends:
        raise BenchError("--reproduction and --backends are two reports: leave one out")
    for name in ("reproduction", "backends", "compare"):
        for other in ("best_of_grid", "site", *(("figures",) if name == "compare" else ())):
            if getattr(options, name) and getattr(options, other):
                other = other.replace("_", "-")
                raise BenchError(f"--{name} is another report than --{other}: leave one out")
    if options.compare is not None and (options.reproduction or options.backends):
        raise BenchError("--compare is a report of its own: leave out the other")
    if form == "html" or options.site is not None:
        from bench.report.page.render import check_installed

        check_installed("--format html" if form == "html" else "--site")


def _document(options: ReportOptions, board: Leaderboard, registry: Registry) -> Document:
    if options.reproduction:
        return _reproduction(board, registry)
    if options.backends:
        return _backends(board)
    from bench.report.leaderboard import leaderboard_document

    return leaderboard_document(board)


def _board(
    options: ReportOptions, asked: _Asked, store: Stores, warn: Callable[[str], None] | None = None
) -> Leaderboard:
    """Return the leaderboard of some records, judged."""
    from bench.analysis.ranking import best_of_grid, judged

    board = asked.board()
    if options.best_of_grid:
        board = best_of_grid(board)
    board = judged(board, store, warn or _warn)
    if options.sort is None:
        return board
    from bench.report.sorting import in_order_of

    tables = tuple(in_order_of(each, options.sort) for each in board.tables)
    return replace(board, tables=tables)


@dataclass(frozen=True)
class _Asked:
    """The records that a report is asked for, and what else a leaderboard is made of."""

    records: Sequence[Record]
    unreadable: int
    tree: WorkingTree | None

    def board(self) -> Leaderboard:
        """Return their leaderboard, not yet judged."""
        from bench.analysis.leaderboard import make_leaderboard

        return make_leaderboard(self.records, unreadable=self.unreadable, tree=self.tree)


def _written_by_table(options: ReportOptions, form: str, asked: _Asked, store: Stores) -> str:
    """Return a leaderboard of which each table is made and written by itself, several at once."""
    from bench.analysis.leaderboard import Leaderboard, by_table
    from bench.records.selection import UNREADABLE
    from bench.report.leaderboard import TITLE, leaderboard_document, remainder
    from bench.report.writers import markdown_of, markdown_section, text_of, text_section

    width = shared.terminal_width() if options.output is None else None

    def written(sections: Sequence[Section]) -> list[str]:
        if form == "md":
            return [markdown_section(section) for section in sections]
        return [text_section(section, width) for section in sections]

    def table(records: Sequence[Record]) -> tuple[list[str], Mapping[str, int], list[str]]:
        warnings: list[str] = []
        of_table = replace(asked, records=records, unreadable=0)
        board = _board(options, of_table, store, warnings.append)
        document = leaderboard_document(replace(board, left_out={}))
        return written(document.sections), board.left_out, warnings

    groups = by_table(asked.records)
    if len(asked.records) < MANY:
        made = [table(group) for group in groups]
    else:
        from bench.report.apart import done_apart

        made = done_apart(table, groups, [len(group) for group in groups])
    sections: list[str] = []
    left_out: Counter[str] = Counter()
    for texts, others, warnings in made:
        sections += texts
        left_out.update(others)
        for line in warnings:
            _warn(line)
    rest = remainder(Leaderboard((), {**left_out, UNREADABLE: asked.unreadable}))
    sections += written(rest)
    return markdown_of(f"# {TITLE}", sections) if form == "md" else text_of(sections)


def _asked(options: ReportOptions, registry: Registry, store: Stores, commit: str = "") -> _Asked:
    """Return what is asked for of a store, or of one commit's records alone.

    Raises:
        BenchError: There are no such records.
    """
    from bench.records.selection import Wanted, working_tree

    contents = store.read()
    for line in contents.problems:
        _warn(line)
    tree = working_tree(registry, contents.records)
    wanted = Wanted(options.task, options.profile, options.source, options.names)
    records = [
        record
        for record in wanted.of(contents.records)
        if (not options.current or tree.has(record.trial))
        # Asked for nothing, the environment is not read: of a large store it is half the report.
        and (not commit or str(record.environment.get("commit") or "").startswith(commit))
    ]
    if not records:
        others = replace(wanted, plugins=()).asked.items()
        asked = [*options.names, *(f"--{name} {value}" for name, value in others)]
        asked += [f"the commit {commit}"] if commit else []
        chosen = ", ".join([*asked, "--current"] if options.current else asked)
        raise BenchError(
            f"{store}: has no records{' for ' + chosen if chosen else ''}; "
            "run some first with `python -m bench run --all`, or name another --results"
        )
    # Records of two results are compared as they are, whatever was edited since.
    known = None if options.compare else tree
    return _Asked(records, len(contents.unreadable), known)


def _warn(line: str) -> None:
    print(f"warning: {without_controls(line)}", file=sys.stderr)


def _reproduction(board: Leaderboard, registry: Registry) -> Document:
    from bench.analysis.reproduction import reproduce
    from bench.report.reproduction import reproduction_document

    found = reproduce(board, *_told_of_published(registry))
    if not found.comparisons:
        raise BenchError(
            "--reproduction: no record of a full training on the official data has a published "
            "figure; run some first with `python -m bench run --all --profile full --seeds 0,1,2`"
        )
    return reproduction_document(found)


def _backends(board: Leaderboard) -> Document:
    from bench.analysis.backends import side_by_side
    from bench.report.backends import backends_document

    found = side_by_side(board)
    if not any(comparison.plugins for comparison in found):
        raise BenchError(
            "--backends: no plugin is ok on two backends; run some first with "
            "`python -m bench run --all --backend tensorflow,jax`"
        )
    return backends_document(found)


def _told_of_published(registry: Registry) -> tuple[dict[str, str], dict[str, str]]:
    """Return what plugins say of their published figures, and where these are from, by plugin."""
    notes = {plugin.name: plugin.reference_note for plugin in registry.plugins}
    return notes, {plugin.name: plugin.reference_source for plugin in registry.plugins}


def _compared(
    options: ReportOptions, names: tuple[str, str], registry: Registry, opened: ExitStack
) -> Document:
    from bench.analysis.ranking import gather, judge
    from bench.analysis.two_results import two_results
    from bench.report.two_results import two_results_document

    boards: list[Leaderboard] = []
    evidence: dict[Key, Mapping[str, ExampleScores]] = {}
    for name in names:
        store, commit = _results_called(name, options, opened)
        try:
            board = _asked(options, registry, store, commit).board()
        except BenchError as error:
            raise BenchError(f"--compare {name}: {error}") from None
        evidence |= gather(store, board, _warn)
        boards.append(board)
    first, second = (judge(board, evidence) for board in boards)
    return two_results_document(two_results(names, first, second, evidence))


def _results_called(name: str, options: ReportOptions, opened: ExitStack) -> tuple[Stores, str]:
    """Return where the records of a name are, and of which commit alone, "" of all.

    That is a folder; or the folders of --results as a revision has them, which stay as long as
    ``opened``; or, where it has none, as with results that are not committed, the records in them
    that were made by it.

    Raises:
        BenchError: It is none of these.
    """
    from bench.records.committed import committed, revision_of
    from bench.records.store import Stores

    if Path(name).is_dir():
        return Stores([Path(name)]), ""
    is_digits = re.fullmatch("[0-9a-f]{4,40}", name) is not None
    try:
        revision = revision_of(name, Path.cwd(), "--compare")
    except BenchError as error:
        if is_digits:
            return Stores(options.results), name[:_DIGITS]
        raise BenchError(f"{error}; or a folder of records, which it is not either") from None
    folders = (
        opened.enter_context(committed(results, revision, "--compare"))
        for results in options.results
    )
    found = [folder for folder in folders if folder is not None]
    return (Stores(found), "") if found else (Stores(options.results), revision.short)


#: Of a commit a record has so many.
_DIGITS = 12


def _write_site(
    folder: Path, document: Document, board: Leaderboard, store: Stores, registry: Registry
) -> None:
    from bench.report.page.contents import contents_of_board
    from bench.report.page.site import site

    count = 0
    for name, text in site(contents_of_board(document, board, store, registry, _warn)):
        shared.write_file(folder / name, text.encode(), "--site ")
        count += 1
    print(f"{count} files written to {folder}; begin with index.html", file=sys.stderr)


def _draw(board: Leaderboard, folder: Path) -> None:
    from bench.analysis.frontier import pictures
    from bench.machine import version_of

    if version_of("matplotlib") is None:
        names = ", ".join(pictures(board)) or "nothing"
        print(
            f"warning: --figures {folder}: matplotlib is not installed, so these are not drawn: "
            f"{names}; install it with `pip install matplotlib`",
            file=sys.stderr,
        )
        return
    from bench.report.figures import figures

    drawn = figures(board)
    from bench.report.style import on_dark

    for name, content in drawn.items():
        shared.write_file(folder / name, content, "--figures ")
        dark = name.replace(".svg", "-dark.svg")
        shared.write_file(folder / dark, on_dark(content), "--figures ")
    print(f"{len(drawn)} figures written to {folder}, each light and dark", file=sys.stderr)
