"""From a table to the arrays that trials map into memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.series import remarks
from bench.series.dialect import TEMPERATURE
from bench.series.table import Floats, Integers, SeriesTable, iso
from bench.task import Array, Prepared

# Which rows of a series are examples, and of which split


DAY = 86_400
LOOKBACK = 10 * DAY  # seconds before a row that an example may look at, whatever its view
DELAY = DAY  # seconds from a row to its target
SPLITS = ("train", "validation", "test")

RowNumbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Boundaries:
    """Where validation and test begin in the reference series, and when that was.

    ``instants`` are the times of these rows, in seconds, read off every sixth row of the
    reference series: row 199,998 is 2012-10-20 21:30 and row 300,000 is 2014-09-15 08:50.
    """

    validation: int = 200_000
    test: int = 300_000
    rows: int = 420_551
    instants: tuple[int, int] = (1_350_769_800, 1_410_771_000)


@dataclass(frozen=True)
class Span:
    """How many rows of a series an example needs before its row and after it."""

    lookback: int
    delay: int


@dataclass(frozen=True)
class Split:
    """The first row of validation and of test, and the rule that put them there."""

    validation: int
    test: int
    rule: str

    def limits(self, span: Span, rows: int) -> dict[str, tuple[int, int]]:
        """Return first and one past the last row of each split's examples, as published.

        Targets of the last training and validation rows reach a delay into the next split.
        """
        return {
            "train": (span.lookback, self.validation),
            "validation": (self.validation + 1 + span.lookback, self.test),
            "test": (self.test + 1 + span.lookback, rows - span.delay - 1),
        }

    def is_whole(self, span: Span, rows: int) -> bool:
        """Tell whether every split has an example."""
        return all(first < end for first, end in self.limits(span, rows).values())

    def examples(self, span: Span, rows: int) -> dict[str, RowNumbers]:
        """Return the rows of each split of a series of so many rows."""
        return {
            name: np.arange(first, end, dtype=np.int32)
            for name, (first, end) in self.limits(span, rows).items()
        }


def split_rows(times: Integers, span: Span, where: Boundaries, as_published: bool) -> Split:
    """Decide where validation and test begin.

    The reference file is split by row numbers. Another series is split at the same instants
    if every split then has examples, else at the same proportions of its rows.
    """
    if as_published:
        return Split(where.validation, where.test, "rows")
    validation, test = (int(row) for row in np.searchsorted(times, where.instants))
    at_instants = Split(validation, test, "instants")
    if at_instants.is_whole(span, len(times)):
        return at_instants
    return _in_proportion(len(times), where)


def rows_needed(span: Span, where: Boundaries) -> int:
    """Return the number of rows without a gap from which a split in proportion is possible."""
    rows = span.lookback * where.rows // (where.test - where.validation)
    while not _in_proportion(rows, where).is_whole(span, rows):
        rows += 1
    return rows


def without_gaps(rows: RowNumbers, breaks: Integers, span: Span) -> RowNumbers:
    """Keep the rows whose inputs and target lie on one side of every break.

    Args:
        rows: Row numbers, shape (n,).
        breaks: Row numbers that do not follow their predecessor in time, sorted.
        span: What an example reaches, whatever its view, so that views share examples.
    """
    before = np.searchsorted(breaks, rows - span.lookback, side="right")
    after = np.searchsorted(breaks, rows + span.delay, side="right")
    return np.asarray(rows[before == after], dtype=np.int32)


def find_breaks(times: Integers, interval: int) -> tuple[Integers, Floats]:
    """Return the rows that do not follow their predecessor, and the seconds lost before each.

    A tenth of the interval is allowed for a clock that is not exact.
    """
    excess = np.diff(times) - interval
    broken = np.flatnonzero(np.abs(excess) > interval / 10)
    return broken + 1, excess[broken].astype(np.float64)


def _in_proportion(rows: int, where: Boundaries) -> Split:
    return Split(
        rows * where.validation // where.rows, rows * where.test // where.rows, "proportions"
    )


REFERENCE = Boundaries()


def prepare(
    table: SeriesTable, name: str, as_published: bool, where: Boundaries = REFERENCE
) -> Prepared:
    """Clean, split and standardise a series.

    The arrays are ``times`` (rows,) int64 in seconds; ``values`` and ``standardised``
    (rows, columns) float32; and for each split ``rows_<split>`` int32, the row numbers of its
    examples, ``targets_<split>`` float32, the standardised temperature a day after each, and
    ``groups_<split>`` int32, the day of each target. Means and standard deviations are those
    of the rows before validation.

    Args:
        table: Rows as read.
        name: What to call the data in an error, a file's path.
        as_published: Keep every row and window, gaps or not, and split by row numbers.
        where: Where the reference series is split.

    Raises:
        DataError: The series is too short, too broken by gaps, or sampled at an interval
            that does not divide a day.
    """
    table, repairs = clean(table, name, as_published)
    doubtful = [] if as_published else remarks.doubts(table, name)
    interval = _interval(table, name)
    span = Span(LOOKBACK // interval, DELAY // interval)
    split = split_rows(table.times, span, where, as_published)
    if not split.is_whole(span, len(table)):
        raise DataError(
            f"{name}: has {len(table):,} usable rows, too few to split; at one every "
            f"{interval / 60:g} minutes give at least {rows_needed(span, where):,}"
        )
    published = split.examples(span, len(table))
    breaks, lost = find_breaks(table.times, interval)
    examples = published
    if not as_published:
        examples = {part: without_gaps(rows, breaks, span) for part, rows in published.items()}
        _check_not_broken(examples, name, len(breaks))
        check_not_constant(table, examples, span.delay, name)
    mean, std = moments(table.values[: split.validation])
    meta = {
        **_describe(table, split, interval),
        "mean": float(mean[table.target]),
        "std": float(std[table.target]),
        "gaps": int((lost > 0).sum()),
        "gap_hours": round(float(lost[lost > 0].sum()) / 3600, 2),
        "gaps_kept": as_published,
        **counts(published, examples),
        **described_repairs(repairs),
    }
    further = [] if as_published else [*doubtful, *_notes(table, split, interval, meta)]
    arrays = arrays_of(table, (mean, std), examples, span.delay, days_of(table))
    return Prepared(arrays, {**meta, "notes": [*table.notes, *further]})


def arrays_of(
    table: SeriesTable,
    scales: tuple[Floats, Floats],
    examples: Mapping[str, RowNumbers],
    delay: int,
    groups: Array,
    horizon: int = 1,
) -> dict[str, Array]:
    """Return the arrays of a series that trials map; see ``prepare`` for their names.

    Targets are of shape (n,), or, of several steps and columns, (n, steps x columns), those of
    one step beside each other.

    Args:
        table: Its rows.
        scales: What is taken from each column, and what it is then divided by.
        examples: The rows of each split's examples.
        delay: From such a row to its first target.
        groups: What each row is a part of, as a target; shape (rows,).
        horizon: How many rows are targets of one example.
    """
    standardised = ((table.values - scales[0]) / scales[1]).astype(np.float32)
    arrays: dict[str, Array] = {
        "times": table.times,
        "values": table.values.astype(np.float32),
        "standardised": standardised,
    }
    predicted = standardised[:, table.target_columns]
    for part, rows in examples.items():
        first = rows + delay
        steps = first[:, None] + np.arange(horizon)
        targets = predicted[steps].reshape(len(rows), -1)
        arrays[f"rows_{part}"] = rows
        arrays[f"targets_{part}"] = targets[:, 0] if targets.shape[1] == 1 else targets
        arrays[f"groups_{part}"] = groups[first].astype(np.int32)
    return arrays


def days_of(table: SeriesTable) -> Integers:
    """Return the day of each row, counted from 1970; shape (rows,)."""
    return np.asarray(table.times // DAY, dtype=np.int64)


_RULES = {"instants": "at the published dates", "proportions": "in the published proportions"}


def _notes(table: SeriesTable, split: Split, interval: int, meta: Mapping[str, Any]) -> list[str]:
    """Say in sentences how a series that is not the published one is used."""
    stretches = remarks.other_sampling(table.times, interval)
    breaks, lost = find_breaks(table.times, interval)
    for stretch in stretches:
        lost = np.where((breaks > stretch.first) & (breaks <= stretch.last), 0.0, lost)
    left = {
        part: (used, used + meta["dropped_at_gaps"][part])
        for part, used in meta["examples"].items()
    }
    training = table.values[: split.validation]
    starts = [0, split.validation, split.test, len(table) - 1]
    hours = round(float(lost[lost > 0].sum()) / 3600, 2)
    return [
        *remarks.about_constant(table.columns, training.min(axis=0) == training.max(axis=0)),
        *remarks.about_sampling(table.times, interval, stretches),
        *remarks.about_gaps(int((lost > 0).sum()), hours, left),
        remarks.about_split(_RULES[split.rule], table.times[starts]),
    ]


def _describe(table: SeriesTable, split: Split, interval: int) -> dict[str, Any]:
    return {
        "columns": list(table.columns),
        "target_column": table.target,
        "interval_seconds": interval,
        "rows": len(table),
        "first": iso(table.times[0]),
        "last": iso(table.times[-1]),
        "split_rule": split.rule,
        "validation_from": iso(table.times[split.validation]),
        "test_from": iso(table.times[split.test]),
        "training_rows": split.validation,
        "validation_rows": split.test - split.validation,
        "test_rows": len(table) - split.test,
    }


def _interval(table: SeriesTable, name: str) -> int:
    if len(table) < 2:
        raise DataError(
            f"{name}: has {len(table)} usable rows, too few to tell the sampling interval; "
            f"give at least {rows_needed(Span(LOOKBACK // 600, DELAY // 600), REFERENCE):,} "
            "at one every 10 minutes"
        )
    interval = int(np.median(np.diff(table.times)))
    if interval < 1 or DAY % interval:
        raise DataError(
            f"{name}: is sampled every {interval} seconds, which does not divide a day; "
            "resample it to 10 minutes or an hour"
        )
    return interval


def _check_not_broken(examples: Mapping[str, RowNumbers], name: str, breaks: int) -> None:
    for part, rows in examples.items():
        if not len(rows):
            raise DataError(
                f"{name}: its {breaks} gaps leave no {part} example, which takes "
                f"{(LOOKBACK + DELAY) // DAY} days without one; give a longer series"
            )


def check_not_constant(
    table: SeriesTable, examples: Mapping[str, RowNumbers], delay: int, name: str
) -> None:
    """Refuse a target that never changes: every model would be right, or none be judged.

    Args:
        table: The series.
        examples: The rows of each split's examples.
        delay: From such a row to its first target.
        name: What to call the data in an error, a file's path.

    Raises:
        DataError: A target has one value in all examples of a split.
    """
    for part, rows in examples.items():
        for column, label in zip(table.target_columns, table.targets, strict=True):
            targets = table.values[rows + delay, column]
            if len(targets) > 1 and targets.min() == targets.max():
                first, last = iso(table.times[rows[0] + delay]), iso(table.times[rows[-1] + delay])
                changes = "temperature" if label == TEMPERATURE else "target"
                raise DataError(
                    f"{name}: column {label!r} is {targets[0]:g} in every {part} example, from "
                    f"{first} to {last}; give a series whose {changes} changes"
                )


def moments(training: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column, 1 where a column does not vary.

    Sums are exact (``math.fsum``): numpy's own depend in their last bits on the machine, and
    the made series must be standardised to the same bytes everywhere.
    """
    count = len(training)
    mean = np.array([math.fsum(column.tolist()) / count for column in training.T])
    squares = (training - mean) ** 2
    std = np.sqrt([math.fsum(column.tolist()) / count for column in squares.T])
    constant = training.min(axis=0) == training.max(axis=0)
    return mean, np.where(constant, 1.0, std)


def counts(
    published: Mapping[str, RowNumbers], examples: Mapping[str, RowNumbers]
) -> dict[str, Any]:
    """Return what a description says of how many examples there are, and were without gaps."""
    return {
        "examples": {part: len(rows) for part, rows in examples.items()},
        "dropped_at_gaps": {part: len(published[part]) - len(examples[part]) for part in examples},
    }


def described_repairs(repairs: Repairs) -> dict[str, Any]:
    """Return what a description says of what was done to a table."""
    return {**asdict(repairs), "dropped_columns": list(repairs.dropped_columns)}


# From the rows a station wrote to rows a forecaster can use


@dataclass(frozen=True)
class Repairs:
    """What was done to a table before it was used, for the record."""

    duplicates: int = 0
    conflicting_duplicates: int = 0
    out_of_order: int = 0
    rows_without_temperature: int = 0
    filled_cells: int = 0
    dropped_columns: tuple[str, ...] = ()


def clean(
    table: SeriesTable, name: str, as_published: bool = False, is_station: bool = True
) -> tuple[SeriesTable, Repairs]:
    """Order the rows, drop what cannot be used, and fill the cells that are missing.

    - Rows are sorted by time: exports joined in the wrong order mean the same as in the
      right one. Of rows with one time stamp the first in the file stays.
    - A row without a target, the temperature, is dropped, and so becomes a gap: a target is
      never made up.
    - Another missing cell (empty, or -9999 or another mark that its column cannot have) takes
      the value before it, which is what a forecaster would have known; before the first value,
      that first value.
    - A column without any value is dropped.

    With ``as_published`` every row stays where it is, since the published split counts rows.

    Args:
        table: Rows as read.
        name: What to call the data in an error, a file's path.
        as_published: Keep the rows as they are and fill cells only.
        is_station: Whether its marks of missing values are those of weather stations; else
            they are NaN already.

    Raises:
        DataError: No row has a target.
    """
    values, notes = _known(table, as_published) if is_station else (table.values, [])
    missing = np.isnan(values)
    for column, label in zip(table.target_columns, table.targets, strict=True):
        if missing[:, column].all():
            raise DataError(f"{name}: column {label!r} has no value; export its values too")
    repairs = Repairs()
    rows = np.arange(len(table))
    if not as_published:
        rows, repairs, further = _usable_rows(replace(table, values=values))
        notes += further
    present = np.flatnonzero(~missing[rows].all(axis=0))
    kept = missing[np.ix_(rows, present)]
    columns = tuple(table.columns[column] for column in present)
    dropped = tuple(name for name in table.columns if name not in columns)
    notes += remarks.about_cells(columns, kept.sum(axis=0), dropped)
    filled = SeriesTable(
        table.times[rows],
        columns,
        _fill(values[np.ix_(rows, present)], kept),
        (*table.notes, *notes),
        table.targets,
    )
    return filled, replace(repairs, filled_cells=int(kept.sum()), dropped_columns=dropped)


def _known(table: SeriesTable, as_published: bool) -> tuple[Floats, list[str]]:
    """Return the values with NaN where one is missing; the published file has one mark."""
    if as_published:
        return np.where(table.values == remarks.MISSING, np.nan, table.values), []
    return remarks.read_marks(table)


def _usable_rows(table: SeriesTable) -> tuple[npt.NDArray[np.intp], Repairs, list[str]]:
    """Return the rows to keep in the order of time, and what was done to get them."""
    order = np.argsort(table.times, kind="stable")
    times = table.times[order]
    repeated = np.concatenate([[False], times[1:] == times[:-1]])
    backwards = int((np.diff(table.times) < 0).sum())
    targets: Floats = table.values[:, table.target_columns]
    without_target = np.asarray(np.isnan(targets).any(axis=1))
    unusable = without_target[order] & ~repeated
    conflicts, notes = remarks.about_repeats(table, order)
    without = np.zeros(len(table), dtype=bool)
    without[order[unusable]] = True
    notes += remarks.about_missing(table, without, backwards)
    repairs = Repairs(int(repeated.sum()), conflicts, backwards, int(unusable.sum()))
    return order[~repeated & ~unusable], repairs, notes


def _fill(values: Floats, missing: npt.NDArray[np.bool_]) -> Floats:
    if not missing.any():
        return values
    rows = np.arange(len(values))[:, None]
    latest = np.maximum.accumulate(np.where(missing, 0, rows), axis=0)
    earliest = np.argmin(missing, axis=0)
    return np.take_along_axis(values, np.maximum(latest, earliest), axis=0)
