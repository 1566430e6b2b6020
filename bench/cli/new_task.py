"""``python -m bench new-task NAME --from FILE``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli import options as shared
from bench.cli.new import check_name
from bench.errors import BenchError, DataError


@dataclass(frozen=True)
class NewTaskOptions:
    """All that ``python -m bench new-task`` is told; see its help."""

    name: str
    file: Path
    folder: Path
    datasets: tuple[Path, ...]


def _default_folder() -> Path:
    from bench.registry.project import datasets_folder

    return datasets_folder()


@click.command(name="new-task")
@click.argument("name")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A CSV or Parquet file, or a folder.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=_default_folder,
    show_default="datasets, or as [tool.bench] names",
    metavar="DIR",
    help="Where the task file goes.",
)
@shared.datasets
@shared.filled(NewTaskOptions)
def command(options: NewTaskOptions) -> int:
    """Look at a file of data and write a task file for it that runs as it is.

    Nothing is asked: what the file leaves open is chosen, and stands in the task file with a
    comment that says what it means. A file with a column of texts and one of classes, or a
    folder with a folder of texts a class, becomes a task of the kind text; a file with a column
    of times and one of numbers becomes a task of the kind series.

    Exit status: 0 it is written; 2 the name is wrong, the task file exists, or the data are
    none that a task could be made of.
    """
    from bench.registry.project import tasks_of

    name = options.name
    check_name(name, "task")
    path = options.folder / f"{name}.py"
    if path.exists():
        raise BenchError(f"{path}: exists already; choose another name or remove it")
    known = tasks_of(options.datasets)
    taken = {task.name: task.path for task in known.wrong}
    taken.update({task.name: task.path for task in known.right.values()})
    if name in taken:
        raise BenchError(f"{name}: {taken[name]} has this name already; choose another")
    if not options.file.exists():
        raise DataError(f"{options.file}: does not exist; give a CSV or Parquet file, or a folder")
    source = _source(options.file, Path(os.path.relpath(options.file, options.folder)).as_posix())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written ({error.strerror or error}); give another --folder"
        ) from None
    about = source.splitlines()[0].strip('"')
    click.echo(f"wrote {path}: {about}")
    click.echo(f"try it with: python -m bench run --all --task {name}")
    return 0


def _source(file: Path, named: str) -> str:
    """Return the text of a task file for a file or folder, of the first kind that it can be of.

    Raises:
        DataError: It can be of none; says why of the kind that came closest.
    """
    from bench.series.proposal import propose as propose_series
    from bench.text.proposal import propose as propose_texts

    no_texts = "no column and no folder has texts"
    try:
        source = propose_texts(file, named)
        if source is not None:
            return source
    except DataError as error:
        no_texts = str(error).removeprefix(f"{file}: ")
    if file.is_dir():
        raise DataError(f"{file}: is a folder, of which no task can be made: {no_texts}")
    try:
        return propose_series(file, named)
    except DataError as error:
        raise DataError(f"{error}; as a task of texts: {no_texts}") from None
