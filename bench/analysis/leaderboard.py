"""The leaderboard: a pure function of records."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.analysis.costs import Costs, Targets, make_targets, published_beside, table_costs
from bench.analysis.places import TimingPlace, place_of
from bench.metrics import mean_and_deviation
from bench.protocol import OK, SKIPPED
from bench.records.record import Record, row_label
from bench.records.repeats import Repeats, gave_the_same, summarise
from bench.records.selection import (
    UNREADABLE,
    Selected,
    WorkingTree,
    by_age,
    read_together,
    select_of,
)

if TYPE_CHECKING:
    from bench.statistics.compare import Rank, TableComparison, Unknown
    from bench.statistics.intervals import Interval


@dataclass(frozen=True)
class RankingResult:
    """The comparison of a table's plugins on each split, and the rows that it leaves out.

    ``unranked`` are labels of rows that are ok, but of which the scores of the validation
    examples are not known: records of the first schemas did not keep them. ``single`` are
    those of one seed beside others that have more. ``problem`` says why a split with scores
    could not be compared, "" if it was.
    """

    validation: TableComparison | None
    test: TableComparison | None
    unranked: tuple[str, ...]
    single: tuple[str, ...] = ()
    problem: str = ""


TableKey = tuple[Any, ...]


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of ``count`` values; no deviation for one value.

    ``interval`` is the mean's 95% confidence interval, None until it is judged.
    """

    mean: float
    deviation: float | None
    count: int
    interval: Interval | None = None


@dataclass(frozen=True)
class Row:
    """One plugin (with what was overridden) over its seeds.

    ``validation`` and ``test`` map metric names to spreads; ``difference`` is the
    validation mean minus that of ``against``, the baseline's row; once the two are judged, that
    of the seeds that both have, and ``difference_ends`` its own confidence interval.
    ``published`` are the figures published for its data. ``rank``, ``is_best``, whether none is
    significantly better, and ``unknown``, if that is so only for lack of seeds, are for
    ``bench.analysis.ranking`` to say; ``place`` stands for the rank where a table of one seed
    each has none. ``costs`` are of the seeds that are ok, at the table's ``place``;
    None if none is, or none was timed there.
    ``reason`` says why a row is not ok, or what became of a later attempt at a row that
    is; it begins with ``outdated``, which says why the row is not of the working tree, "" where
    it is or nothing is known of that. ``repeats`` is what came of training its trials again,
    None if none was.
    """

    label: str
    backend: str
    rank: Rank | None
    place: int | None
    is_best: bool
    unknown: Unknown | None
    validation: Mapping[str, Spread]
    test: Mapping[str, Spread]
    difference: float | None
    difference_ends: tuple[float, float] | None
    against: str | None
    published: Mapping[str, float]
    costs: Costs | None
    parameters: int | None
    seeds: tuple[int, ...]
    status: str
    reason: str
    reused: bool
    is_baseline: bool
    repeats: Repeats | None
    outdated: str = ""


@dataclass(frozen=True)
class Table:
    """Rows that may be compared: same task, data, profile and scored examples.

    ``groups`` is what examples that are not independent have in common, in the plural;
    ``in_time`` says that they follow each other in time.
    ``scored_examples`` is None where all of each split are scored; ``targets`` are those of
    which the rows' costs tell the time to reach them; ``selected`` are the records of each row,
    by its label. ``points`` has of how many a row is the best, by its label, where rows were
    chosen by ``ranking.best_of_grid``. ``place`` is where the rows' costs were measured, None if
    nowhere; ``elsewhere`` are the costs of the same at other places, by label. ``ranking`` is how
    the rows compare, None until they are judged. ``task_sha256`` is "" where it is not known.
    """

    task: str
    task_version: int
    source: str
    fingerprint: str
    why: str
    profile: str
    scored_examples: int | None
    metric: str
    direction: str
    units: Mapping[str, str]
    groups: str
    in_time: bool
    baseline: str
    targets: Targets
    rows: tuple[Row, ...]
    selected: Mapping[str, Selected]
    points: Mapping[str, int] = field(default_factory=dict)
    ranking: RankingResult | None = None
    place: TimingPlace | None = None
    elsewhere: Mapping[str, tuple[Costs, ...]] = field(default_factory=dict)
    ordered_by: str = ""
    task_sha256: str = ""

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The records that the rows summarise or mention."""
        return tuple(record for found in self.selected.values() for record in found.told)

    @cached_property
    def has_parts(self) -> bool:
        """Whether records have scores of single steps or columns beside those of the whole."""
        whole = frozenset(self.units)
        return not all(whole.issuperset(r.metrics.get("validation", ())) for r in self.records)

    @cached_property
    def identities(self) -> frozenset[str]:
        """The identities of all records of the rows, of those that are of none, too."""
        found = (record for each in self.selected.values() for record in each.everything)
        return frozenset(record.identity for record in found)


@dataclass(frozen=True)
class Leaderboard:
    """All tables, and how many records are of no row, by reason: see ``selection``."""

    tables: tuple[Table, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def touched_by(self, records: Iterable[Record]) -> Leaderboard:
        """Return the tables, whole, in which the trials of some records stand."""
        touched = {record.identity for record in records}
        tables = [table for table in self.tables if not touched.isdisjoint(table.identities)]
        return Leaderboard(tuple(tables))


def make_leaderboard(
    records: Iterable[Record],
    reused: Iterable[str] = (),
    unreadable: int = 0,
    tree: WorkingTree | None = None,
) -> Leaderboard:
    """Build the leaderboard, not yet judged; the order of ``records`` does not matter.

    A row stays when its plugin's file is gone, with a mark. Which of its records are current
    ``bench.records.selection.select`` says; later ones that ended worse are mentioned in
    the row, and all others are counted as left out.

    Args:
        records: All records to be shown.
        reused: Identities that this run took from the store instead of training.
        unreadable: How many files could not be read beside them.
        tree: What is known of the working tree, None if nothing: then the newest answer.
    """
    groups, marked = by_table(records), frozenset(reused)
    if tree is not None:
        # What a run has taken from the store is what the tree is now.
        tree = tree.knowing(r.trial.configuration for r in chain(*groups) if r.identity in marked)
    tables = []
    counted: Counter[str] = Counter()
    for group in groups:
        selected = {label: select_of(found, tree) for label, found in _by_row(group).items()}
        tables.append(_table(group, selected, marked))
        for found in selected.values():
            counted.update(found.left_out)
    if unreadable:
        counted[UNREADABLE] = unreadable
    return Leaderboard(tuple(tables), dict(counted))


def by_table(records: Iterable[Record]) -> list[list[Record]]:
    """Return the records of each table, in the order of tables, from old to new."""
    groups: dict[TableKey, list[Record]] = defaultdict(list)
    for record in by_age(records):
        groups[_table_key(record)].append(record)
    return [group for _, group in sorted(groups.items(), key=_by_text)]


def spread(values: Sequence[float]) -> Spread | None:
    """Summarise values; None for none."""
    if not values:
        return None
    return Spread(*mean_and_deviation(values), len(values))


def _table_key(record: Record) -> TableKey:
    trial = record.trial
    return (
        trial.task,
        trial.source,
        trial.fingerprint,
        trial.task_version,
        trial.task_sha256,
        trial.profile,
        trial.scored_examples or 0,
        trial.harness_version,
    )


def _by_text(item: tuple[TableKey, Any]) -> tuple[str, ...]:
    return tuple(map(str, item[0]))


def _by_row(group: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in group:
        found[row_label(record)].append(record)
    return found


def _table(
    group: Sequence[Record], selected: Mapping[str, Selected], reused: frozenset[str]
) -> Table:
    read_together(record for found in selected.values() for record in found.told)
    first = group[-1]
    metric = first.data["metric"]
    rows = [_row(label, found, metric, reused) for label, found in sorted(selected.items())]
    baselines = {row.backend: row for row in rows if row.is_baseline}
    fallback = next(iter(baselines.values()), None)
    compared = [_compared(row, baselines.get(row.backend, fallback), metric) for row in rows]
    targets = _targets(rows, fallback, metric)
    timed = {label: found.timed_apart(place_of) for label, found in selected.items()}
    costs = table_costs(timed, targets)
    costed = [replace(row, costs=costs.rows.get(row.label)) for row in compared]
    return Table(
        task=first.trial.task,
        task_version=first.trial.task_version,
        task_sha256=first.trial.task_sha256,
        source=first.trial.source,
        fingerprint=first.trial.fingerprint,
        why=first.data["why"],
        profile=first.trial.profile,
        scored_examples=first.trial.scored_examples,
        metric=metric["name"],
        direction=metric["direction"],
        units=metric["units"],
        groups=str(metric.get("groups", "groups")),
        # Records of before the tasks said it: days alone follow each other.
        in_time=bool(metric.get("in_time", metric.get("groups") == "days")),
        baseline=metric["baseline"],
        targets=targets,
        rows=tuple(_ordered(costed, metric)),
        selected=selected,
        place=costs.place,
        elsewhere=costs.elsewhere,
    )


def records_of(table: Table, row: Row) -> Sequence[Record]:
    """Return the records that a row summarises or mentions; those that are ok it summarises."""
    found = table.selected.get(row.label)
    return found.told if found else ()


def alike_seeds(table: Table) -> Mapping[str, int]:
    """Return the rows of which all seeds gave the same, each with how many it has.

    Predictions decide where they are kept, else all that a trial has measured of quality.
    """
    found = {}
    for row in table.rows:
        good = [record for record in records_of(table, row) if record.status == OK]
        if len({r.trial.seed for r in good}) > 1 and all(gave_the_same(r, good[0]) for r in good):
            found[row.label] = len({r.trial.seed for r in good})
    return found


def _row(label: str, found: Selected, metric: Mapping[str, Any], reused: frozenset[str]) -> Row:
    records, good, trial = found.answering, found.good, found.trial
    status, reason = _status(records, good)
    if found.setbacks and not reason:
        last = found.setbacks[-1]
        reason = f"a later attempt: {last.status}: {last.reason}"

    def summary(split: str) -> dict[str, Spread]:
        spreads = {}
        for name in metric["units"]:
            values = [record.metrics[split].get(name) for record in good]
            summarised = spread([value for value in values if value is not None])
            if summarised is not None:
                spreads[name] = summarised
        return spreads

    return Row(
        label=label,
        backend=trial.backend,
        rank=None,
        place=None,
        is_best=False,
        unknown=None,
        validation=summary("validation"),
        test=summary("test"),
        difference=None,
        difference_ends=None,
        against=None,
        published=published_beside(records[-1]),
        costs=None,
        parameters=good[-1].model["parameters"] if good else None,
        seeds=tuple(record.trial.seed for record in records),
        status=status,
        reason="; ".join(filter(None, (found.outdated, reason))),
        reused=bool(good) and all(record.identity in reused for record in records),
        is_baseline=trial.plugin == metric["baseline"] and not trial.overrides,
        repeats=summarise(
            [r for r in found.everything if r.trial.configuration == trial.configuration]
        ),
        outdated=found.outdated,
    )


def _status(records: Sequence[Record], good: Sequence[Record]) -> tuple[str, str]:
    """Return ok, or the statuses of the seeds that are not, with the last reason."""
    bad = [record for record in records if record.status != OK]
    if not bad:
        return OK, ""
    reason = bad[-1].reason
    if not good:
        return bad[-1].status, reason
    return f"{len(good)} of {len(records)} seeds ok", f"{bad[-1].status}: {reason}"


def _targets(rows: Sequence[Row], baseline: Row | None, metric: Mapping[str, Any]) -> Targets:
    name = metric["name"]
    level = baseline.validation.get(name) if baseline else None
    published = [row.published.get(f"val_{name}") for row in rows]
    return make_targets(name, metric["direction"], level.mean if level else None, published)


def _compared(row: Row, baseline: Row | None, metric: Mapping[str, Any]) -> Row:
    name = metric["name"]
    if baseline is None or name not in row.validation or name not in baseline.validation:
        return row
    difference = row.validation[name].mean - baseline.validation[name].mean
    return replace(row, difference=difference, against=baseline.label)


def _ordered(rows: Sequence[Row], metric: Mapping[str, Any]) -> list[Row]:
    """Order rows by the validation mean, best first; what has none stands last."""
    name, sign = metric["name"], 1 if metric["direction"] == "min" else -1

    def key(row: Row) -> tuple[int, float, str]:
        if name in row.validation:
            return 0, sign * row.validation[name].mean, row.label
        return (2 if row.status == SKIPPED else 1), math.inf, row.label

    return sorted(rows, key=key)
