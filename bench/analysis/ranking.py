"""Intervals and ranks: what the scores of single examples allow a leaderboard to say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from bench.analysis.leaderboard import Leaderboard, RankingResult, Row, Spread, Table, records_of
from bench.errors import BenchError
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import members_of

if TYPE_CHECKING:
    from bench.statistics.blocks import PluginScores
    from bench.statistics.compare import Pair, TableComparison
    from bench.task import Array

# What the statistics need of records: the score of every example, from the stored predictions

#: The splits that are scored, and how the names of their arrays begin in a file of predictions.
PREFIXES = {"validation": "validation_", "test": ""}


@dataclass(frozen=True)
class ExampleScores:
    """The score of every example of a split, whose mean is the metric, and the examples' groups.

    ``values`` has shape (n,), float32; ``groups`` (n,), integers: examples of one group are
    not independent. ``examples`` tells these examples from all others.
    """

    values: Array
    groups: Array
    examples: str


Key = tuple[str, str]
Evidence = Mapping[Key, Mapping[str, ExampleScores]]


def key_of(record: Record) -> Key:
    """Tell a record from all others: one trial may have several."""
    return record.identity, record.finished


class PredictionSource(Protocol):
    """Where the predictions of records are found."""

    def predictions(self, record: Record) -> dict[str, Array]:
        """Return the arrays that a trial left, by name; raise BenchError if they are gone."""


def gather(store: PredictionSource, board: Leaderboard, say: Callable[[str], None]) -> Evidence:
    """Read the predictions of a leaderboard's records that are ok; by record and split.

    ``say`` is told of each file that cannot be used. Records of the first schemas kept no
    predictions of the validation split.
    """
    found: dict[Key, Mapping[str, ExampleScores]] = {}
    # The same examples are scored by every plugin: their groups are kept once.
    shared: dict[str, Array] = {}
    for table in board.tables:
        for record in table.records:
            if record.status != OK or record.predictions is None:
                continue
            try:
                arrays = store.predictions(record)
                found[key_of(record)] = _scores(arrays, table.metric, shared)
            except BenchError as error:
                say(f"left out of the statistics: {error}")
    return found


def _scores(
    arrays: Mapping[str, Array], metric: str, shared: dict[str, Array]
) -> dict[str, ExampleScores]:
    from hashlib import sha256

    from bench.statistics.blocks import per_example

    scores = {}
    for split, prefix in PREFIXES.items():
        names = [f"{prefix}{name}" for name in ("predictions", "targets", "groups")]
        if not arrays.keys() >= {*names}:
            continue
        predictions, targets, groups = (arrays[name] for name in names)
        examples = sha256(targets.tobytes() + groups.tobytes()).hexdigest()
        values = per_example(metric, targets, predictions)
        scores[split] = ExampleScores(values, shared.setdefault(examples, groups), examples)
    return scores


def best_of_grid(board: Leaderboard) -> Leaderboard:
    """Return a leaderboard, not yet judged, with one row of each plugin and backend: its best.

    The best is that of the validation mean, never of the test split. Rows that are not of the
    working tree count where a plugin has no others, and rows without a score where it has none
    with one. The baseline stays beside its own best, for all others are compared with it, and
    each ensemble by itself: ensembles of other plugins are no points of one grid.
    """
    return replace(board, tables=tuple(_best_of_table(table) for table in board.tables))


def _best_of_table(table: Table) -> Table:
    together: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in table.rows:
        trial = table.selected[row.label].trial
        together[row.label if members_of(trial) else trial.plugin, row.backend].append(row)
    points: dict[str, int] = {}
    for rows in together.values():
        scored = [row for row in rows if table.metric in row.validation] or rows[:1]
        present = [row for row in scored if not row.outdated] or scored
        points[present[0].label] = len(present)  # Rows are in order, the best first.
    kept = tuple(row for row in table.rows if row.label in points or row.is_baseline)
    selected = {row.label: table.selected[row.label] for row in kept}
    elsewhere = {label: costs for label, costs in table.elsewhere.items() if label in selected}
    return replace(table, rows=kept, selected=selected, points=points, elsewhere=elsewhere)


def judged(board: Leaderboard, store: PredictionSource, say: Callable[[str], None]) -> Leaderboard:
    """Return a leaderboard with the intervals and ranks that the store's predictions allow."""
    return judge(board, gather(store, board, say))


def judge(board: Leaderboard, evidence: Evidence) -> Leaderboard:
    """Give the figures of a leaderboard their intervals, and its rows their ranks.

    Plugins are ranked by what they have in common: the validation examples. The test split
    is judged beside it and ranks nothing. The order of the rows stays as it is. With one seed
    each there are no ranks but that order.
    """
    return replace(board, tables=tuple(_judged(table, evidence) for table in board.tables))


def _judged(table: Table, evidence: Evidence) -> Table:
    found: dict[str, TableComparison | None] = {}
    problems = []
    for split in ("validation", "test"):
        try:
            found[split] = _compare(table, split, evidence)
        except BenchError as error:
            found[split] = None
            problems.append(f"{split}: {error}")
    validation, test = found["validation"], found["test"]
    rows: list[Row] = []
    for row in table.rows:
        row = replace(
            row,
            validation=_with_intervals(row.label, row.validation, table.metric, validation),
            test=_with_intervals(row.label, row.test, table.metric, test),
        )
        if validation is not None and row.label in validation.intervals:
            row = _with_standing(row, len(rows) + 1, validation)
        rows.append(row)
    known = validation.intervals if validation else {}
    unranked = tuple(
        row.label for row in rows if row.label not in known and table.metric in row.validation
    )
    single = tuple(row.label for row in rows if row.label in known and row.rank is None)
    ranking = RankingResult(
        validation,
        test,
        unranked=() if problems else unranked,
        single=() if validation is None or validation.one_seed else single,
        problem="; ".join(problems),
    )
    return replace(table, rows=tuple(rows), ranking=ranking)


def _with_standing(row: Row, place: int, found: TableComparison) -> Row:
    """Return a row with its rank, or its place where there is none, and its paired difference."""
    if row.against in found.intervals and row.against is not None and not row.is_baseline:
        pair = found.pair(row.label, row.against)
        row = replace(row, difference=pair.difference, difference_ends=(pair.low, pair.high))
    if found.one_seed:
        return replace(row, place=place)
    is_best = row.label in found.best and len(found.ranks) > 1
    return replace(
        row,
        rank=found.ranks.get(row.label),
        is_best=is_best,
        unknown=found.unknown.get(row.label),
    )


def _compare(table: Table, split: str, evidence: Evidence) -> TableComparison | None:
    """Compare the rows whose records were all scored on the same examples of a split.

    Raises:
        BenchError: The scores cannot be compared: there is one group of examples only.
    """
    scores = {row.label: _of_row(table, row, split, evidence) for row in table.rows}
    known = {label: found for label, found in scores.items() if found}
    counted = Counter(each.examples for found in known.values() for _, each in found)
    if not counted:
        return None
    from bench.statistics.compare import compare

    (examples, _), *_ = counted.most_common()
    same = {
        label: found
        for label, found in known.items()
        if all(each.examples == examples for _, each in found)
    }
    samples = [_sample(label, found) for label, found in same.items()]
    groups = next(iter(same.values()))[0][1].groups
    return compare(samples, groups, table.direction, in_time=table.in_time)


def _of_row(
    table: Table, row: Row, split: str, evidence: Evidence
) -> list[tuple[Record, ExampleScores]]:
    """Return the scores of a row's seeds; nothing unless they are known of every one."""
    records = [record for record in records_of(table, row) if record.status == OK]
    found = [(record, evidence.get(key_of(record), {}).get(split)) for record in records]
    known = [(record, scores) for record, scores in found if scores is not None]
    return known if len(known) == len(records) else []


def paired(one: tuple[Table, Row], other: tuple[Table, Row], evidence: Evidence) -> Pair | None:
    """Return how two rows of any tables compare on the validation examples: one minus other.

    Returns:
        None where they were not scored on the same examples, or the examples do not tell.
    """
    found = [_of_row(table, row, "validation", evidence) for table, row in (one, other)]
    examples = {scores.examples for each in found for _, scores in each}
    if not all(found) or len(examples) != 1:
        return None
    from bench.statistics.compare import compare

    samples = [_sample(name, each) for name, each in zip(("one", "other"), found, strict=True)]
    table = one[0]
    try:
        compared = compare(samples, found[0][0][1].groups, table.direction, in_time=table.in_time)
    except BenchError:
        return None
    return compared.pair("one", "other")


def _sample(label: str, found: Sequence[tuple[Record, ExampleScores]]) -> PluginScores:
    import numpy as np

    from bench.statistics.blocks import PluginScores

    seeds = tuple(record.trial.seed for record, _ in found)
    return PluginScores(label, seeds, np.stack([scores.values for _, scores in found]))


def _with_intervals(
    label: str, spreads: Mapping[str, Spread], metric: str, found: TableComparison | None
) -> Mapping[str, Spread]:
    if found is None or label not in found.intervals:
        return spreads
    from bench.statistics.scores import SCORE_RULES

    interval, one = found.intervals[label], spreads[metric].mean
    if rule := SCORE_RULES.get(metric):
        interval = interval.within(rule.low, rule.high)
    return {
        # Other units are the metric times a factor, and so are their intervals.
        unit: replace(spread, interval=interval.scaled(spread.mean / one if one else 1.0))
        for unit, spread in spreads.items()
    }
