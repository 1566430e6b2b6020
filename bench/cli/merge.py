"""``python -m bench merge FOLDER... --into DIR``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli import options as shared
from bench.formatting import counted


@dataclass(frozen=True)
class MergeOptions:
    """All that ``python -m bench merge`` is told; see its help."""

    folders: tuple[Path, ...]
    into: Path


@click.command(name="merge")
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER..."
)
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The results folder that gets the records; it may have some.",
)
@shared.filled(MergeOptions)
def command(options: MergeOptions) -> int:
    """Put the records of results folders together, such as those of `run --shard`.

    Every record is checked by its digest, its predictions by theirs, and both are copied as
    they stand; a record that is there already is not copied again. Nothing is overwritten
    and the folders are left as they are: an interrupted merge is given once more. Records of
    one trial whose results differ are all kept, and named.

    Exit status: 0 all records are there; 1 some were refused, because they are damaged or
    were edited (the others are there); 2 the command line is wrong or a folder holds no
    records, and nothing was written.
    """
    from bench.records.merge import merge

    def say(line: object) -> None:
        click.echo(str(line), err=True)

    done = merge(options.folders, options.into, lambda folder: say(f"reading {folder}"))
    for line in done.refused:
        say(f"refused: {line}")
    for line in done.bare:
        say(f"warning: {line}")
    for line in done.conflicts:
        say(f"warning: results that differ, all kept: {line}")
    click.echo(
        f"{options.into}: {counted(done.copied, 'record')} copied, {done.known} already there, "
        f"{len(done.refused) or 'none'} refused"
    )
    say(f"see them with: {shared.command_line(['report', '--results', str(options.into)])}")
    return 1 if done.refused else 0
