"""What a campaign did and saw, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from .schedule import MOMENTS, Moment


@dataclass
class Tally:
    """Counts of a campaign; ``differences`` names what was lost, changed or left behind.

    ``kills`` are by the process that was killed and the moment; ``cases`` are folders that
    were put through faults of a kind, resumed and compared.
    """

    kills: Counter[tuple[str, Moment]] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumes: int = 0
    records: int = 0
    skipped: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        """How many kills there were."""
        return self.kills.total()


def to_markdown(tally: Tally) -> str:
    """Write the kills by target and moment, then everything else that was counted."""
    victims = sorted({victim for victim, _ in tally.kills})
    counts = [[tally.kills[victim, moment] for moment in MOMENTS] for victim in victims]
    counts.append([sum(column) for column in zip(*counts, strict=True)] or [0] * len(MOMENTS))
    rows = [[name, *row, sum(row)] for name, row in zip([*victims, "all"], counts, strict=True)]
    kills = table_of(["killed", "at a random instant", "while a file was written", "kills"], rows)
    figures = [
        *([f"folders: {kind}", count] for kind, count in tally.cases.items()),
        ["runs started", tally.runs],
        ["runs that resumed", tally.resumes],
        ["records compared, with their predictions", tally.records],
        ["differences", len(tally.differences)],
        ["minutes", round(tally.seconds / 60, 1)],
    ]
    notes = [f"Left out: {line}." for line in tally.skipped]
    return "\n\n".join([kills, table_of(["what", "figure"], figures), *notes]) + "\n"


def table_of(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a table of markdown."""
    return tabulate(rows, headers, tablefmt="github")
