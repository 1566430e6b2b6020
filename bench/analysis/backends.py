"""The same plugin on several backends: which is the fastest, and does it learn as much?

A pure function of the leaderboard. What cannot be compared is compared with nothing, and
the reason is told: times that were taken while contended, on another machine or with
other threads; qualities of one seed, for another seed might end elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

from bench.analysis.costs import Costs
from bench.analysis.leaderboard import Leaderboard, Row, Spread, Table, records_of
from bench.protocol import OK
from bench.records.record import Record

SAME = "yes"
OTHER = "no"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class BackendRun:
    """A plugin on one backend: validation metric over seeds, and the costs.

    ``label`` is its row's in the table; ``cached`` says that compiled code of some trial
    came from a cache, so that compilation took less than it would have.
    """

    backend: str
    label: str
    quality: Spread
    costs: Costs
    cached: bool


@dataclass(frozen=True)
class BackendComparison:
    """A plugin on two backends or more, and what may be said of it.

    ``fastest`` is the backend whose epoch is shortest, ``factor`` how many times as long the
    second's is; "" and None where there is none, and ``why_none`` says why. ``quality`` says
    whether all learn the same: ``SAME``, ``OTHER`` or ``UNKNOWN``; ``why_quality`` which is
    worse, or why it is unknown. ``notes`` tell of trials that gave no result.
    """

    plugin: str
    sides: tuple[BackendRun, ...]
    fastest: str
    factor: float | None
    why_none: str
    quality: str
    why_quality: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BackendTable:
    """The plugins of one table that ran on several backends, in the order of its rows.

    ``alone`` says of each plugin that is ok on one backend only which it is, and what became
    of others.
    """

    table: Table
    plugins: tuple[BackendComparison, ...]
    alone: Mapping[str, str]


@dataclass(frozen=True)
class _Ran:
    """A plugin's rows, one for each backend; ``found`` are the records that are ok."""

    plugin: str
    rows: tuple[Row, ...]
    sides: tuple[BackendRun, ...]
    found: tuple[Sequence[Record], ...]


#: Which of a pair's labels is worse, "" for neither; without the pairs that are unknown.
_Verdicts = Mapping[tuple[str, str], str]


def side_by_side(board: Leaderboard) -> tuple[BackendTable, ...]:
    """Compare the backends of each plugin that is ok on two or more; one item for each table.

    The fastest is the one whose median epoch after the first is shortest, if its 95%
    confidence interval lies below all others' and if it is not worse than another.
    Qualities are the same if the paired test of the leaderboard does not tell them apart
    at 5%, by Holm's correction over the pairs of backends in the table.

    Args:
        board: Judged: see ``bench.analysis.ranking.judge``.
    """
    return tuple(_compared(table) for table in board.tables)


def _compared(table: Table) -> BackendTable:
    plugins = _plugins(table)
    several = [ran for ran in plugins if len(ran.sides) > 1]
    verdicts = _verdicts(table, several)
    alone = {ran.plugin: _alone(ran) for ran in plugins if len(ran.sides) == 1}
    return BackendTable(table, tuple(_side_by_side(ran, table, verdicts) for ran in several), alone)


def _plugins(table: Table) -> list[_Ran]:
    rows: dict[str, list[Row]] = {}
    for row in table.rows:
        trial = records_of(table, row)[-1].trial
        rows.setdefault(trial.label, []).append(row)
    return [_ran(label, found, table) for label, found in rows.items()]


def _ran(plugin: str, rows: Iterable[Row], table: Table) -> _Ran:
    # TensorFlow is what the suite runs on unless it is told otherwise.
    ordered = tuple(sorted(rows, key=lambda row: (row.backend != "tensorflow", row.backend)))
    sides, records = [], []
    for row in ordered:
        quality = row.validation.get(table.metric)
        # What was timed elsewhere alone has its times all the same; see ``_no_times``.
        costs = row.costs or next(iter(table.elsewhere.get(row.label, ())), None)
        if quality is not None and costs is not None:
            found = [record for record in records_of(table, row) if record.status == OK]
            cached = any(map(_is_cached, found))
            sides.append(BackendRun(row.backend, row.label, quality, costs, cached))
            records.append(found)
    return _Ran(plugin, ordered, tuple(sides), tuple(records))


def _is_cached(record: Record) -> bool:
    cache = _at(record.environment, "compilation", "cache")
    hits = cache.get("hits") if isinstance(cache, Mapping) else None
    return isinstance(hits, int) and hits > 0


def _alone(ran: _Ran) -> str:
    (side,) = ran.sides
    return "; ".join([f"{side.backend} only", *_notes(ran)])


def _notes(ran: _Ran) -> tuple[str, ...]:
    return tuple(
        f"{row.backend}: {row.status}{f': {row.reason}' if row.reason else ''}"
        for row in ran.rows
        if row.status != OK
    )


def _side_by_side(ran: _Ran, table: Table, verdicts: _Verdicts) -> BackendComparison:
    quality, why = _quality(ran, table, verdicts)
    made = BackendComparison(ran.plugin, ran.sides, "", None, "", quality, why, _notes(ran))
    why_none = _other_model(ran) or _no_times(ran)
    if why_none:
        return replace(made, why_none=why_none)
    first, second, *_ = sorted(ran.sides, key=_epoch)
    overlapping = [side.backend for side in ran.sides if side is not first and _meet(first, side)]
    if overlapping:
        among = " and ".join([first.backend, *overlapping])
        return replace(made, why_none=f"the intervals of {among} overlap")
    if first.label in verdicts.values():
        return replace(made, why_none=f"{first.backend} is the quickest, and worse")
    return replace(made, fastest=first.backend, factor=_epoch(second) / _epoch(first))


def _other_model(ran: _Ran) -> str:
    """Say in what the backends' trials differ beside the backend; nothing if in nothing."""
    backends = {side.backend for side in ran.sides}
    trials = [found[-1].trial for found in ran.found]
    aspects: dict[str, list[Any]] = {
        "other versions of the plugin's source": [trial.plugin_sha256 for trial in trials],
        "other hyperparameters, views or schedules": [
            (dict(trial.hyperparameters), dict(trial.view), dict(trial.training))
            for trial in trials
        ],
        "other versions of the libraries": [
            {name: v for name, v in trial.versions.items() if name not in backends}
            for trial in trials
        ],
    }
    return next((why for why, values in aspects.items() if _differ(values)), "")


def _no_times(ran: _Ran) -> str:
    """Say why the backends' times cannot be compared; nothing if they can."""
    contended = [side.backend for side in ran.sides if side.costs.contended]
    if contended:
        return f"{' and '.join(contended)}: contended"
    places = [side.costs.place for side in ran.sides]
    settings: dict[str, list[Any]] = {
        "timed on different machines": [place.machine for place in places],
        "timed with different threads": [
            (place.threads, place.inter_op_threads) for place in places
        ],
        "timed on different devices": [place.device for place in places],
    }
    differing = next((why for why, values in settings.items() if _differ(values)), "")
    if differing:
        return differing
    if not all(side.costs.epoch_seconds for side in ran.sides):
        return "no epochs to time"
    few = [side.backend for side in ran.sides if side.costs.epoch_seconds_interval is None]
    if few:
        return f"{' and '.join(few)}: fewer than six epochs after each seed's first"
    return ""


def _quality(ran: _Ran, table: Table, verdicts: _Verdicts) -> tuple[str, str]:
    why = _other_model(ran)
    if why:
        return UNKNOWN, why
    pairs = [(one.label, other.label) for one, other in combinations(ran.sides, 2)]
    backends = {side.label: side.backend for side in ran.sides}
    worse = [backends[verdicts[pair]] for pair in pairs if verdicts.get(pair)]
    if worse:
        return OTHER, f"{' and '.join(dict.fromkeys(worse))} worse"
    if all(pair in verdicts for pair in pairs):
        return SAME, ""
    single = [side.backend for side in ran.sides if side.quality.count < 2]
    if single:
        return UNKNOWN, f"{' and '.join(single)}: one seed"
    return UNKNOWN, (table.ranking.problem if table.ranking else "") or "no scores of examples"


def _verdicts(table: Table, several: Iterable[_Ran]) -> _Verdicts:
    """Test each pair of a plugin's backends of which there are scores of two seeds or more."""
    standings = table.ranking.validation if table.ranking else None
    if standings is None:
        return {}
    pairs = [
        (one.label, other.label)
        for ran in several
        if not _other_model(ran)
        for one, other in combinations(ran.sides, 2)
        if {one.label, other.label} <= standings.intervals.keys()
        and min(one.quality.count, other.quality.count) > 1
    ]
    if not pairs:
        return {}
    import numpy as np

    from bench.statistics.pairs import holm

    found = [standings.pair(*pair) for pair in pairs]
    adjusted = holm(np.array([each.p for each in found]))
    sign = 1 if table.direction == "min" else -1
    verdicts = {}
    for pair, each, p in zip(pairs, found, adjusted, strict=True):
        loser = pair[0] if sign * each.difference > 0 else pair[1]
        verdicts[pair] = loser if p <= standings.level else ""
    return verdicts


def _epoch(side: BackendRun) -> float:
    return side.costs.epoch_seconds or 0.0


def _meet(first: BackendRun, other: BackendRun) -> bool:
    one, another = first.costs.epoch_seconds_interval, other.costs.epoch_seconds_interval
    return one is None or another is None or one[1] >= another[0]


def _differ(values: Sequence[Any]) -> bool:
    return any(one != other for one, other in pairwise(values))


def _at(found: Any, *path: str) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
