"""What a run shows at its end: the leaderboard, or as much of it as concerns the run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import replace

from bench.analysis.leaderboard import Leaderboard, Table, make_leaderboard
from bench.analysis.ranking import judged
from bench.files import write_whole
from bench.plan.plan import RunOptions
from bench.records.record import Record
from bench.records.selection import WorkingTree
from bench.records.store import Store
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_markdown
from bench.runs.runner import Result

#: A run writes no leaderboard of more records unasked: one trial would take less.
MOST_PUBLISHED = 5000

Say = Callable[[str], None]


def judged_board(
    store: Store,
    records: Sequence[Record],
    tree: WorkingTree,
    say: Say,
    reused: Iterable[str] = (),
    unreadable: int = 0,
) -> Leaderboard:
    """Return the leaderboard of some records, judged."""
    return judged(make_leaderboard(records, reused, unreadable, tree), store, say)


def publish(
    options: RunOptions,
    store: Store,
    result: Result,
    baselines: Collection[str],
    tree_of: Callable[[Sequence[Record]], WorkingTree],
    say: Say,
) -> Leaderboard:
    """Write the leaderboard of the whole store; return the tables that this run touched.

    Of a large store there are only the plugins of the run and those that they are compared
    with, and no leaderboard is written but one that was asked for.

    Args:
        options: What was asked for.
        store: The results folder.
        result: What the run has left.
        baselines: The plugins that others are compared with.
        tree_of: Returns what is known of the present identities, given the records.
        say: Is told what is written, and what goes wrong.
    """
    is_whole = options.output is not None or not store.is_larger_than(MOST_PUBLISHED)
    plugins = {record.trial.plugin for record in result.records} | {*baselines}
    contents, file = store.read(None if is_whole else plugins), options.leaderboard
    for line in contents.problems:
        say(f"warning: {line}")
    kept = {(record.identity, record.finished) for record in contents.records}
    lost = [r for r in result.records if (r.identity, r.finished) not in kept]
    records, unreadable = [*contents.records, *lost], len(contents.unreadable)
    tree = tree_of(contents.records)
    board = judged_board(store, records, tree, say, result.reused, unreadable)
    if not is_whole:
        line = shlex.join(["report", "--results", str(store.root), "--output", str(file)])
        say(
            f"{store.root}: has more than {MOST_PUBLISHED:,} records; the tables are of this run's "
            f"plugins and the baselines alone, ranked among themselves; {file} is written by "
            f"`python -m bench {line}`"
        )
        return board.touched_by(result.records)
    try:
        write_whole(file, to_markdown(leaderboard_document(board)).encode())
        say(f"leaderboard written to {file}")
    except OSError as error:
        say(f"warning: {file} could not be written ({error.strerror or error})")
    return board.touched_by(result.records)


def shortened(board: Leaderboard, labels: Container[str], most: int) -> Leaderboard:
    """Return tables with at most so many rows each, in their order, judged as they were.

    The baselines stay, then the rows of these labels, then the best of the others.
    """
    return replace(board, tables=tuple(_shortened(each, labels, most) for each in board.tables))


def _shortened(table: Table, labels: Container[str], most: int) -> Table:
    if len(table.rows) <= most:
        return table
    first = sorted(table.rows, key=lambda row: (not row.is_baseline, row.label not in labels))
    kept = {row.label for row in first[:most]}
    return replace(
        table,
        rows=tuple(row for row in table.rows if row.label in kept),
        selected={label: found for label, found in table.selected.items() if label in kept},
        elsewhere={label: costs for label, costs in table.elsewhere.items() if label in kept},
    )
