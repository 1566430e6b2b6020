"""``python -m bench report``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import without_controls
from bench.registry.source_tree import Folders

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.registry.discover import Registry
    from bench.report.document import Document

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
    "--current",
    is_flag=True,
    help="Only plugins that are in the working tree, not those whose files are gone.",
)
@shared.folders
@shared.several_results
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
    from bench.report.writers import FORMATS, to_text

    form = options.form or "text"
    if options.output is not None:
        form = shared.form_of(options.output, _ENDINGS, options.form) or form
    _check(options, form)
    from bench.registry.project import registry_of

    registry = registry_of(options)
    board = _board(options, registry)
    document = _document(options, board, registry)
    if form == "text" and options.output is None:
        text = to_text(document, shared.terminal_width())
    else:
        text = FORMATS[form](document)
    if form in _TABLES_ONLY and not (options.reproduction or options.backends):
        _tell_left_out(board)
    if options.figures is not None:
        _draw(board, options.figures)
    if options.output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        _write(options.output, text.encode(), "--output")
    return 0


def _check(options: ReportOptions, form: str) -> None:
    """Refuse what makes no sense together.

    Raises:
        BenchError: Names the options.
    """
    if options.reproduction and options.backends:
        raise BenchError("--reproduction and --backends are two reports: leave one out")
    for name in ("reproduction", "backends"):
        if getattr(options, name) and options.best_of_grid:
            raise BenchError(f"--{name} is another report than --best-of-grid: leave one out")
        if getattr(options, name) and form == "html":
            raise BenchError(f"--{name}: has no html; use --format md, csv, json or text")


def _document(options: ReportOptions, board: Leaderboard, registry: Registry) -> Document:
    if options.reproduction:
        return _reproduction(board, registry)
    return _backends(board) if options.backends else _leaderboard(board)


def _board(options: ReportOptions, registry: Registry) -> Leaderboard:
    from bench.analysis.leaderboard import make_leaderboard
    from bench.analysis.ranking import best_of_grid, judged
    from bench.records.selection import Wanted, working_tree
    from bench.records.store import Stores

    store = Stores(options.results)
    contents = store.read()
    for line in contents.problems:
        _warn(line)
    tree = working_tree(registry, contents.records)
    wanted = Wanted(options.task, options.profile, options.source, options.names)
    records = [
        record
        for record in wanted.of(contents.records)
        if tree.has(record.trial) or not options.current
    ]
    if not records:
        others = replace(wanted, plugins=()).asked.items()
        asked = [*options.names, *(f"--{name} {value}" for name, value in others)]
        chosen = ", ".join([*asked, "--current"] if options.current else asked)
        raise BenchError(
            f"{store}: has no records{' for ' + chosen if chosen else ''}; "
            "run some first with `python -m bench run --all`, or name another --results"
        )
    board = make_leaderboard(records, unreadable=len(contents.unreadable), tree=tree)
    if options.best_of_grid:
        board = best_of_grid(board)
    board = judged(board, store, _warn)
    if options.sort is None:
        return board
    from bench.report.sorting import in_order_of

    return replace(board, tables=tuple(in_order_of(each, options.sort) for each in board.tables))


def _warn(line: str) -> None:
    print(f"warning: {without_controls(line)}", file=sys.stderr)


def _tell_left_out(board: Leaderboard) -> None:
    from bench.report.leaderboard import left_out

    if board.left_out:
        print(left_out(board), file=sys.stderr)


def _leaderboard(board: Leaderboard) -> Document:
    from bench.report.leaderboard import leaderboard_document

    return leaderboard_document(board)


def _reproduction(board: Leaderboard, registry: Registry) -> Document:
    from bench.analysis.reproduction import reproduce
    from bench.report.reproduction import reproduction_document

    found = reproduce(board, *_told_of_published(registry))
    if not found.comparisons:
        raise BenchError(
            "--reproduction: no record of a full training on real data has a published figure; "
            "run some first with `python -m bench run --all --profile full --seeds 0,1,2`"
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"--figures {folder}: cannot be made ({error.strerror or error}); give another folder"
        ) from None
    for name, content in drawn.items():
        _write(folder / name, content, "--figures")
    print(f"{len(drawn)} figures written to {folder}", file=sys.stderr)


def _write(path: Path, content: bytes, option: str) -> None:
    from bench.files import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise BenchError(
            f"{option} {path}: cannot be written ({error.strerror or error}); give another file"
        ) from None
