"""``python -m bench export``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import counted, metric_name, without_controls
from bench.registry.source_tree import Folders
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.records.record import Record
    from bench.records.selection import WorkingTree
    from bench.report.trackers import TrackedTrial


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
    shared.write_file(options.file, content, "")
    click.echo(options.file)
    return 0


# What all trials have measured


@dataclass(frozen=True)
class WhichTrials(Folders):
    """Which trials are exported."""

    results: tuple[Path, ...]
    task: str | None
    profile: str | None
    history: bool


def _which_trials(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of ``WhichTrials``."""
    for option in (
        click.option(
            "--history",
            is_flag=True,
            help="Every record, not only those that the leaderboard's rows are of.",
        ),
        click.option("--profile", type=click.Choice(PROFILES), help="Only this profile."),
        click.option("--task", metavar="TASK", help="Only this task."),
        shared.several_results,
        shared.folders,
    ):
        command = option(command)
    return command


def _chosen(options: WhichTrials) -> tuple[list[Record], list[Record], WorkingTree]:
    """Return the records that are exported, those that are current, and what is outdated.

    Raises:
        BenchError: There are none.
    """
    from bench.records.selection import Wanted, working_tree
    from bench.records.store import Stores
    from bench.registry.project import registry_of
    from bench.report.trials import current_records

    store = Stores(options.results)
    contents = store.read()
    for line in contents.problems:
        tell(f"warning: {line}")
    wanted = Wanted(options.task, options.profile)
    records = wanted.of(contents.records)
    if not records:
        asked = "".join(f" --{name} {value}" for name, value in wanted.asked.items())
        raise BenchError(f"{store}: has no records{asked}; name another --results")
    tree = working_tree(registry_of(options), contents.records)
    current = current_records(records, tree)
    return (records if options.history else current), current, tree


@dataclass(frozen=True)
class TrialsOptions(WhichTrials):
    """All that ``python -m bench export trials`` is told; see its help."""

    file: Path


@command.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@_which_trials
@shared.filled(TrialsOptions)
def trials(options: TrialsOptions) -> int:
    """Write a row a trial, with all that is known of it, as Parquet or CSV.

    FILE ends with .parquet, which needs pyarrow, or with .csv. The columns are those of
    `bench.load(...).frame()`: hyperparameters, seed, figures, times, memory, versions, machine.

    Exit status: 0 it is written; 2 there are no trials, or the file cannot be written.
    """
    form = shared.form_of(options.file, {"parquet": "parquet", "csv": "csv"})
    if form is None:
        raise BenchError(f"{options.file}: end its name with .parquet or .csv")
    if form == "parquet":
        _check_client("trials", "pyarrow", "pyarrow")
    from bench.report.trials import to_csv, to_parquet, trial_frame

    frame = trial_frame(*_chosen(options))
    shared.write_file(options.file, to_csv(frame) if form == "csv" else to_parquet(frame), "")
    click.echo(f"{options.file}: {counted(len(frame), 'trial')}")
    return 0


@dataclass(frozen=True)
class MlflowOptions(WhichTrials):
    """All that ``python -m bench export mlflow`` is told; see its help."""

    uri: str


@command.command()
@click.argument("uri", metavar="URI")
@_which_trials
@shared.filled(MlflowOptions)
def mlflow(options: MlflowOptions) -> int:
    """Write trials as runs of MLflow: an experiment a task, a run a trial.

    URI is what MLflow tracks to: a server (http://...), a database (sqlite:///mlflow.db, which
    needs the whole of MLflow), or a folder. A run has the options as parameters, the curves
    and figures as metrics, and all else as tags.

    Exit status: 0 all trials are there; 2 there are none, or MLflow cannot write.
    """
    _check_client("mlflow", "mlflow", "mlflow-skinny")
    from bench.report.trackers import to_mlflow

    return _track(options, lambda trials: to_mlflow(trials, options.uri), options.uri)


@dataclass(frozen=True)
class TrackerOptions(WhichTrials):
    """All that ``python -m bench export tensorboard`` and ``export wandb`` are told."""

    folder: Path


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@_which_trials
@shared.filled(TrackerOptions)
def tensorboard(options: TrackerOptions) -> int:
    """Write trials for `tensorboard --logdir DIR`: curves, figures, hyperparameters.

    Exit status: 0 all trials are there; 2 there are none, or the folder cannot be written.
    """
    _check_client("tensorboard", "tensorboard", "tensorboard")
    from bench.report.trackers import to_tensorboard

    return _track(options, lambda trials: to_tensorboard(trials, options.folder), options.folder)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@_which_trials
@shared.filled(TrackerOptions)
def wandb(options: TrackerOptions) -> int:
    """Write trials as offline runs of Weights & Biases, for `wandb sync`; uses no network.

    Exit status: 0 all trials are there; 2 there are none, or the folder cannot be written.
    """
    _check_client("wandb", "wandb", "wandb")
    from bench.report.trackers import to_wandb

    return _track(options, lambda trials: to_wandb(trials, options.folder), options.folder)


def _track(
    options: WhichTrials, export: Callable[[Sequence[TrackedTrial]], int], where: object
) -> int:
    from bench.report.trackers import tracked
    from bench.report.trials import trial_row

    records, current, tree = _chosen(options)
    known = {id(record) for record in current}
    found = [tracked(each, trial_row(each, id(each) in known, tree)) for each in records]
    new = export(found)
    click.echo(f"{where}: {counted(new, 'trial')} written, {len(found) - new} already there")
    return 0


def _check_client(command: str, package: str, installs: str) -> None:
    """Refuse a tool whose client is not installed.

    Raises:
        BenchError: Says how to install it.
    """
    from bench.machine import version_of

    if version_of(package) is None:
        raise BenchError(
            f"export {command}: {package} is not installed; "
            f"install it with `pip install {installs}`"
        )
