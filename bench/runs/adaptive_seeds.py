"""``run --until-separated``: further seeds, in rounds, for plugins that are not separated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.plan.plan import Planned
from bench.records.record import Record, row_label

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard, Row, Table

#: One seed tells nothing of the spread over seeds, two hardly anything.
FIRST = 3
#: An estimate of the seeds needed is itself noisy: what looks twice as far off as the limit
#: may yet come within it.
HOPE = 2.0


@dataclass(frozen=True)
class Tie:
    """Two plugins of a table that are not separated.

    ``seeds_needed`` is how many seeds each would separate them by; None if no number would,
    or if there is no telling yet.
    """

    task: str
    first: str
    second: str
    seeds_needed: int | None
    is_known: bool

    def __str__(self) -> str:
        if not self.is_known:
            needs = "one seed tells nothing of the others"
        elif self.seeds_needed is None:
            needs = "no number of seeds would: the examples leave too much noise"
        else:
            needs = f"about {self.seeds_needed:,} seeds each would separate them"
        return f"{self.task}: {self.first} and {self.second} ({needs})"


def ties(table: Table, asked: Collection[str]) -> list[Tie]:
    """Return the pairs of a table that are not separated, among the rows ``asked`` for.

    A plugin with one seed is separated from nothing: another seed might end elsewhere.
    """
    found = table.ranking.validation if table.ranking else None
    if found is None:
        return []
    labels = [
        row.label for row in table.rows if row.label in asked and row.label in found.intervals
    ]
    made = []
    for place, first in enumerate(labels):
        for second in labels[place + 1 :]:
            is_known = all(found.intervals[label].seeds > 1 for label in (first, second))
            if is_known and found.separated(first, second):
                continue
            needed = found.seeds_needed(first, second) if is_known else None
            made.append(Tie(table.task, first, second, needed, is_known))
    return made


def next_seeds(table: Table, asked: Collection[str], limit: int) -> dict[str, tuple[int, ...]]:
    """Return the seeds that the next round adds to each row; empty when it would not help.

    A round at most doubles a row's seeds. Nothing is spent on two plugins that would need
    far more seeds than the limit, nor on one whose result does not depend on its seed.

    Args:
        table: With its ranking.
        asked: Labels of the rows that may get seeds.
        limit: The most seeds of a row, those that failed included.
    """
    found = table.ranking.validation if table.ranking else None
    if found is None:
        return {}
    wanted: dict[str, int] = {}
    for tie in ties(table, asked):
        if tie.is_known and (tie.seeds_needed is None or tie.seeds_needed > HOPE * limit):
            continue
        for label in (tie.first, tie.second):
            interval = found.intervals[label]
            if interval.seed_error == 0.0:
                continue
            most = max(FIRST, 2 * interval.seeds)
            goal = FIRST if tie.seeds_needed is None else max(tie.seeds_needed, interval.seeds + 1)
            wanted[label] = max(wanted.get(label, 0), min(goal, most))
    rows = {row.label: row for row in table.rows}
    seeds = {
        label: _further(rows[label], goal - found.intervals[label].seeds, limit)
        for label, goal in wanted.items()
    }
    return {label: added for label, added in seeds.items() if added}


def _further(row: Row, count: int, limit: int) -> tuple[int, ...]:
    """Return the smallest seeds that a row has not tried, within its limit."""
    count = min(count, limit - len(row.seeds))
    free = (seed for seed in range(len(row.seeds) + max(count, 0)) if seed not in row.seeds)
    return tuple(seed for seed, _ in zip(free, range(count), strict=False))


@dataclass
class Rounds:
    """The rounds of a run: ``plan`` is what it goes through, and grows by what is added.

    ``limit`` is the most seeds a plugin gets, None for no further rounds; ``board`` judges
    all that is recorded so far; ``say`` is told what each round does.
    """

    limit: int | None
    plan: list[Planned]
    board: Callable[[], Leaderboard]
    say: Callable[[str], None]
    rounds: int = 0
    added: list[Planned] = field(default_factory=list)
    left: list[Tie] = field(default_factory=list)

    def further(self) -> list[Planned]:
        """Plan one more round, once the run has gone through its plan; empty for no more."""
        if self.limit is None:
            return []
        planned = {each.trial.identity: each for each in self.plan}
        more: list[Planned] = []
        self.left = []
        for table in self.board().tables:
            rows = _rows_of(table, planned)
            self.left += ties(table, rows)
            for label, seeds in next_seeds(table, rows, self.limit).items():
                more += [_with_seed(rows[label], seed) for seed in seeds]
        if more:
            self.rounds += 1
            plugins = len({each.plugin.name for each in more})
            self.say(
                f"round {self.rounds}: {_count(len(self.left), 'pair')} not separated; "
                f"{_count(len(more), 'further trial')} of {_count(plugins, 'plugin')}"
            )
        self.plan += more
        self.added += more
        return more

    def spent(self, records: Sequence[Record]) -> list[str]:
        """Return the lines that say what was spent, and what is still tied; none if not asked.

        Args:
            records: All that the run has left.
        """
        if self.limit is None:
            return []
        from bench.formatting import duration

        added = {each.trial.identity for each in self.added}
        seconds = sum(r.timing.get("total") or 0.0 for r in records if r.identity in added)
        spent = (
            f"{_count(self.rounds, 'further round')}: {_count(len(self.added), 'trial')} "
            f"in {duration(seconds)}"
        )
        if not self.left:
            return [f"{spent}; every pair is separated"]
        lines = [f"{spent}; not separated with up to {_count(self.limit, 'seed')} a plugin:"]
        return lines + [f"  {tie}" for tie in self.left]


def _rows_of(table: Table, planned: Mapping[str, Planned]) -> dict[str, Planned]:
    """Return the rows that belong to the run, each with one of its trials."""
    return {
        row_label(record): planned[record.identity]
        for record in table.records
        if record.identity in planned
    }


def _with_seed(planned: Planned, seed: int) -> Planned:
    return Planned(replace(planned.trial, seed=seed), planned.plugin)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
