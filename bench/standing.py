"""Intervals and ranks: what the scores of single examples allow a leaderboard to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.evidence import Evidence, Scores, key_of
from bench.leaderboard import Leaderboard, Row, Spread, Table, records_of
from bench.protocol import OK
from bench.records.record import Record

if TYPE_CHECKING:
    from bench.statistics.compare import Comparison, Sample


@dataclass(frozen=True)
class Standing:
    """The comparison of a table's plugins on each split, and the rows that it leaves out.

    ``unranked`` are labels of rows that are ok, but of which the scores of the validation
    examples are not known: records of the first schemas did not keep them. ``problem`` says
    why a split with scores could not be compared, "" if it was.
    """

    validation: Comparison | None
    test: Comparison | None
    unranked: tuple[str, ...]
    problem: str = ""


def judge(board: Leaderboard, evidence: Evidence) -> Leaderboard:
    """Give the figures of a leaderboard their intervals, and its rows their ranks.

    Plugins are ranked by what they have in common: the validation examples. The test split
    is judged beside it and ranks nothing. The order of the rows stays as it is.
    """
    return replace(board, tables=tuple(_judged(table, evidence) for table in board.tables))


def _judged(table: Table, evidence: Evidence) -> Table:
    found: dict[str, Comparison | None] = {}
    problems = []
    for split in ("validation", "test"):
        try:
            found[split] = _compare(table, split, evidence)
        except BenchError as error:
            found[split] = None
            problems.append(f"{split}: {error}")
    validation, test = found["validation"], found["test"]
    rows = []
    for row in table.rows:
        row = replace(
            row,
            validation=_with_intervals(row.label, row.validation, table.metric, validation),
            test=_with_intervals(row.label, row.test, table.metric, test),
        )
        if validation is not None and row.label in validation.ranks:
            is_best = row.label in validation.best and len(validation.ranks) > 1
            row = replace(row, rank=validation.ranks[row.label], is_best=is_best)
        rows.append(row)
    unranked = tuple(
        row.label for row in rows if row.rank is None and table.metric in row.validation
    )
    standing = Standing(validation, test, () if problems else unranked, "; ".join(problems))
    return replace(table, rows=tuple(rows), standing=standing)


def _compare(table: Table, split: str, evidence: Evidence) -> Comparison | None:
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
    return compare(samples, groups, table.direction)


def _of_row(table: Table, row: Row, split: str, evidence: Evidence) -> list[tuple[Record, Scores]]:
    """Return the scores of a row's seeds; nothing unless they are known of every one."""
    records = [record for record in records_of(table, row) if record.status == OK]
    found = [(record, evidence.get(key_of(record), {}).get(split)) for record in records]
    known = [(record, scores) for record, scores in found if scores is not None]
    return known if len(known) == len(records) else []


def _sample(label: str, found: Sequence[tuple[Record, Scores]]) -> Sample:
    import numpy as np

    from bench.statistics.compare import Sample

    seeds = tuple(record.trial.seed for record, _ in found)
    return Sample(label, seeds, np.stack([scores.values for _, scores in found]))


def _with_intervals(
    label: str, spreads: Mapping[str, Spread], metric: str, found: Comparison | None
) -> Mapping[str, Spread]:
    if found is None or label not in found.intervals:
        return spreads
    interval, one = found.intervals[label], spreads[metric].mean
    return {
        # Other units are the metric times a factor, and so are their intervals.
        unit: replace(spread, interval=interval.scaled(spread.mean / one if one else 1.0))
        for unit, spread in spreads.items()
    }
