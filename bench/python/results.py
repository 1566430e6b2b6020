"""Results as data frames, and as a leaderboard that shows itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.formatting import one_line
from bench.metrics import pages_counted
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import Wanted, WorkingTree, working_tree
from bench.records.store import Contents, Stores

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.leaderboard import Leaderboard
    from bench.registry.source_tree import Folders
    from bench.report.document import Document

_SPLITS = ("train", "validation", "test")
#: Columns that there are in every frame of trials, in their order.
_ALWAYS = (
    *("trial", "task", "plugin", "variant", "backend", "profile", "source", "seed"),
    *("status", "reason", "current", "outdated", "repeat", "finished"),
)
#: Those that tell a trial's rows in the other frames from all others.
_KEYS = (*_ALWAYS[:8], "finished")
_CURVES = (*_KEYS, "epoch", "seconds", "split", "metric", "value")
_PREDICTIONS = (*_KEYS, "split", "index", "group", "target", "prediction")


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
        known = {id(record) for record in current}
        shown = self._contents.records if history else self._shown(current)
        rows = [self._row(record, id(record) in known) for record in shown]
        return _frame(rows, _ALWAYS)

    def curves(self) -> pd.DataFrame:
        """Return what was measured epoch by epoch, in the long form.

        A row for each trial, epoch (from 1), split (train, validation) and metric, with its
        ``value``; ``seconds`` is the training time at the end of the epoch. Rows have the
        columns trial and finished of ``frame()``, to be merged with it.
        """
        rows = [row for record in self._trials() for row in _curve_rows(record)]
        return _frame(rows, _CURVES)

    def predictions(self, split: str | None = None) -> pd.DataFrame:
        """Return what each trial that is ok predicted, example by example, with the target.

        A row for each trial, split and example that was scored: ``index`` counts them from 0
        in the order of the task, and is the same example for all trials of one task, data,
        split and profile; ``group`` is what examples that are not independent share (a day,
        a film). ``target`` is the task's own number, so that it needs no data; records of the
        first schemas did not keep it, and it is NaN there. A classifier's prediction is the
        probability of class 1.

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
        return frame.astype(dict.fromkeys((*_KEYS[:7], "split"), "category"))

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
        from bench.analysis.leaderboard import make_leaderboard

        board = make_leaderboard(self._contents.records, tree=self._tree)
        return [
            record
            for table in board.tables
            for row in table.rows
            for record in table.selected[row.label].answering
        ]

    def _shown(self, current: Sequence[Record]) -> Sequence[Record]:
        return current if self._own is None else self._own

    def _trials(self) -> Sequence[Record]:
        return self._own if self._own is not None else self._current()

    def _row(self, record: Record, is_current: bool) -> dict[str, Any]:
        return {
            **_key(record),
            "status": record.status,
            "reason": record.reason,
            "current": is_current,
            "outdated": self._tree.outdated(record.trial),
            "repeat": record.repeat and (record.repeat["verdict"] or record.status),
            **_declared(record),
            **_measured(record),
            **_provenance(record),
        }

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
            yield pd.DataFrame(
                {
                    **_key(record),
                    "split": name,
                    "index": np.arange(len(values)),
                    "group": arrays.get(f"{prefix}groups", unknown),
                    "target": arrays.get(f"{prefix}targets", unknown),
                    "prediction": values,
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


# From a record to the cells of its rows


def _key(record: Record) -> dict[str, Any]:
    trial = record.trial
    return {
        "trial": trial.identity[:12],
        "task": trial.task,
        "plugin": trial.plugin,
        "variant": trial.variant,
        "backend": trial.backend,
        "profile": trial.profile,
        "source": trial.source,
        "seed": trial.seed,
        "finished": record.finished,
    }


def _declared(record: Record) -> dict[str, Any]:
    """Return every option; what ``build`` takes of the view or the training is the same there."""
    trial = record.trial
    return _prefixed("hp", {**trial.training, **trial.view, **trial.hyperparameters})


def _measured(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for split in _SPLITS:
        found |= _prefixed(split, record.metrics.get(split))
    if "best_epoch" in record.metrics:
        found["best_epoch"] = record.metrics["best_epoch"]
    return {
        **found,
        **_prefixed("time", record.timing),
        **_prefixed("memory", record.memory),
        **({"memory_pages": pages_counted(record.environment)} if record.memory else {}),
        **_prefixed("model", record.model),
        **_prefixed("reference", record.reference),
    }


def _provenance(record: Record) -> dict[str, Any]:
    """Return which data, versions and machine a trial had."""
    environment, trial = record.environment, record.trial
    known = ("python", "suite", "commit", "dirty", "command")
    described = environment.get("configuration")
    names = (*known, "threads", "inter_op_threads", "device", "start", "shared")
    return {
        "fingerprint": trial.fingerprint,
        "scored_examples": trial.scored_examples,
        "plugin_sha256": trial.plugin_sha256,
        **_prefixed("version", trial.versions),
        **_prefixed("machine", environment.get("machine")),
        **{name: environment[name] for name in names if name in environment},
        **({"configuration": described.get("name")} if isinstance(described, Mapping) else {}),
    }


def _prefixed(prefix: str, section: Any) -> dict[str, Any]:
    """Name the values of a section, which may be foreign, as columns."""
    if not isinstance(section, Mapping):
        return {}
    return {f"{prefix}_{name}": value for name, value in section.items()}


def _curve_rows(record: Record) -> Iterator[dict[str, Any]]:
    curves = record.metrics.get("curves", {})
    elapsed = curves.get("elapsed_seconds", [])
    for name, values in curves.items():
        split, _, metric = name.partition("_")
        if split not in _SPLITS:
            continue  # The clocks.
        for number, value in enumerate(values):
            yield {
                **_key(record),
                "epoch": number + 1,
                "seconds": elapsed[number] if number < len(elapsed) else None,
                "split": split,
                "metric": metric,
                "value": value,
            }


def _frame(rows: Sequence[Mapping[str, Any]], first: Sequence[str]) -> pd.DataFrame:
    """Make a frame with some columns first, which are there without rows too."""
    import pandas as pd

    names = dict.fromkeys([*first, *(name for row in rows for name in row)])
    frame = pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})
    frame["finished"] = pd.to_datetime(frame["finished"], utc=True, format="ISO8601")
    return frame


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Make a column; whole numbers stay whole where other rows have none."""
    import pandas as pd

    known = [value for value in values if value is not None]
    are_whole = all(type(value) is int and abs(value) < 1 << 63 for value in known)
    if known and are_whole and len(known) < len(values):
        return pd.Series(values, dtype="Int64")
    # Without a value there is nothing to tell a type by.
    return pd.Series(values, dtype=None if known else object)
