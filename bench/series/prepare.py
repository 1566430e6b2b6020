"""From a table to the arrays that trials map into memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.series.clean import Repairs, clean
from bench.series.split import (
    DAY,
    DELAY,
    LOOKBACK,
    Boundaries,
    RowNumbers,
    Span,
    Split,
    find_breaks,
    rows_needed,
    split_rows,
    without_gaps,
)
from bench.series.table import Floats, Table, iso
from bench.task import Array, Prepared

REFERENCE = Boundaries()


def prepare(table: Table, name: str, as_published: bool, where: Boundaries = REFERENCE) -> Prepared:
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
    mean, std = _moments(table.values[: split.validation])
    standardised = ((table.values - mean) / std).astype(np.float32)
    arrays: dict[str, Array] = {
        "times": table.times,
        "values": table.values.astype(np.float32),
        "standardised": standardised,
    }
    for part, rows in examples.items():
        targets = rows + span.delay
        arrays[f"rows_{part}"] = rows
        arrays[f"targets_{part}"] = standardised[targets, table.target]
        arrays[f"groups_{part}"] = (table.times[targets] // DAY).astype(np.int32)
    meta = {
        **_describe(table, split, interval),
        "mean": float(mean[table.target]),
        "std": float(std[table.target]),
        "gaps": int((lost > 0).sum()),
        "gap_hours": round(float(lost[lost > 0].sum()) / 3600, 2),
        "gaps_kept": as_published,
        **_counts(published, examples),
        **_repairs(repairs),
    }
    return Prepared(arrays, meta)


def _describe(table: Table, split: Split, interval: int) -> dict[str, Any]:
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


def _interval(table: Table, name: str) -> int:
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


def _moments(training: Floats) -> tuple[Floats, Floats]:
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


def _counts(
    published: Mapping[str, RowNumbers], examples: Mapping[str, RowNumbers]
) -> dict[str, Any]:
    return {
        "examples": {part: len(rows) for part, rows in examples.items()},
        "dropped_at_gaps": {part: len(published[part]) - len(examples[part]) for part in examples},
    }


def _repairs(repairs: Repairs) -> dict[str, Any]:
    return {**asdict(repairs), "dropped_columns": list(repairs.dropped_columns)}
