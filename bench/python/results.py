"""Results as data frames, and as a leaderboard that shows itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import Wanted, WorkingTree, working_tree
from bench.records.store import Contents, Stores
from bench.report.trials import KEYS, current_records, curve_frame, key_of, trial_frame

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.leaderboard import Leaderboard
    from bench.registry.source_tree import Folders
    from bench.report.document import Document

_PREDICTIONS = (*KEYS, "split", "index", "output", "group", "target", "prediction")


@dataclass(frozen=True, eq=False)
class Results:
    """Recorded trials: as data frames, and as a leaderboard.

    ``bench.load`` and ``bench.run`` make one. What ``load`` gives has the trials that the
    rows of the leaderboard are of: for each plugin, variant and seed the record that is
    current now, as ``python -m bench report`` has it. What ``run`` gives has its own trials.

    Example:
        >>> found = bench.load("reports")
        >>> found.select(task="jena").frame()[["plugin", "seed", "validation_mae"]]
    """

    _store: Stores
    _contents: Contents
    _tree: WorkingTree
    _own: tuple[Record, ...] | None = None
    _judged: Leaderboard | None = None

    def select(
        self,
        *,
        task: str | None = None,
        plugin: str | Iterable[str] = (),
        profile: str | None = None,
        source: str | None = None,
    ) -> Results:
        """Return the same results, of some trials only.

        Args:
            task: The task's name.
            plugin: Names or globs of plugins, one or several.
            profile: smoke, quick or full.
            source: official, local or synthetic.

        Raises:
            BenchError: There are none.
        """
        names = (plugin,) if isinstance(plugin, str) else tuple(plugin)
        wanted = Wanted(task, profile, source, names)
        kept = wanted.of(self._contents.records)
        own = None if self._own is None else tuple(wanted.of(self._own))
        if wanted.asked and not (kept if own is None else own):
            asked = ", ".join(f"{name} {value}" for name, value in wanted.asked.items())
            raise BenchError(f"{self._store}: has no records for {asked}")
        judged = None if wanted.asked else self._judged
        contents = replace(self._contents, records=tuple(kept))
        return replace(self, _contents=contents, _own=own, _judged=judged)

    def frame(self, history: bool = False) -> pd.DataFrame:
        """Return a row a trial: what it was, how it ended, what was measured, and where.

        Columns that are always there: trial (of its identity the first digits), task, plugin,
        variant (what was overridden, "" for nothing), backend, profile, source, seed, status,
        reason, current (is it a record that the leaderboard's row is of?), outdated (why it is
        not of the plugin as it is now, "" where it is), repeat (what training it again gave,
        empty for an ordinary trial) and finished (UTC). Then, where any row has them, ``hp_*``
        (every option by the name that ``HYPERPARAMETERS`` and ``set`` give it, as it was
        resolved), ``train_*``, ``validation_*``, ``test_*`` (figures by metric), ``best_epoch``,
        ``time_*`` (seconds), ``memory_*`` (bytes; ``memory_pages`` says which pages a peak
        counts, see ``bench.metrics.pages_counted``), ``model_*`` (parameters; size in bytes),
        ``reference_*`` (published figures), ``version_*``, ``machine_*``, and provenance.

        Args:
            history: All records that were read, not only those that are current.
        """
        current = self._current()
        shown = self._contents.records if history else self._shown(current)
        return trial_frame(shown, current, self._tree)

    def curves(self) -> pd.DataFrame:
        """Return what was measured epoch by epoch, in the long form.

        A row for each trial, epoch (from 1), split (train, validation) and metric, with its
        ``value``; ``seconds`` is the training time at the end of the epoch. Rows have the
        columns trial and finished of ``frame()``, to be merged with it.
        """
        return curve_frame(self._trials())

    def predictions(self, split: str | None = None) -> pd.DataFrame:
        """Return what each trial that is ok predicted, example by example, with the target.

        A row for each trial, split and example that was scored: ``index`` counts them from 0
        in the order of the task, and is the same example for all trials of one task, data,
        split and profile; ``group`` is what examples that are not independent share (a day,
        a film). ``target`` is the task's own number, so that it needs no data; records of the
        first schemas did not keep it, and it is NaN there. A classifier's prediction is the
        probability of class 1. Where several numbers are predicted of an example, each has a
        row: ``output`` counts them from 0, the steps of a horizon or several columns, or the
        classes, whose target is 1 for that of the example and 0 for the others.

        Args:
            split: test or validation; None is both.

        Raises:
            BenchError: There is no such split.
        """
        if split not in (None, "validation", "test"):
            raise BenchError(f"split {split!r}: must be 'validation', 'test' or None")
        import pandas as pd

        parts = [part for record in self._trials() for part in self._predicted(record, split)]
        if not parts:
            return pd.DataFrame(columns=list(_PREDICTIONS))
        frame = pd.concat(parts, ignore_index=True)
        frame["finished"] = pd.to_datetime(frame["finished"], utc=True, format="ISO8601")
        # A text beside each of a million predictions is most of the memory.
        return frame.astype(dict.fromkeys((*KEYS[:7], "split"), "category"))

    def leaderboard(self, best_of_grid: bool = False) -> LeaderboardView:
        """Return the leaderboard of these results, as ``python -m bench report`` has it.

        Of a run it is of the tables that its trials stand in, with the other rows of these.

        Args:
            best_of_grid: Of the points of a plugin's grid only the best by validation.
        """
        from bench.analysis import ranking
        from bench.analysis.leaderboard import make_leaderboard
        from bench.report.leaderboard import leaderboard_document

        board = None if best_of_grid else self._judged
        if board is None:
            unreadable = len(self._contents.unreadable)
            made = make_leaderboard(self._contents.records, unreadable=unreadable, tree=self._tree)
            made = made if self._own is None else made.touched_by(self._own)
            made = ranking.best_of_grid(made) if best_of_grid else made
            board = ranking.judged(made, self._store, _warn)
        return LeaderboardView(leaderboard_document(board))

    def __len__(self) -> int:
        return len(self._trials())

    def __repr__(self) -> str:
        trials = self._trials()
        tasks = ", ".join(sorted({record.trial.task for record in trials})) or "no task"
        return f"<Results of {len(trials)} trials ({tasks}) in {self._store}>"

    def _current(self) -> list[Record]:
        """Return the records that the rows of the leaderboard summarise."""
        return current_records(self._contents.records, self._tree)

    def _shown(self, current: Sequence[Record]) -> Sequence[Record]:
        return current if self._own is None else self._own

    def _trials(self) -> Sequence[Record]:
        return self._own if self._own is not None else self._current()

    def _predicted(self, record: Record, split: str | None) -> Iterator[pd.DataFrame]:
        import numpy as np
        import pandas as pd

        if record.status != OK or record.predictions is None:
            return
        try:
            arrays = self._store.predictions(record)
        except BenchError as error:
            _warn(str(error))
            return
        for name, prefix in (("validation", "validation_"), ("test", "")):
            values = arrays.get(f"{prefix}predictions")
            if values is None or split not in (None, name):
                continue
            unknown = np.full(len(values), np.nan)
            width = 1 if values.ndim == 1 else values.shape[1]
            targets = arrays.get(f"{prefix}targets", unknown)
            if targets.ndim < values.ndim:  # The numbers of classes.
                targets = (targets[:, None] == np.arange(width)).astype("float32")
            yield pd.DataFrame(
                {
                    **key_of(record),
                    "split": name,
                    "index": np.repeat(np.arange(len(values)), width),
                    "output": np.tile(np.arange(width), len(values)),
                    "group": np.repeat(arrays.get(f"{prefix}groups", unknown), width),
                    "target": targets.reshape(-1),
                    "prediction": values.reshape(-1),
                }
            )


@dataclass(frozen=True, eq=False)
class LeaderboardView:
    """A leaderboard that shows itself: as text in a terminal, as tables in a notebook.

    ``document`` is what every format is written from; ``document.data`` is what ``report
    --format json`` writes.
    """

    document: Document

    def __str__(self) -> str:
        from bench.report.writers import to_text

        return to_text(self.document)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from bench.report.writers import to_html_part

        return to_html_part(self.document)

    def _repr_markdown_(self) -> str:
        from bench.report.writers import to_markdown

        return to_markdown(self.document)


def read_results(roots: Sequence[Path], asked: Folders) -> Results:
    """Read all records of some folders.

    Args:
        roots: Folders of records.
        asked: Where plugin files are looked for beside the project's own.

    Raises:
        BenchError: There is no record, or a folder of plugins is none.
    """
    from bench.registry.project import registry_of

    store = Stores(roots)
    contents = store.read()
    for line in contents.problems:
        _warn(line)
    if not contents.records:
        raise BenchError(
            f"{store}: has no records; run some first, as with bench.run(...), "
            "or name another folder"
        )
    return Results(store, contents, working_tree(registry_of(asked), contents.records))


def results_of_run(
    root: Path, asked: Folders, records: Sequence[Record], board: Leaderboard | None
) -> Results:
    """Return the results of a run.

    Args:
        root: Its folder of records.
        asked: Where it looked for plugin files beside the project's own.
        records: What its trials have left.
        board: The tables that they stand in, judged.
    """
    from bench.registry.project import registry_of

    store = Stores([root])
    contents = store.read()
    tree = working_tree(registry_of(asked), contents.records)
    # Of the run it is known that these are of the plugins as they are.
    tree = tree.knowing(record.trial.configuration for record in records)
    return Results(store, contents, tree, _as_read(records, contents), board)


def _as_read(records: Sequence[Record], contents: Contents) -> tuple[Record, ...]:
    """Return records as they were read again, which know their files; a lost one as it is."""
    read = {(record.identity, record.finished): record for record in contents.records}
    return tuple(read.get((r.identity, r.finished), r) for r in records)


def _warn(line: str) -> None:
    warnings.warn(one_line(line), stacklevel=2)
