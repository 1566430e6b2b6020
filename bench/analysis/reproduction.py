"""Published figures beside what the suite measured: a pure function of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bench.analysis.costs import KNOWN_FORMS, shows_published
from bench.analysis.leaderboard import Leaderboard, Row, Spread, Table, records_of, spread
from bench.protocol import OK
from bench.records.record import Record

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

#: The splits of published figures, by what their names begin with; "last" is of the last epoch.
_SPLITS = {"last_val": "validation", "val": "validation", "test": "test"}
LAST = "last"
_SEEDS = {1: "one seed", 2: "two seeds"}


@dataclass(frozen=True)
class PublishedFigure:
    """One published figure, what the suite measured, and the verdict.

    ``split`` is empty where the figure is of none; ``epoch`` is "last" for a figure of the last
    epoch and else empty, for the best one. ``difference`` is measured minus published.
    ``source`` says where the figure is from, ``why`` gives the reasons that are known for the
    verdict; both may be empty.
    """

    plugin: str
    split: str
    metric: str
    published: float
    measured: Spread | None
    difference: float | None
    verdict: str
    why: str
    source: str = ""
    epoch: str = ""


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


def reproduce(
    board: Leaderboard, notes: Mapping[str, str], sources: Mapping[str, str] = MappingProxyType({})
) -> Reproduction:
    """Compare every published figure of the leaderboard with the mean over seeds.

    A figure is better or worse than published by more than ``TOLERANCE``, or than the
    standard deviation over seeds where that is larger; else it is within tolerance.

    Args:
        board: Its rows carry the published figures.
        notes: What is known of a plugin's published figures (a mistake in the listing),
            by the plugin's name.
        sources: Where a plugin's published figures are from, likewise.
    """
    comparisons = []
    left_out = []
    for table in board.tables:
        if not any(record.reference for record in table.records):
            continue
        why = _not_comparable(table)
        if why:
            left_out.append((table, why))
        else:
            figures = tuple(f for row in table.rows for f in _figures(table, row, notes, sources))
            comparisons.append(ReproductionTable(table, figures))
    return Reproduction(tuple(comparisons), tuple(left_out))


def _not_comparable(table: Table) -> str:
    if not shows_published(table.source, table.fingerprint):
        return "published figures are of the official data"
    if table.profile != "full":
        return "published figures are of a full training"
    return ""


def _figures(
    table: Table, row: Row, notes: Mapping[str, str], sources: Mapping[str, str]
) -> Iterator[PublishedFigure]:
    records = records_of(table, row)
    plugin = records[-1].trial.plugin
    note = notes.get(plugin, "")
    is_variant = any(record.trial.overrides for record in records)
    for key, published in row.published.items():
        if published is None:
            continue  # A record holds null for what was no finite number.
        prefix = next((each for each in _SPLITS if key.startswith(f"{each}_")), "")
        split, metric = _SPLITS.get(prefix, ""), key[len(prefix) + 1 :] if prefix else key
        epoch = LAST if prefix.startswith(LAST) else ""
        measured, reason = _measured(table, row, split, metric, epoch)
        if measured is None:
            verdict, why = NOT_MEASURED, reason or _not_measured(row)
        elif reason:
            verdict, why = NOT_JUDGED, reason
        else:
            unit = _unit(table, getattr(row, split), metric)
            verdict, why = _judged(table, measured, unit, published)
            if is_variant:
                verdict, why = NOT_JUDGED, "its hyperparameters are not the published ones"
        yield PublishedFigure(
            plugin=row.label,
            split=split,
            metric=metric,
            published=published,
            measured=measured,
            difference=None if measured is None else measured.mean - published,
            verdict=verdict,
            why="; ".join(reason for reason in (why, note) if reason),
            source=sources.get(plugin, ""),
            epoch=epoch,
        )


def _measured(
    table: Table, row: Row, split: str, metric: str, epoch: str
) -> tuple[Spread | None, str]:
    """Return what the suite measured of a figure, and why it is not to be judged, if it is not."""
    if epoch:
        return _last(table, row, metric)
    if split:
        return getattr(row, split).get(metric), ""
    if metric == "epoch_seconds" and row.costs is not None and row.costs.epoch_seconds is not None:
        return Spread(row.costs.epoch_seconds, None, len(row.seeds)), "of another machine"
    if metric == "parameters" and row.parameters is not None:
        return Spread(row.parameters, None, len(row.seeds)), "Keras 3 counts its own cells"
    return None, ""


def _last(table: Table, row: Row, metric: str) -> tuple[Spread | None, str]:
    """Return a validation metric of the last epoch, of seeds that were trained for all epochs."""
    factor = _unit(table, row.validation, metric) if metric in row.validation else 1.0
    good = [record for record in records_of(table, row) if record.status == OK]
    ended = [found for record in good if (found := _last_epoch(record, table.metric)) is not None]
    if len(ended) < len(good):
        return None, "its training stopped before the last epoch; --set patience=none trains on"
    return spread([factor * value for value in ended]), ""


def _last_epoch(record: Record, metric: str) -> float | None:
    curve = record.metrics.get("curves", {}).get(f"validation_{metric}", [])
    if not curve or len(curve) < record.trial.training.get("epochs", 0):
        return None
    return float(curve[-1])


def _not_measured(row: Row) -> str:
    if row.status == OK:
        return "the suite has no such figure"
    return f"{row.status}: {row.reason}" if row.reason else row.status


def _judged(table: Table, measured: Spread, unit: float, published: float) -> tuple[str, str]:
    if measured.count < LEAST_SEEDS:
        return NOT_JUDGED, f"{_SEEDS[measured.count]}, at least three are judged"
    tolerance = max(TOLERANCE * unit, measured.deviation or 0.0)
    difference = measured.mean - published
    gain = -difference if table.direction == "min" else difference
    # 0.76 - 0.75 is a little more than 0.01 in binary fractions.
    if abs(gain) <= tolerance + 1e-9:
        return WITHIN, ""
    form = KNOWN_FORMS.get(table.fingerprint, "")
    why = f"other data than published: {form}" if form else ""
    return BETTER if gain > 0 else WORSE, why


def _unit(table: Table, spreads: Mapping[str, Spread], metric: str) -> float:
    """Return how large the unit of the task's metric is in the unit of another."""
    own = spreads[table.metric].mean if table.metric in spreads else 0.0
    return spreads[metric].mean / own if own else 1.0
