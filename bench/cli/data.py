"""``python -m bench data``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bench.registry.tasks import TaskInfo, discover_tasks, find_task

if TYPE_CHECKING:
    from bench.data.survey import FileStatus, TaskStatus


@click.group(name="data", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show, fetch and verify the data that tasks run on.

    Raw files are looked for and downloaded to $BENCH_DATA_DIR, parsed arrays are kept in
    $BENCH_CACHE_DIR; both default to the platform's cache folder. BENCH_OFFLINE=1
    forbids downloads.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("say what to do: data status, data fetch or data verify")


@command.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
def status(tasks: tuple[str, ...], as_json: bool) -> int:
    """Show what is there for each task, and which data a run would take and why.

    Downloads and parses nothing. Exit status: 0; 2 for an unknown task or a file that
    cannot be read.
    """
    from bench.data.folders import cache_folder, data_folder
    from bench.data.survey import survey

    found = [survey(info) for info in _chosen(tasks)]
    if as_json:
        document = {
            "data_folder": str(data_folder()),
            "cache_folder": str(cache_folder()),
            "tasks": [asdict(entry) for entry in found],
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        click.echo(f"raw files:     {data_folder()}")
        click.echo(f"parsed arrays: {cache_folder()}")
        for entry in found:
            click.echo(_status_text(entry))
    return 0


@command.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
def fetch(tasks: tuple[str, ...]) -> int:
    """Download the official data of tasks (default: of all) and verify them.

    What is there and verified is not fetched again. Exit status: 0 all of it is there;
    1 a download failed; 2 for an unknown task or a file that cannot be read.
    """
    from bench.data.fetch import DownloadFailed, fetch_official
    from bench.data.folders import data_folder
    from bench.data.survey import official_in_place

    failed = False
    for info in _chosen(tasks):
        names = official_in_place(info)
        if names is not None:
            click.echo(f"{info.name}: {names} already in {data_folder()}, verified")
            continue
        try:
            fetch_official(info, data_folder())
        except DownloadFailed as error:
            failed = True
            click.echo(f"error: {error}", err=True)
        else:
            click.echo(f"{info.name}: {official_in_place(info)} now in {data_folder()}, verified")
    return 1 if failed else 0


@command.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--repair", is_flag=True, help="Remove damaged parsed arrays and make them again.")
def verify(tasks: tuple[str, ...], repair: bool) -> int:
    """Read all raw files and parsed arrays of tasks again and check them.

    Exit status: 0 nothing is damaged, or all of it was repaired; 1 something is damaged;
    2 for an unknown task or a file that cannot be read.
    """
    from bench.data import survey

    damaged = checked = 0
    for info in _chosen(tasks):
        for finding in survey.verify(info, repair, say=lambda text: click.echo(text, err=True)):
            checked += 1
            damaged += finding.damaged
            mark = "DAMAGED" if finding.damaged else "ok"
            click.echo(f"{info.name}: {mark}: {finding.path}: {finding.message}")
    click.echo(f"{checked} checked, {damaged or 'none'} damaged")
    return 1 if damaged else 0


def _chosen(names: Sequence[str]) -> list[TaskInfo]:
    tasks = discover_tasks()
    return [find_task(name, tasks) for name in dict.fromkeys(names)] or list(tasks.values())


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

    return f"{file.name} ({decimal(file.size)}): {file.remark}"
