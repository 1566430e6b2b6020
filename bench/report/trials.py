"""Trials as rows: one each with all that is known of it, one an epoch, and files of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.analysis.costs import published_beside
from bench.metrics import pages_counted
from bench.records.record import Record
from bench.records.selection import WorkingTree

if TYPE_CHECKING:
    import pandas as pd

_SPLITS = ("train", "validation", "test")
#: Columns that there are in every frame of trials, in their order.
_ALWAYS = (
    *("trial", "task", "plugin", "variant", "backend", "profile", "source", "seed"),
    *("status", "reason", "current", "outdated", "repeat", "finished"),
)
#: Those that tell a trial's rows in the other frames from all others.
KEYS = (*_ALWAYS[:8], "finished")
_CURVES = (*KEYS, "epoch", "seconds", "split", "metric", "value")


def current_records(records: Sequence[Record], tree: WorkingTree) -> list[Record]:
    """Return the records that the rows of the leaderboard summarise."""
    from bench.analysis.leaderboard import make_leaderboard

    board = make_leaderboard(records, tree=tree)
    return [
        record
        for table in board.tables
        for row in table.rows
        for record in table.selected[row.label].answering
    ]


def trial_frame(
    records: Sequence[Record], current: Sequence[Record], tree: WorkingTree
) -> pd.DataFrame:
    """Return a row a trial, with the columns of ``bench.Results.frame``.

    Args:
        records: What the rows are of.
        current: Those among all records that are current.
        tree: Says what is outdated.
    """
    known = {id(record) for record in current}
    return _frame([trial_row(each, id(each) in known, tree) for each in records], _ALWAYS)


def curve_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return the rows of ``curve_rows`` of some trials."""
    return _frame([row for record in records for row in curve_rows(record)], _CURVES)


def trial_row(record: Record, is_current: bool, tree: WorkingTree) -> dict[str, Any]:
    """Return all that is known of a trial, by the columns of ``bench.Results.frame``."""
    return {
        **key_of(record),
        "status": record.status,
        "reason": record.reason,
        "current": is_current,
        "outdated": tree.outdated(record.trial),
        "repeat": record.repeat and (record.repeat["verdict"] or record.status),
        **_declared(record),
        **_measured(record),
        **_provenance(record),
    }


def key_of(record: Record) -> dict[str, Any]:
    """Return the cells that tell a trial's rows from all others."""
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
        **_prefixed("reference", published_beside(record)),
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


def curve_rows(record: Record) -> Iterator[dict[str, Any]]:
    """Yield a row for each epoch, split and metric of a trial; see ``bench.Results.curves``."""
    curves = record.metrics.get("curves", {})
    elapsed = curves.get("elapsed_seconds", [])
    for name, values in curves.items():
        split, _, metric = name.partition("_")
        if split not in _SPLITS:
            continue  # The clocks.
        for number, value in enumerate(values):
            yield {
                **key_of(record),
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


# Files of frames


def to_csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as CSV in UTF-8; times are ISO, what is a list is JSON."""
    text: str = _plain(frame).to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z")
    return text.encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet, which needs pyarrow."""
    buffer = io.BytesIO()
    _plain(frame).to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns have values of one kind each: mixed ones become texts."""
    mixed = [name for name in frame.columns if _is_mixed(frame[name])]
    return frame.assign(**{name: frame[name].map(_as_text) for name in mixed})


def _is_mixed(column: pd.Series[Any]) -> bool:
    if column.dtype != object:
        return False
    kinds = {type(value) for value in column if not _is_missing(value)}
    return not (kinds <= {str} or kinds <= {bool} or kinds <= {int, float})


def _as_text(value: Any) -> Any:
    if _is_missing(value) or isinstance(value, str):
        return value
    return json.dumps(value, default=str)


def _is_missing(value: Any) -> bool:
    return value is None or value != value
