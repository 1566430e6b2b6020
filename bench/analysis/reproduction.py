"""Published figures beside what the suite measured: a pure function of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.analysis.leaderboard import Leaderboard, Row, Spread, Table, records_of
from bench.protocol import OK

#: How far apart two figures of the task's own metric may be and still be called the same.
TOLERANCE = 0.010
#: With fewer, a difference may be the luck of a seed.
LEAST_SEEDS = 3

BETTER = "better"
WITHIN = "within tolerance"
WORSE = "worse"
NOT_JUDGED = "not judged"
NOT_MEASURED = "not measured"
VERDICTS = (BETTER, WITHIN, WORSE, NOT_JUDGED, NOT_MEASURED)

_SPLITS = {"val": "validation", "test": "test"}
_SEEDS = {1: "one seed", 2: "two seeds"}


@dataclass(frozen=True)
class PublishedFigure:
    """One published figure, what the suite measured, and the verdict.

    ``split`` is empty where the suite has no such figure; ``difference`` is measured minus
    published. ``why`` gives the reasons that are known for the verdict, or is empty.
    """

    plugin: str
    split: str
    metric: str
    published: float
    measured: Spread | None
    difference: float | None
    verdict: str
    why: str


@dataclass(frozen=True)
class ReproductionTable:
    """The published figures of one table, in the order of its rows."""

    table: Table
    figures: tuple[PublishedFigure, ...]


@dataclass(frozen=True)
class Reproduction:
    """All comparisons, and the tables that published figures do not speak of, with why."""

    comparisons: tuple[ReproductionTable, ...]
    left_out: tuple[tuple[Table, str], ...]


def reproduce(board: Leaderboard, notes: Mapping[str, str]) -> Reproduction:
    """Compare every published figure of the leaderboard with the mean over seeds.

    A figure is better or worse than published by more than ``TOLERANCE``, or than the
    standard deviation over seeds where that is larger; else it is within tolerance.

    Args:
        board: Its rows carry the published figures.
        notes: What is known of a plugin's published figures (a mistake in the listing),
            by the plugin's name.
    """
    comparisons = []
    left_out = []
    for table in board.tables:
        if not any(row.published for row in table.rows):
            continue
        why = _not_comparable(table)
        if why:
            left_out.append((table, why))
        else:
            figures = tuple(f for row in table.rows for f in _figures(table, row, notes))
            comparisons.append(ReproductionTable(table, figures))
    return Reproduction(tuple(comparisons), tuple(left_out))


def _not_comparable(table: Table) -> str:
    if table.source == "synthetic":
        return "published figures are of real data"
    if table.profile != "full":
        return "published figures are of a full training"
    return ""


def _figures(table: Table, row: Row, notes: Mapping[str, str]) -> Iterator[PublishedFigure]:
    records = records_of(table, row)
    note = notes.get(records[-1].trial.plugin, "")
    is_variant = any(record.trial.overrides for record in records)
    for key, published in row.published.items():
        if published is None:
            continue  # A record holds null for what was no finite number.
        prefix, _, metric = key.partition("_")
        split = _SPLITS.get(prefix, "")
        spreads = getattr(row, split) if split else {}
        measured = spreads.get(metric)
        if measured is None:
            verdict, why = NOT_MEASURED, _not_measured(row)
        else:
            verdict, why = _judged(table, spreads, metric, published)
            if is_variant:
                verdict, why = NOT_JUDGED, "its hyperparameters are not the published ones"
        yield PublishedFigure(
            plugin=row.label,
            split=split,
            metric=metric if split else key,
            published=published,
            measured=measured,
            difference=None if measured is None else measured.mean - published,
            verdict=verdict,
            why="; ".join(reason for reason in (why, note) if reason),
        )


def _not_measured(row: Row) -> str:
    if row.status == OK:
        return "the suite has no such figure"
    return f"{row.status}: {row.reason}" if row.reason else row.status


def _judged(
    table: Table, spreads: Mapping[str, Spread], metric: str, published: float
) -> tuple[str, str]:
    measured = spreads[metric]
    if measured.count < LEAST_SEEDS:
        return NOT_JUDGED, f"{_SEEDS[measured.count]}, at least three are judged"
    tolerance = max(TOLERANCE * _unit(table, spreads, metric), measured.deviation or 0.0)
    difference = measured.mean - published
    gain = -difference if table.direction == "min" else difference
    # 0.76 - 0.75 is a little more than 0.01 in binary fractions.
    if abs(gain) <= tolerance + 1e-9:
        return WITHIN, ""
    why = "" if table.source == "official" else f"other data than published ({table.source})"
    return BETTER if gain > 0 else WORSE, why


def _unit(table: Table, spreads: Mapping[str, Spread], metric: str) -> float:
    """Return how large the unit of the task's metric is in the unit of another."""
    own = spreads[table.metric].mean if table.metric in spreads else 0.0
    return spreads[metric].mean / own if own else 1.0
