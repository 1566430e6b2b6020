"""``python -m bench run``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import options as shared
from bench.cli import words as written
from bench.cli.options import command_line, is_given, resuming
from bench.errors import BenchError
from bench.machine import MEMORY_SHARE, TIMEOUTS
from bench.plan.plan import REUSE_POLICIES, RunOptions
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.records.record import Record

#: Rows of a table that a run prints; a leaderboard has them all.
MOST_ROWS = 60

#: What ``--failed`` takes from the records, and its options.
_FROM_RECORDS = {
    "profile": "--profile",
    "seeds": "--seeds",
    "overrides": "--set",
    "backends": "--backend",
}

#: What turns words into values, in this order.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    # First, for it may have taken the name that stands behind it.
    "verify": written.parse_verify,
    "shard": written.parse_shard,
    "on": written.parse_on,
    "seeds": written.parse_seeds,
    "overrides": written.parse_overrides,
    "data": written.parse_data,
    "backends": written.parse_backends,
}


@click.command(name="run", cls=shared.WithProjectDefaults, readers=_READERS)
@click.argument("names", nargs=-1, metavar="[NAME | GLOB | FILE.py]...")
@shared.described
@click.option("--all", "everything", is_flag=True, help="Every plugin that `list` shows.")
@click.option("--task", metavar="TASK", help="Only the plugins of this task.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="quick",
    show_default=True,
    help="How much training: smoke (plumbing), quick (minutes), full (the plugin's schedule).",
)
@click.option("--seeds", default="0", show_default=True, metavar="0,1,2", help="One trial a seed.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a hyperparameter, view or training option; several values, as units=16,32, "
    "are a grid; may be repeated.",
)
@shared.source
@click.option(
    "--data",
    multiple=True,
    metavar="TASK=PATH",
    help="Your own data file for a task; give it again for a file that continues it.",
)
@click.option(
    "--backend",
    "backends",
    default="tensorflow",
    show_default=True,
    metavar="A,B",
    help="What Keras computes with: tensorflow, jax or torch; of several, every trial on each.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Trials at once, each on its part of the cores. For quality: the times are marked.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End a trial that takes longer.  [default: "
    + ", ".join(f"{seconds:g} {profile}" for profile, seconds in TIMEOUTS.items())
    + "]",
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GIB",
    help="End a trial that uses more memory.  "
    f"[default: {MEMORY_SHARE:.0%} of the machine's, divided by --jobs]",
)
@click.option(
    "--reuse",
    type=click.Choice(REUSE_POLICIES),
    default="missing",
    show_default=True,
    help="missing: run what has no ok record; always: take failed records too; never: run all.",
)
@click.option(
    "--failed", is_flag=True, help="What failed, with the original settings; NAMEs narrow it."
)
@click.option(
    "--retry",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Try a trial that crashed up to N more times.",
)
@click.option(
    "--verify",
    is_flag=False,
    flag_value="",
    metavar="[N]",
    help="Train N trials (alone: one of each plugin) again and record whether they give the same.",
)
@click.option(
    "--until-separated",
    is_flag=True,
    help="Add seeds, in rounds, to the plugins that are not separated yet.",
)
@click.option(
    "--max-seeds",
    type=click.IntRange(min=2),
    default=10,
    show_default=True,
    metavar="N",
    help="With --until-separated: the most seeds of a plugin.",
)
@click.option(
    "--shard",
    metavar="K/N",
    help="Only the K-th of N parts of the trials, such as 3/16, for a job array.",
)
@click.option(
    "--keep-models", is_flag=True, help="Keep each trial's model, for `predict` and `export`."
)
@click.option(
    "--environments",
    is_flag=True,
    help="Where a plugin's REQUIRES is not met here, install it into an environment for that.",
)
@click.option(
    "--on",
    metavar="WHERE",
    help="Send trials to workers: dask://ADDRESS of a scheduler, slurm, or local:N.",
)
@shared.meant
@shared.results
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The leaderboard's file, of Markdown: it ends with .md.  "
    "[default: leaderboard.md in the results folder]",
)
@shared.filled(RunOptions, **_READERS)
def command(options: RunOptions) -> int:
    """Train plugins on their tasks and write the leaderboard.

    With --jobs N each trial has an Nth of the cores. Most models use a second core badly, so
    that a table is done sooner (two trials on two cores: about 1.5 times as soon), but times
    are marked with * and compared with nothing. To measure time, leave it at 1.

    With --until-separated further rounds give more seeds to the plugins of the run that the
    comparison over the validation examples does not tell apart, as far as more seeds can.

    With --verify a sample of the trials is trained once more when all are done, reused ones
    too. The records and the leaderboard say whether the predictions and scores were
    bit-identical, within 1e-6, or different.

    With --shard K/N the trials are dealt out one by one to N runs, which may be on machines of
    their own: give each the same words but for K. They may share one results folder; those of
    several are put together by `python -m bench merge`.

    With --config a run is what a TOML file says, or [tool.bench.run.NAME]: profile = "full",
    seeds = [0, 1, 2], names = ["jena_*"], set = {units = 64}. Records keep what came of it.

    With --keep-models a result that is reused without a model is named: --reuse never trains it
    again. Estimators of scikit-learn are not kept.

    In a results folder of more than 5,000 records the tables are of the plugins of this run and
    the baselines alone, and without --output no leaderboard is written: `report` does that.

    With --environments plugins of the same REQUIRES share a virtual environment in the cache
    folder, which has what this one lacks; see docs/environments.md.

    With --on trials go to the workers of a dask scheduler that runs, to workers that Slurm
    starts as [tool.bench.slurm] says, or to N on this machine, for trying. --jobs is then how
    many trials a machine does at once, as far as it has workers; see docs/cluster.md.

    With --failed a plugin that is there no more is named and left out, and counts for nothing.
    Defaults of most options may stand in [tool.bench.run] of the project's pyproject.toml.

    Exit status: 0 every trial is ok or skipped with a reason; 1 some trial failed or, with
    --verify, some repeat differed, failed or could not be compared (the leaderboard is
    written and shows it); 2 the command line or a file is wrong, nothing was run; 130
    interrupted, with the line that resumes.
    """
    return _run(_checked(options, click.get_current_context(), sys.argv[1:]))


def options_of(words: Sequence[str]) -> RunOptions:
    """Return what is asked by the words behind ``run``, for those who ask in another way.

    Raises:
        BenchError: The command would refuse them.
    """
    try:
        with command.make_context("run", [*words]) as context:
            given = shared.filled_from(context.params, RunOptions, _READERS)
            return _checked(given, context, ["run", *words])
    except click.ClickException as error:
        raise BenchError(" ".join(error.format_message().split())) from None


def _checked(options: RunOptions, context: click.Context, words: Sequence[str]) -> RunOptions:
    """Return the options with the lines that records and resuming need.

    Raises:
        BenchError: Something in them makes no sense together.
    """
    shared.form_of(options.leaderboard, {"md": "md", "markdown": "md"})
    if not options.until_separated and is_given(context, "max_seeds"):
        raise BenchError("--max-seeds: is the limit of --until-separated; give that too")
    if options.until_separated and options.shard is not None:
        raise BenchError(
            "--until-separated compares all plugins, --shard runs a part: leave one out"
        )
    if options.on is not None and options.on.kind == "local" and is_given(context, "jobs"):
        raise BenchError(f"--jobs: --on {options.on.asked} says how many; leave --jobs out")
    if options.on is not None and options.environments:
        raise BenchError("--environments: are made on this machine alone; leave out that or --on")
    if options.failed:
        _check_failed(options, context)
    elif options.everything == bool(options.names):
        raise BenchError("name the plugins to run, or give --all; see `python -m bench list`")
    else:
        for backend in options.backends:
            written.check_backend(backend)
    resume = command_line(["run", *resuming(context)])
    made = replace(options, command=command_line(words), resume=resume)
    if options.config is None:
        return made
    from bench.cli.configuration import record_of

    return replace(made, configuration=record_of(made, context))


def _run(options: RunOptions) -> int:
    """Run a benchmark, print its tables on standard output, and return the exit status."""
    from rich.console import Console

    from bench.runs.interruption import Interruption
    from bench.runs.session import run_benchmark

    with Interruption() as interruption:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        ending = run_benchmark(options, console, interruption)
        if ending.board is not None and ending.board.tables:
            _show(ending.board, ending.records)
    return ending.status


def _show(board: Leaderboard, records: Sequence[Record]) -> None:
    """Print the tables; of a long one the rows of the run, the baselines and the best others."""
    from bench.records.record import row_label
    from bench.report.leaderboard import leaderboard_document
    from bench.report.writers import to_text
    from bench.runs.recorder import shortened

    short = shortened(board, {row_label(record) for record in records}, MOST_ROWS)
    for table, whole in zip(short.tables, board.tables, strict=True):
        if len(table.rows) < len(whole.rows):
            click.echo(
                f"{table.task}, {table.profile}: {len(table.rows)} of {len(whole.rows):,} rows are "
                "shown here; see all with `python -m bench report`",
                err=True,
            )
    click.echo(to_text(leaderboard_document(short), shared.terminal_width()))


def _check_failed(options: RunOptions, context: click.Context) -> None:
    """Refuse what makes no sense with ``--failed``.

    Raises:
        BenchError: Names the option.
    """
    if options.verify is not None:
        raise BenchError("--verify repeats what is ok, --failed runs what is not: leave one out")
    if options.until_separated:
        raise BenchError("--until-separated compares what is ok, --failed runs what is not")
    if options.config is not None:
        raise BenchError("--failed takes everything from the records: leave --config out")
    if options.shard is not None:
        raise BenchError("--failed runs what failed in the results folder: leave --shard out")
    if options.everything:
        raise BenchError("--failed runs all that failed: leave --all out, or give names")
    if options.reuse == "always":
        raise BenchError("--reuse always takes failed results as they are: leave it out")
    for name, option in _FROM_RECORDS.items():
        if is_given(context, name):
            raise BenchError(f"{option}: --failed takes it from the records; leave it out")
