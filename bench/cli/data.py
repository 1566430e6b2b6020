"""``python -m bench data``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import options as shared
from bench.cli.words import parse_data, parse_overrides
from bench.data.word_vectors import PUBLISHED
from bench.errors import BenchError, DownloadFailed

if TYPE_CHECKING:
    from bench.data.ready import Looked
    from bench.data.survey import DataFinding, FileStatus, TaskStatus
    from bench.registry.tasks import FoundTasks, TaskInfo


@dataclass(frozen=True)
class StatusOptions:
    """All that ``python -m bench data status`` is told; see its help."""

    tasks: tuple[str, ...]
    as_json: bool
    datasets: tuple[Path, ...]


@dataclass(frozen=True)
class FetchOptions:
    """All that ``python -m bench data fetch`` is told; see its help."""

    names: tuple[str, ...]
    datasets: tuple[Path, ...]


@dataclass(frozen=True)
class VerifyOptions:
    """All that ``python -m bench data verify`` is told; see its help."""

    words: tuple[str, ...]
    repair: bool
    datasets: tuple[Path, ...]


@click.group(name="data", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show, draw, fetch and verify the data that tasks run on.

    Raw files are looked for and downloaded to $BENCH_DATA_DIR, parsed arrays are kept in
    $BENCH_CACHE_DIR; both default to the platform's cache folder. BENCH_OFFLINE=1
    forbids downloads.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("say what to do: data status, fetch, verify, show or plot")


@command.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@shared.datasets
@shared.filled(StatusOptions)
def status(options: StatusOptions) -> int:
    """Show what is there for each task, and which data a run would take and why.

    Downloads and parses nothing. Exit status: 0; 2 for an unknown task or a file that
    cannot be read.
    """
    from bench.data.digests import cache_folder, data_folder
    from bench.data.survey import survey, survey_word_vectors

    found = [survey(info) for info in _chosen(options.tasks, _tasks(options.datasets))]
    vectors = [] if options.tasks else [survey_word_vectors(name) for name in PUBLISHED]
    if options.as_json:
        document = {
            "data_folder": str(data_folder()),
            "cache_folder": str(cache_folder()),
            "tasks": [asdict(entry) for entry in found],
            "word_vectors": [asdict(file) for file in vectors],
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        click.echo(f"raw files:     {data_folder()}")
        click.echo(f"parsed arrays: {cache_folder()}")
        for entry in found:
            click.echo(_status_text(entry))
        for file in vectors:
            click.echo(f"for some plugins:\n  {_file_text(file)}")
    return 0


@command.command()
@click.argument("names", nargs=-1, metavar="[TASK | glove]...")
@shared.datasets
@shared.filled(FetchOptions)
def fetch(options: FetchOptions) -> int:
    """Download the official data of tasks (default: of all) and verify them.

    glove are word vectors that some plugins need, a download of 862 MB that is made only
    where it is asked for. What is there and verified is not fetched again. Exit status: 0
    all of it is there; 1 a download failed; 2 for an unknown name or a file that cannot
    be read.
    """
    from bench.data.digests import data_folder
    from bench.data.download import fetch_official
    from bench.data.survey import official_in_place
    from bench.data.word_vectors import fetch_word_vectors

    folder, failed, names = data_folder(), False, options.names
    known = _tasks(options.datasets)
    tasks = [name for name in names if name not in PUBLISHED]
    for info in _chosen(tasks, known) if tasks or not names else []:
        if not info.official:
            failed = failed or bool(tasks)
            click.echo(f"{info.name}: no official data are known", err=bool(tasks))
            continue
        files = official_in_place(info)
        if files is not None:
            click.echo(f"{info.name}: {files} already in {folder}, verified")
            continue
        try:
            fetch_official(info, folder)
        except DownloadFailed as error:
            failed = True
            click.echo(f"error: {error}", err=True)
        else:
            click.echo(f"{info.name}: {official_in_place(info)} now in {folder}, verified")
    for name in dict.fromkeys(name for name in names if name in PUBLISHED):
        try:
            fetch_word_vectors(name, folder)
        except DownloadFailed as error:
            failed = True
            click.echo(f"error: {error}", err=True)
        else:
            click.echo(f"{name}: {PUBLISHED[name].file} in {folder}, verified")
    return 1 if failed else 0


_own_data = click.option(
    "--data",
    "own",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Your own file; give it again for a file that continues it.",
)


@dataclass(frozen=True)
class WhichData:
    """Which data of which task are looked at."""

    task: str
    source: str
    own: tuple[Path, ...]
    datasets: tuple[Path, ...]


@dataclass(frozen=True)
class DataShowOptions(WhichData):
    """All that ``python -m bench data show`` is told; see its help."""

    overrides: Mapping[str, Any]
    split: str
    example: int
    as_json: bool


@command.command()
@click.argument("task")
@shared.source
@_own_data
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="What a model sees, such as maxlen=100; may be repeated.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="train",
    show_default=True,
    help="Where the example is from.",
)
@click.option(
    "--example",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Which example is shown.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@shared.datasets
@shared.filled(DataShowOptions, overrides=parse_overrides)
def show(options: DataShowOptions) -> int:
    """Show what is in a task's data: facts, rows or splits, and one example as a model gets it.

    The data are found, downloaded and parsed as a run would. Exit status: 0; 2 for an unknown
    task, an option that it does not have, or data that cannot be read.
    """
    from bench.report.data_look import data_document
    from bench.report.writers import to_json, to_text

    seen = _looked(options, options.overrides, options.split, options.example)
    example = f"{options.split} {options.example}"
    document = data_document(options.task, seen.facts, seen.look, example)
    if options.as_json:
        click.echo(to_json(document), nl=False)
    else:
        click.echo(to_text(document, shared.terminal_width()))
    return 0


@dataclass(frozen=True)
class DataPlotOptions(WhichData):
    """All that ``python -m bench data plot`` is told; see its help."""

    folder: Path


@command.command()
@click.argument("task")
@shared.source
@_own_data
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="here",
    metavar="DIR",
    help="Where the pictures go.",
)
@shared.datasets
@shared.filled(DataPlotOptions)
def plot(options: DataPlotOptions) -> int:
    """Draw a task's data as SVG; needs matplotlib.

    Of a series: the whole of it, its first ten and twenty days. Of texts: how long they are, and
    how many there are of each kind. Exit status: 0; 2 for an unknown task, one that has no
    pictures, or data that cannot be read.
    """
    from bench.machine import version_of

    if version_of("matplotlib") is None:
        raise BenchError(
            "data plot: matplotlib is not installed; install it with `pip install matplotlib`"
        )
    from bench.report.data_look import data_figures

    look = _looked(options, {}, "train", 0).look
    if look is None or not look.pictures:
        raise BenchError(
            f"{options.task}: its task file draws nothing; add look(), see bench/task.py"
        )
    for name, content in data_figures(options.task, look.pictures):
        path = options.folder / name
        shared.write_file(path, content)
        click.echo(path)
    return 0


def _looked(which: WhichData, view: Mapping[str, Any], split: str, number: int) -> Looked:
    from bench.data.ready import look_at

    task, own = _tasks(which.datasets).find(which.task), which.own
    wanted = "local" if own and which.source == "auto" else which.source

    def say(line: str) -> None:
        click.echo(line, err=True)

    return look_at(task, wanted, own or None, view, split, number, say)


@command.command()
@click.argument("words", nargs=-1, metavar="[TASK | FILE | TASK=FILE]...")
@click.option("--repair", is_flag=True, help="Remove damaged parsed arrays and make them again.")
@shared.datasets
@shared.filled(VerifyOptions)
def verify(options: VerifyOptions) -> int:
    """Read all raw files and parsed arrays of tasks again and check them.

    A FILE of your own is read as a run would read it: what is repaired, left out or
    doubtful is said, or why it cannot be read. Several TASK=FILE of one task are read
    together.

    Exit status: 0 nothing is damaged, or all of it was repaired; 1 something is damaged;
    2 for an unknown task or a file of the data folder that cannot be read.
    """
    from bench.data import survey

    def say(text: str) -> None:
        click.echo(text, err=True)

    known = _tasks(options.datasets)
    tasks = [word for word in options.words if not _is_file(word, known)]
    checks: list[tuple[str, Iterable[DataFinding]]] = [
        (info.name, [survey.verify_files(info, paths)])
        for info, paths in _own(options.words, known)
    ]
    if tasks or not options.words:
        checks += [
            (info.name, survey.verify(info, options.repair, say)) for info in _chosen(tasks, known)
        ]
    if not options.words:
        checks += [(name, survey.verify_word_vectors(name)) for name in PUBLISHED]
    damaged = checked = 0
    for name, findings in checks:
        for finding in findings:
            checked += 1
            damaged += finding.damaged
            mark = "DAMAGED" if finding.damaged else "ok"
            click.echo(f"{name}: {mark}: {finding.path}: {finding.message}")
            for note in finding.notes:
                click.echo(f"  {note}")
    click.echo(f"{checked} checked, {damaged or 'none'} damaged")
    return 1 if damaged else 0


def _is_file(word: str, tasks: FoundTasks) -> bool:
    """Tell whether a word means a file rather than a task: those have names without signs."""
    named = {*tasks.right, *(task.name for task in tasks.wrong)}
    return word not in named and ("=" in word or not word.isidentifier() or Path(word).exists())


def _own(words: Sequence[str], tasks: FoundTasks) -> list[tuple[TaskInfo, tuple[Path, ...]]]:
    """Return the files to verify, each with its task; those given with a task are together."""
    from bench.data import survey

    files = [word for word in words if _is_file(word, tasks)]
    named = [word for word in files if "=" in word and not Path(word).exists()]
    alone = [Path(word).expanduser() for word in files if word not in named]
    together = parse_data(named)
    return [
        *((survey.task_of(path, tasks.right), (path,)) for path in alone),
        *((tasks.find(name), paths) for name, paths in together.items()),
    ]


def _chosen(names: Sequence[str], tasks: FoundTasks) -> list[TaskInfo]:
    return [tasks.find(name) for name in dict.fromkeys(names)] or list(tasks.right.values())


def _tasks(datasets: Sequence[Path]) -> FoundTasks:
    from bench.registry.project import tasks_of

    found = tasks_of(datasets)
    for wrong in found.wrong:
        click.echo(f"warning: {wrong.reason}", err=True)
    return found


def _status_text(entry: TaskStatus) -> str:
    from rich.filesize import decimal

    lines = [f"{entry.task}:"]
    lines += [f"  {_file_text(file)}" for file in entry.files] or ["  no files"]
    first = f"a download of {entry.download}, else " if entry.download else ""
    lines.append(f"  a run takes: {first}{entry.source.kind} data ({entry.source.why})")
    size = f" ({decimal(entry.prepared_size)})" if entry.prepared_size else ""
    lines.append(f"  prepared: {entry.prepared}{size}")
    return "\n".join(lines)


def _file_text(file: FileStatus) -> str:
    from rich.filesize import decimal

    size = f" ({decimal(file.size)})" if file.size else ""
    return f"{file.name}{size}: {file.remark}"
