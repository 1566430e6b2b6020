"""``python -m bench ensemble ROW ROW...``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import counted, metric_name, nearest, one_line
from bench.registry.source_tree import Folders
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Table
    from bench.records.record import Record
    from bench.records.store import Store


@dataclass(frozen=True)
class EnsembleOptions(Folders):
    """All that ``python -m bench ensemble`` is told; see its help."""

    rows: tuple[str, ...]
    select: int | None
    task: str | None
    profile: str | None
    source: str | None
    results: Path


@click.command(name="ensemble")
@click.argument("rows", nargs=-1, metavar="ROW...")
@click.option(
    "--select",
    type=click.IntRange(2, 1000),
    metavar="STEPS",
    help="Choose among these rows, or among all, in so many steps.",
)
@click.option("--task", metavar="TASK", help="Only this task.")
@click.option("--profile", type=click.Choice(PROFILES), help="Only this profile.")
@click.option("--source", metavar="SOURCE", help="Only this source of data.")
@shared.folders
@shared.results
@shared.filled(EnsembleOptions)
def command(options: EnsembleOptions) -> int:
    """Make a row of the mean of what several plugins have predicted; nothing is trained.

    Each ROW is named as in the leaderboard: jena_gru, or "jena_gru (units=64)". In every table that
    has all of them the predictions that their current records keep are put together, seed by seed
    where all have it, and scored; the record says of which trials it is made. Choose the rows by
    their validation figures: the test split is scored, and has no part in a choice.

    With --select each step adds the row with which the mean has the lowest loss on validation, one
    that is there already, too, which then counts several times. Without a ROW all rows that are of
    the working tree are tried, but for other ensembles.

    Exit status: 0 the records are there; 2 no table has all rows, or one has kept no predictions.
    """
    from bench.analysis.leaderboard import make_leaderboard
    from bench.protocol import OK
    from bench.records.selection import Wanted, working_tree
    from bench.records.store import Store
    from bench.registry.project import registry_of

    is_of_all = options.select is not None and not options.rows
    if not is_of_all and len({*options.rows}) < max(2, len(options.rows)):
        raise BenchError("an ensemble is of two different rows or more; name each of them once")
    store = Store(options.results)
    contents = store.read()
    for line in contents.problems:
        click.echo(f"warning: {line}", err=True)
    wanted = Wanted(options.task, options.profile, options.source)
    tree = working_tree(registry_of(options), contents.records)
    board = make_leaderboard(wanted.of(contents.records), tree=tree)
    asked = [(t, _candidates(t) if is_of_all else options.rows) for t in board.tables]
    found = [(table, rows) for table, rows in asked if rows and not _lacking(table, rows)]
    if not found:
        raise BenchError(_nowhere(store, board.tables, options.rows))
    known = {record.identity for record in contents.records if record.status == OK}
    for table, rows in found:
        counts = dict.fromkeys(rows, 1)
        if options.select is not None:
            counts = _selected(store, table, rows, options.select)
        if len(counts) > 1:
            _add(store, table, counts, known)
        else:
            click.echo(f"{_named(table)}: nothing lowers the loss of {next(iter(counts))} alone")
    click.echo(
        f"see it with: {shared.command_line(['report', '--results', str(options.results)])}",
        err=True,
    )
    return 0


def _candidates(table: Table) -> list[str]:
    """Return the rows that an ensemble is chosen among where none are named."""
    from bench.records.selection import members_of

    return [
        row.label
        for row in table.rows
        if not row.outdated
        and any(record.predictions for record in _good(table, row.label).values())
        and not members_of(table.selected[row.label].trial)
    ]


def _selected(store: Store, table: Table, rows: Sequence[str], steps: int) -> dict[str, int]:
    """Return the rows that are chosen among some, each with how often it counts."""
    from bench.runs.ensembles import MemberTrial, chosen

    seeds = _seeds(table, rows)
    candidates = {
        row: [
            MemberTrial(record, store.predictions(record))
            for record in (_of_seed(table, row, seed) for seed in seeds)
        ]
        for row in rows
    }
    return chosen(candidates, steps)


def _named(table: Table) -> str:
    return f"{table.task}, {table.source} data, {table.profile} profile"


def _add(store: Store, table: Table, rows: Mapping[str, int], known: Collection[str]) -> None:
    """Write the records of the ensemble of rows as often as each counts; tell of its validation."""
    from bench.runs.ensembles import MemberTrial, combined

    metric = table.metric
    for seed in _seeds(table, rows):
        members = [_of_seed(table, row, seed) for row in rows]
        record, predictions = combined(
            MemberTrial(member, store.predictions(member), times)
            for member, times in zip(members, rows.values(), strict=True)
        )
        if record.identity not in known:
            store.write(record, predictions)
        alone = ", ".join(f"{member.metrics['validation'][metric]:.4f}" for member in members)
        click.echo(
            one_line(
                f"{_named(table)}: {record.trial}: "
                f"validation {metric_name(metric)} {record.metrics['validation'][metric]:.4f} "
                f"(of its members {alone})"
                f"{', was there already' if record.identity in known else ''}"
            )
        )


def _good(table: Table, row: str) -> dict[int, Record]:
    found = table.selected.get(row)
    return {record.trial.seed: record for record in found.good} if found else {}


def _of_seed(table: Table, row: str, seed: int) -> Record:
    return _good(table, row)[seed]


def _seeds(table: Table, rows: Iterable[str]) -> list[int]:
    """Return the seeds that all rows have."""
    return sorted(set.intersection(*(set(_good(table, row)) for row in rows)))


def _lacking(table: Table, rows: Sequence[str]) -> list[str]:
    """Return the rows that a table has not; all of them where they have no seed in common."""
    lacking = [row for row in rows if not _good(table, row)]
    return lacking or ([] if _seeds(table, rows) else [*rows])


def _nowhere(store: Store, tables: Sequence[Table], rows: Sequence[str]) -> str:
    if not tables:
        return (
            f"{store.root}: has no such records; name another --results, or run the plugins first"
        )
    fewest = min((_lacking(table, rows) for table in tables), key=len)
    if len(fewest) == len(rows) > 1 and any(all(_good(t, row) for row in rows) for t in tables):
        return f"{', '.join(rows)}: have no seed in common; run them with the same --seeds"
    known = [label for table in tables for label in table.selected]
    return one_line(
        f"no table has {counted(len(rows), 'row')} of these names with a trial that is ok: "
        f"{fewest[0]!r} is lacking{nearest(fewest[0], known)}; run it, or see "
        "`python -m bench report` for the names"
    )
