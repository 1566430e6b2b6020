"""What a run does to the folder of results: it claims trials, and writes records and tables."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import BaseFileLock, FileLock, Timeout

from bench.errors import BenchError
from bench.files import write_whole
from bench.formatting import one_line
from bench.plan.plan import Planned, RunOptions
from bench.protocol import OK
from bench.records.predictions import TrainedModel
from bench.records.record import Record
from bench.records.selection import WorkingTree
from bench.records.store import Store

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard, Table

#: Records in a row that are not written before a run stops: one may be the fault of a
#: single folder, with two there is no place for any.
IN_A_ROW = 2


class Recorder:
    """Writes records to a store, and keeps those that cannot be written to try again."""

    def __init__(self, store: Store, warn: Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn
        self._waiting: list[tuple[Record, bytes | None, TrainedModel | None]] = []
        self._in_a_row = 0

    @property
    def unwritten(self) -> int:
        """How many records are not on the disk."""
        return len(self._waiting)

    def write(
        self, record: Record, predictions: bytes | None, model: TrainedModel | None = None
    ) -> bool:
        """Write a record, and again what the trial has deleted; return whether it is written."""
        for line in self._store.fix():
            self._warn(line)
        try:
            self._store.write(record, predictions, model)
        except BenchError as error:
            self._warn(str(error))
            self._waiting.append((record, predictions, model))
            self._in_a_row += 1
            return False
        self._in_a_row = 0
        return True

    def try_again(self) -> bool:
        """Write what could not be written; return whether there is a point in going on."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            try:
                self._store.write(*each)
            except BenchError:
                self._waiting.append(each)
        if not self._waiting:
            self._in_a_row = 0
        return self._in_a_row < IN_A_ROW


# Which trials a run has taken, so that other runs on the same folder leave them alone

#: The folder of claims in a folder of results.
CLAIMS = ".claims"


class Claims:
    """Locked files, one a trial, in a folder that several runs share.

    The system lets go of a lock when its process ends, however that ends. Where files
    cannot be locked every trial is free to be taken, and ``warn`` is told so once.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._warned = False
        self._held: dict[str, BaseFileLock] = {}
        self._sweep()

    def take(self, identity: str) -> bool:
        """Claim a trial; return False if another run has it.

        One that is held already stays so: a trial may be repeated while the record of its
        first training was late to find room on the disk.
        """
        if identity in self._held:
            return True
        # A soft lock, which filelock would fall back on, outlives a killed process.
        lock = FileLock(self._folder / f"{identity}.lock", fallback_to_soft=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            self._cannot(error)
        else:
            self._held[identity] = lock
        return True

    def release(self, identity: str) -> None:
        """Give up a claim, if it is held."""
        lock = self._held.pop(identity, None)
        if lock is None:
            return
        with contextlib.suppress(OSError):
            # Still locked: whoever has opened the file meanwhile finds that it is gone
            # once the lock is his, and opens the next one. Windows keeps a file in use.
            Path(lock.lock_file).unlink()
        with contextlib.suppress(OSError):
            lock.release()

    def close(self) -> None:
        """Give up all claims."""
        for identity in [*self._held]:
            self.release(identity)

    def _sweep(self) -> None:
        """Remove the files that killed runs have left."""
        for path in self._folder.glob("*.lock"):
            if path.is_file() and self.take(path.stem):
                self.release(path.stem)

    def _cannot(self, error: OSError) -> None:
        if not self._warned:
            self._warn(
                f"{self._folder}: trials cannot be claimed here ({error.strerror or error}); "
                "start no second run on this folder, it would do the same trials again"
            )
        self._warned = True


# Results that are reused, where models are to be kept


def without_models(plan: Iterable[Planned]) -> str:
    """Name the plugins of which a result is reused that has no model and could have one.

    Returns:
        A line, or an empty string where there is none.
    """
    names = dict.fromkeys(
        each.plugin.name
        for each in plan
        if each.reused is not None
        and each.reused.status == OK
        and each.reused.kept_model is None
        and "model_not_kept" not in each.reused.environment
    )
    if not names:
        return ""
    told = one_line(", ".join(names), longest=200)
    return f"--keep-models: reused without a model: {told}; --reuse never trains them again"


# The leaderboard, or as much of it as concerns the run

#: A run writes no leaderboard of more records unasked: one trial would take less.
MOST_PUBLISHED = 5000

_Say = Callable[[str], None]


def judged_board(
    store: Store,
    records: Sequence[Record],
    tree: WorkingTree,
    say: _Say,
    reused: Iterable[str] = (),
    unreadable: int = 0,
) -> Leaderboard:
    """Return the leaderboard of some records, judged."""
    from bench.analysis.leaderboard import make_leaderboard
    from bench.analysis.ranking import judged

    return judged(make_leaderboard(records, reused, unreadable, tree), store, say)


def make_room_for(file: Path) -> None:
    """Make the folder of the leaderboard that is to be written.

    Raises:
        BenchError: It cannot be made, or the file is a folder itself.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"--output {file}: its folder cannot be made ({error.strerror or error}); "
            "give another file"
        ) from None
    if file.is_dir():
        raise BenchError(f"--output {file}: is a folder; give a file name in it")


def publish(
    options: RunOptions,
    store: Store,
    records: Sequence[Record],
    reused: Collection[str],
    baselines: Collection[str],
    tree_of: Callable[[Sequence[Record]], WorkingTree],
    say: _Say,
) -> Leaderboard:
    """Write the leaderboard of the whole store; return the tables that this run touched.

    Of a large store there are only the plugins of the run and those that they are compared
    with, and no leaderboard is written but one that was asked for.

    Args:
        options: What was asked for.
        store: The results folder.
        records: What the run has left.
        reused: The identities of those that it has not trained.
        baselines: The plugins that others are compared with.
        tree_of: Returns what is known of the present identities, given the records.
        say: Is told what is written, and what goes wrong.
    """
    from bench.report.leaderboard import leaderboard_document
    from bench.report.writers import to_markdown

    is_whole = options.output is not None or not store.is_larger_than(MOST_PUBLISHED)
    plugins = {record.trial.plugin for record in records} | {*baselines}
    contents, file = store.read(None if is_whole else plugins), options.leaderboard
    for line in contents.problems:
        say(f"warning: {line}")
    kept = {(record.identity, record.finished) for record in contents.records}
    lost = [record for record in records if (record.identity, record.finished) not in kept]
    everything, unreadable = [*contents.records, *lost], len(contents.unreadable)
    tree = tree_of(contents.records)
    board = judged_board(store, everything, tree, say, reused, unreadable)
    if not is_whole:
        line = shlex.join(["report", "--results", str(store.root), "--output", str(file)])
        say(
            f"{store.root}: has more than {MOST_PUBLISHED:,} records; the tables are of this run's "
            f"plugins and the baselines alone, ranked among themselves; {file} is written by "
            f"`python -m bench {line}`"
        )
        return board.touched_by(records)
    try:
        write_whole(file, to_markdown(leaderboard_document(board)).encode())
        say(f"leaderboard written to {file}")
    except OSError as error:
        say(f"warning: {file} could not be written ({error.strerror or error})")
    return board.touched_by(records)


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
