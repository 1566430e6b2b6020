"""``python -m bench export``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import metric_name, without_controls
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.records.record import Record


@dataclass(frozen=True)
class WhichModel:
    """Which kept model is meant; see ``bench.records.models.best_kept``."""

    name: str
    results: tuple[Path, ...]
    task: str | None
    profile: str | None
    seed: int | None

    def wants(self, record: Record) -> bool:
        """Say whether a record is one of those among which the best is looked for."""
        trial = record.trial
        return (
            trial.plugin == self.name
            and self.task in (None, trial.task)
            and self.profile in (None, trial.profile)
            and self.seed in (None, trial.seed)
        )

    @property
    def chosen(self) -> str:
        """What the records are narrowed to, in the words of the command line."""
        given = {"--task": self.task, "--profile": self.profile, "--seed": self.seed}
        return "".join(f" {name} {value}" for name, value in given.items() if value is not None)


def which_model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of ``WhichModel``."""
    for option in (
        click.option(
            "--seed",
            type=click.IntRange(0),
            metavar="N",
            help="The model of this seed, not of the best by validation.",
        ),
        click.option("--profile", type=click.Choice(PROFILES), help="A model of this profile."),
        click.option("--task", metavar="TASK", help="A model of this task."),
        shared.several_results,
    ):
        command = option(command)
    return command


def kept_model(which: WhichModel) -> tuple[Record, bytes]:
    """Return the record of the model that is meant, and the content of its file.

    Raises:
        BenchError: There is none, or its file is gone or another one.
    """
    from bench.records.models import best_kept, validation_of
    from bench.records.store import Stores

    store = Stores(which.results)
    contents = store.read()
    for line in contents.problems:
        tell(f"warning: {line}")
    record = best_kept(filter(which.wants, contents.records), which.name, which.chosen)
    trial, metric = record.trial, record.data["metric"]["name"]
    tell(
        f"{trial}, {trial.profile} on {trial.source} data, {record.finished[:16]}: validation "
        f"{metric_name(metric)} {validation_of(record):.4f}"
    )
    return record, store.model(record)


def tell(line: str) -> None:
    """Print a line on standard error; a record may hold anything."""
    print(without_controls(line), file=sys.stderr)


class _ModelsByName(click.Group):
    """A group whose first word may be a plugin's name: its model is meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command, or take the words for those of ``model``."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["model", *args]
        return super().resolve_command(ctx, args)


@click.group(name="export", cls=_ModelsByName, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Hand results to other programs: a plugin's model, or what all trials have measured.

    `export NAME FILE` is short for `export model NAME FILE`. What was exported is not written a
    second time.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("say what to export: a plugin's name and a file, or see --help")


@dataclass(frozen=True)
class ModelOptions(WhichModel):
    """All that ``python -m bench export model`` is told; see its help."""

    file: Path


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@which_model
@shared.filled(ModelOptions)
def model(options: ModelOptions) -> int:
    """Write a plugin's model, which `run --keep-models` has kept, to a file of Keras (.keras).

    Of the seeds that were recorded last it is the best by validation, with the weights of its
    best epoch. Exit status: 0 it is written; 2 there is none, it is damaged, or the file cannot
    be written.
    """
    if options.file.suffix != ".keras":
        raise BenchError(f"{options.file}: is not opened by Keras; end its name with .keras")
    _, content = kept_model(options)
    write(options.file, content)
    click.echo(options.file)
    return 0


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folder that it is in.

    Raises:
        BenchError: It cannot be written.
    """
    from bench.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written ({error.strerror or error}); give another file"
        ) from None
