"""Two sets of records side by side: each plugin's row of the one beside that of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Leaderboard, Row, Table
from bench.analysis.ranking import Evidence, paired

if TYPE_CHECKING:
    from bench.statistics.compare import Pair


@dataclass(frozen=True)
class RowChange:
    """A plugin's row of the first and of the second results, None where there is none.

    ``pair`` is the second minus the first on the same examples, None where that is not known.
    """

    label: str
    first: Row | None
    second: Row | None
    pair: Pair | None


@dataclass(frozen=True)
class TableChange:
    """Two tables of the same task, data and profile, and their rows in the order of the second."""

    first: Table
    second: Table
    rows: tuple[RowChange, ...]


@dataclass(frozen=True)
class TwoResults:
    """What two results have in common, and the tables that only one of them has."""

    names: tuple[str, str]
    tables: tuple[TableChange, ...]
    alone: tuple[tuple[str, Table], ...]


def two_results(
    names: tuple[str, str], first: Leaderboard, second: Leaderboard, evidence: Evidence
) -> TwoResults:
    """Put two leaderboards side by side.

    Args:
        names: What the two are called.
        first: Judged: see ``bench.analysis.ranking.judge``.
        second: Judged.
        evidence: The scores of the records of both.
    """
    known = {_key(table): table for table in first.tables}
    tables, alone = [], []
    for table in second.tables:
        other = known.pop(_key(table), None)
        if other is None:
            alone.append((names[1], table))
        else:
            tables.append(TableChange(other, table, tuple(_rows(other, table, evidence))))
    alone += [(names[0], table) for table in known.values()]
    return TwoResults(names, tuple(tables), tuple(alone))


def _key(table: Table) -> tuple[Any, ...]:
    return (table.task, table.source, table.fingerprint, table.profile, table.scored_examples)


def _rows(first: Table, second: Table, evidence: Evidence) -> Sequence[RowChange]:
    before = {row.label: row for row in first.rows}
    after = {row.label: row for row in second.rows}
    found = []
    for label in dict.fromkeys([*after, *before]):
        one, other = before.get(label), after.get(label)
        pair = paired((second, other), (first, one), evidence) if one and other else None
        found.append(RowChange(label, one, other, pair))
    return found
