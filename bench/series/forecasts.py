"""From a table and what a task of the kind series says of it to the arrays that trials map.

An example looks at ``lookback`` rows and is asked for ``horizon`` rows, the first of them
``delay`` rows after the newest that it saw. It belongs to the split that all its targets lie in;
what it looks at may reach back into the split before, as it would on the day of the forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.errors import BenchError, DataError
from bench.formatting import counted
from bench.registry.intervals import DAY, SamplingInterval, interval_of
from bench.series import remarks
from bench.series.prepare import (
    RowNumbers,
    Span,
    arrays_of,
    check_not_constant,
    clean,
    counts,
    days_of,
    described_repairs,
    find_breaks,
    moments,
    without_gaps,
)
from bench.series.table import Floats, Integers, SeriesTable, iso
from bench.task import Prepared

Limits = dict[str, tuple[int, int]]
_NAMED = {"train": "training", "validation": "validation", "test": "test"}


def prepare_forecasts(table: SeriesTable, name: str, data: Mapping[str, Any]) -> Prepared:
    """Clean, split and standardise a series.

    The arrays are ``times`` (rows,) int64 in seconds; ``values`` and ``standardised``
    (rows, columns) float32; and for each split ``rows_<split>`` int32, the row after the newest
    that an example sees, ``targets_<split>`` float32, standardised, of shape (n,) or, of several
    steps and targets, (n, steps x targets), those of one step beside each other, and
    ``groups_<split>`` int32, the day of the first target or its row. Means and standard
    deviations are those of the rows before validation alone.

    Args:
        table: Rows as read.
        name: What to call the data in an error, a file's path.
        data: DATA of the task, defaults filled in.

    Raises:
        DataError: The series is too short, too broken by gaps, or sampled otherwise than said.
    """
    table, repairs = clean(table, name, is_station=False)
    interval = _interval(table.times, name, data["interval"])
    clock = ticks(table.times, interval)
    breaks, lost = find_breaks(clock, interval.mean_seconds)
    span = Span(data["lookback"], data["delay"] + data["horizon"] - 2)
    limits, rule = _limits(table.times, name, data["split"])
    whole = _examples(limits, span, data["delay"], name, data)
    examples = {part: without_gaps(rows, breaks, span) for part, rows in whole.items()}
    _check_not_broken(examples, name, len(breaks), interval)
    check_not_constant(table, examples, data["delay"] - 1, name)
    training = table.values[: limits["train"][1]]
    season, said = _season(data, interval), described_repairs(repairs)
    mean, std = _scales(table, training, data["metric"], season)
    groups = days_of(table) if interval.groups == "days" else np.arange(len(table))
    delay, horizon = data["delay"] - 1, data["horizon"]
    arrays = arrays_of(table, (mean, std), examples, delay, groups, horizon)
    meta = {
        **_described(table, limits, interval),
        "targets": list(table.targets),
        "target_columns": table.target_columns,
        "inputs": _inputs(table, data["inputs"]),
        "mean": [float(mean[column]) for column in table.target_columns],
        "std": [float(std[column]) for column in table.target_columns],
        "season": season,
        "gaps": int((lost > 0).sum()),
        **counts(whole, examples),
        **{name.replace("temperature", "target"): fact for name, fact in said.items()},
    }
    return Prepared(arrays, {**meta, "notes": [*table.notes, *_notes(table, clock, meta, rule)]})


def ticks(times: Integers, interval: SamplingInterval) -> Integers:
    """Return times in which rows that follow one another are a mean interval apart.

    Months are counted by the calendar, whichever of their days the times name.
    """
    if interval.is_row:
        return np.arange(len(times), dtype=np.int64)
    if not interval.months:
        return times
    months = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // interval.months * interval.mean_seconds, dtype=np.int64)


#: The days that may lie between rows of so many months.
_DAYS_OF_MONTHS = {1: (28, 31), 3: (90, 92), 12: (365, 366)}


def found_interval(times: Integers) -> SamplingInterval | None:
    """Return how far most rows lie apart, by the calendar where that fits; None for no time.

    Args:
        times: In order, none twice; at least two.
    """
    middle = int(np.median(np.diff(times)))
    for months, (least, most) in _DAYS_OF_MONTHS.items():
        if least * DAY <= middle <= most * DAY:
            return SamplingInterval(months=months)
    return SamplingInterval(seconds=middle) if middle else None


def _interval(times: Integers, name: str, said: str | None) -> SamplingInterval:
    if len(times) < 2:
        raise DataError(f"{name}: has {counted(len(times), 'usable row')}; a series has more")
    if said is not None and interval_of(said).is_row:
        return SamplingInterval()
    found = found_interval(times)
    if found is None:
        raise DataError(f"{name}: has several rows a second; sum them up to one an interval")
    if said is None:
        return found
    declared = interval_of(said)
    steps = np.diff(ticks(times, declared)) - declared.mean_seconds
    if abs(int(np.median(steps))) > declared.mean_seconds / 10:
        raise DataError(
            f"{name}: has a row every {found.told}, and the task says 'interval': {said!r}; "
            "correct it there, or resample the file"
        )
    return declared


def _limits(times: Integers, name: str, split: Mapping[str, Any]) -> tuple[Limits, str]:
    """Return the first and one past the last row of each split, and the rule in words."""
    if "train" in split:
        # Rounded first: seven tenths and one are a little less than eight.
        ends = (split["train"], split["train"] + split["validation"])
        train, validation = (int(round(len(times) * end, 6)) for end in ends)
        rule = "by shares of the rows"
    else:
        instants = [_seconds(split[key], key) for key in ("validation_from", "test_from")]
        train, validation = (int(row) for row in np.searchsorted(times, instants))
        rule = "at the dates said"
    if not 0 < train < validation < len(times):
        raise DataError(
            f"{name}: its rows from {iso(times[0])} to {iso(times[-1])} leave a split without any; "
            "change 'split', or give more rows"
        )
    return {
        "train": (0, train),
        "validation": (train, validation),
        "test": (validation, len(times)),
    }, rule


def _seconds(text: str, key: str) -> int:
    try:
        return int(np.datetime64(text, "s").astype(np.int64))
    except ValueError as error:
        raise BenchError(f"split {key!r}: {text!r} is no date; write '2020-01-31'") from error


def _examples(
    limits: Limits, span: Span, delay: int, name: str, data: Mapping[str, Any]
) -> dict[str, RowNumbers]:
    """Return the rows of the examples of each split whose targets all lie in it."""
    found = {}
    for part, (start, end) in limits.items():
        first, last = max(span.lookback, start + 1 - delay), end - span.delay - 1
        if first > last:
            wanted = span.lookback + span.delay + 1 if part == "train" else span.delay + 2 - delay
            raise DataError(
                f"{name}: has {counted(end - start, 'row')} for {_NAMED[part]}, too few for one "
                f"example, which takes {max(wanted, 1)} (lookback {data['lookback']}, delay "
                f"{delay}, horizon {data['horizon']}); lower these, change 'split', or give more "
                "rows"
            )
        found[part] = np.arange(first, last + 1, dtype=np.int32)
    return found


def _check_not_broken(
    examples: Mapping[str, RowNumbers], name: str, breaks: int, interval: SamplingInterval
) -> None:
    for part, rows in examples.items():
        if not len(rows):
            raise DataError(
                f"{name}: its {counted(breaks, 'gap')} in rows every {interval.told} leave no "
                f"{_NAMED[part]} example; lower 'lookback', or write 'interval': 'row' if a row "
                "follows the other whatever time lies between them"
            )


def _inputs(table: SeriesTable, said: Sequence[str] | None) -> list[int]:
    names = table.columns if said is None else said
    return [table.columns.index(name) for name in names if name in table.columns]


def _season(data: Mapping[str, Any], interval: SamplingInterval) -> int | None:
    season: int | None = data["season"]
    return interval.season if season is None else season


def _scales(
    table: SeriesTable, training: Floats, metric: str, season: int | None
) -> tuple[Floats, Floats]:
    """Return what is taken from each column, and what it is then divided by.

    That is the mean and the standard deviation of the training rows. Targets are in the unit in
    which they are scored: for MASE they are divided by the mean absolute error of the seasonal
    naive forecast on the training rows (Hyndman and Koehler 2006, "Another look at measures of
    forecast accuracy"; without a season, or within the first, of the naive one), and for sMAPE,
    which a shift would change, nothing is taken from them.
    """
    mean, std = moments(training)
    targets = table.target_columns
    if metric == "smape":
        mean[targets] = 0.0
    if metric == "mase":
        apart = season if season and season < len(training) else 1
        errors = np.abs(training[apart:] - training[:-apart]).mean(axis=0)
        std[targets] = np.where(errors > 0, errors, std)[targets]
    return mean, std


def _described(table: SeriesTable, limits: Limits, interval: SamplingInterval) -> dict[str, Any]:
    validation, test = limits["validation"][0], limits["test"][0]
    return {
        "columns": list(table.columns),
        "interval": str(interval),
        "interval_seconds": interval.mean_seconds,
        "rows": len(table),
        "first": iso(table.times[0]),
        "last": iso(table.times[-1]),
        "validation_from": iso(table.times[validation]),
        "test_from": iso(table.times[test]),
        "training_rows": validation,
        "validation_rows": test - validation,
        "test_rows": len(table) - test,
    }


def _notes(table: SeriesTable, clock: Integers, meta: Mapping[str, Any], rule: str) -> list[str]:
    """Say in sentences how a series is used."""
    seconds = meta["interval_seconds"]
    _, lost = find_breaks(clock, seconds)
    left = {
        part: (used, used + meta["dropped_at_gaps"][part])
        for part, used in meta["examples"].items()
    }
    training = table.values[: meta["training_rows"]]
    starts = [0, meta["training_rows"], len(table) - meta["test_rows"], len(table) - 1]
    hours = round(float(lost[lost > 0].sum()) / 3600, 2)
    return [
        *remarks.about_constant(table.columns, training.min(axis=0) == training.max(axis=0)),
        *remarks.about_gaps(meta["gaps"], hours, left),
        remarks.about_split(rule, table.times[starts]),
    ]
