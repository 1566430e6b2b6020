"""What a user is told about a series: what was repaired, left out, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.formatting import counted
from bench.series.dialect import TEMPERATURE
from bench.series.table import Floats, Integers, SeriesTable, iso

# Values that stand for a missing one, or cannot be

# The suite's own station writes the first; weather services and loggers the others.
MISSING = -9999.0
#: What loggers and services write for a missing value, besides ``MISSING``.
MARKS = (
    -9999.9, -999.0, -999.9, -999.99, -99.0, -99.9, -99.99, -6999.0, -7999.0, -32768.0,
    999.0, 999.9, 999.99, 9999.0, 9999.9, 99999.0, 32767.0,
)  # fmt: skip

# What the air near the ground has had anywhere, with room: the records are -89 and 57 degrees.
_POSSIBLE: Mapping[str, tuple[float, float]] = {
    "p (mbar)": (300, 1100),
    TEMPERATURE: (-90, 60),
    "Tpot (K)": (180, 360),
    "Tdew (degC)": (-110, 60),
    "rh (%)": (0, 120),
    "VPmax (mbar)": (0, 250),
    "VPact (mbar)": (0, 250),
    "VPdef (mbar)": (-20, 250),
    "sh (g/kg)": (0, 100),
    "H2OC (mmol/mol)": (0, 150),
    "rho (g/m**3)": (400, 2000),
    "wv (m/s)": (0, 130),
    "max. wv (m/s)": (0, 150),
    "wd (deg)": (0, 360),
}
_SHOWN = 3  # rows that a message names
_KELVIN = 180.0  # degrees; a temperature that is mostly above is in kelvin


def read_marks(table: SeriesTable) -> tuple[Floats, list[str]]:
    """Return the values with NaN for every mark of a missing one, and what was taken for one.

    -9999 is always one. The marks of others are taken for one where the column's quantity
    is known and cannot have that value.
    """
    values = np.where(table.values == MISSING, np.nan, table.values)
    notes = []
    for column, name in enumerate(table.columns):
        low, high = _POSSIBLE.get(name, (-np.inf, np.inf))
        cells = values[:, column]
        marked = np.isin(cells, MARKS) & ((cells < low) | (cells > high))
        if marked.any():
            shown = ", ".join(f"{mark:g}" for mark in np.unique(cells[marked]))
            times = counted(int(marked.sum()), "time")
            notes.append(
                f"{shown} in column {name!r} is taken as missing ({times}, "
                f"the first at {iso(table.times[marked.argmax()])})"
            )
            values[marked, column] = np.nan
    return values, notes


def doubts(table: SeriesTable, name: str) -> list[str]:
    """Return a warning for each column with values that cannot be, or may stand for none.

    Args:
        table: Its marks of missing values are NaN.
        name: What to call the data in an error, a file's path.

    Raises:
        DataError: The temperature, which is learned, has a value that the air never has.
    """
    found = []
    for column, label in enumerate(table.columns):
        cells = table.values[:, column]
        low, high = _POSSIBLE.get(label, (-np.inf, np.inf))
        wrong = np.flatnonzero((cells < low) | (cells > high))
        if len(wrong) and label == TEMPERATURE:
            raise DataError(f"{name}: {_impossible(table, column, wrong)}")
        if len(wrong):
            found.append(
                f"column {label!r} has {counted(len(wrong), 'value')} outside {low:g} to {high:g}, "
                f"used as they are: {_rows(table, column, wrong)}"
            )
        elif label not in _POSSIBLE and len(odd := np.flatnonzero(np.isin(cells, MARKS[:3]))):
            found.append(
                f"column {label!r} has {counted(len(odd), 'value')} that may stand for a missing "
                f"one, used as they are: {_rows(table, column, odd)}"
            )
    return found


def _impossible(table: SeriesTable, column: int, wrong: npt.NDArray[np.intp]) -> str:
    low, high = _POSSIBLE[TEMPERATURE]
    kelvin = float(np.nanmedian(table.values[:, column])) > _KELVIN
    fix = (
        "they look like kelvin: subtract 273.15 from all"
        if kelvin
        else "correct them, or leave the cells empty where a value is missing"
    )
    return (
        f"column {TEMPERATURE!r} has {counted(len(wrong), 'value')} outside {low:g} to {high:g} "
        f"degrees C, which the air has nowhere: {_rows(table, column, wrong)}; {fix}"
    )


def _rows(table: SeriesTable, column: int, rows: npt.NDArray[np.intp]) -> str:
    shown = [f"{table.values[row, column]:g} at {iso(table.times[row])}" for row in rows[:_SHOWN]]
    return ", ".join(shown) + (", ..." if len(rows) > _SHOWN else "")


# Stretches that are sampled at another interval than most of a series

_STRETCH = 12  # steps of one other length that are no gaps any more


@dataclass(frozen=True)
class Stretch:
    """Rows ``first`` to ``last`` that follow one another every ``seconds``."""

    first: int
    last: int
    seconds: int


def other_sampling(times: Integers, interval: int) -> list[Stretch]:
    """Return the stretches whose interval is not that of the series."""
    steps = np.diff(times)
    starts = np.flatnonzero(np.concatenate([[True], steps[1:] != steps[:-1]]))
    ends = np.concatenate([starts[1:], [len(steps)]])
    return [
        Stretch(int(start), int(end), int(steps[start]))
        for start, end in zip(starts, ends, strict=True)
        if end - start >= _STRETCH and abs(int(steps[start]) - interval) > interval / 10
    ]


def about_sampling(times: Integers, interval: int, stretches: Sequence[Stretch]) -> list[str]:
    """Say which stretches are sampled at another interval, and that they are not used."""
    if not stretches:
        return []
    rows = sum(stretch.last - stretch.first for stretch in stretches)
    listed = [
        f"every {stretch.seconds / 60:g} minutes from {iso(times[stretch.first])} to "
        f"{iso(times[stretch.last])}"
        for stretch in stretches[:_SHOWN]
    ]
    more = ", ..." if len(stretches) > _SHOWN else ""
    return [
        f"the sampling interval changes: {rows:,} rows are not used, which come {', '.join(listed)}"
        f"{more} where most come every {interval / 60:g} minutes; resample the file to use them"
    ]


# Sentences


def about_repeats(table: SeriesTable, order: npt.NDArray[np.intp]) -> tuple[int, list[str]]:
    """Say how many rows have the time of another, and how many say something else.

    Returns their number that say something else, and at most one sentence. ``order`` sorts
    the table's rows by time, those of one time as in the file.
    """
    times, values = table.times[order], table.values[order]
    repeated = np.concatenate([[False], times[1:] == times[:-1]])
    if not repeated.any():
        return 0, []
    kept = np.maximum.accumulate(np.where(repeated, 0, np.arange(len(times))))
    same = (values == values[kept]) | (np.isnan(values) & np.isnan(values[kept]))
    conflicts = int((~same.all(axis=1)).sum())
    said = f"{conflicts:,} say something else" if conflicts else "all say the same"
    return conflicts, [
        f"left out: {counted(int(repeated.sum()), 'row')} with the time of another, which is kept "
        f"(the first at {iso(times[repeated.argmax()])}; {said})"
    ]


def about_missing(
    table: SeriesTable, no_target: npt.NDArray[np.bool_], backwards: int
) -> list[str]:
    """Say how often the file goes back in time, and which rows have no target."""
    notes = []
    if backwards:
        notes.append(f"sorted, since the rows go back in time {counted(backwards, 'time')}")
    if no_target.any():
        first = iso(table.times[no_target].min())
        number = counted(int(no_target.sum()), "row")
        notes.append(f"left out: {number} without {table.target_noun} (the first at {first})")
    return notes


def about_cells(columns: Sequence[str], filled: Integers, dropped: Sequence[str]) -> list[str]:
    """Say which columns have nothing, and in which others how many cells were filled."""
    notes = []
    if dropped:
        notes.append(f"left out: columns without any value: {', '.join(dropped)}")
    if filled.any():
        each = [
            f"{name} {number:,}" for name, number in zip(columns, filled, strict=True) if number
        ]
        more = ", ..." if len(each) > _SHOWN else ""
        notes.append(
            f"filled with the value before: {counted(int(filled.sum()), 'missing cell')} "
            f"({', '.join(each[:_SHOWN])}{more})"
        )
    return notes


def about_gaps(gaps: int, hours: float, left: Mapping[str, tuple[int, int]]) -> list[str]:
    """Say how many windows are lost at gaps; ``left`` has those used, and all, by split."""
    if all(used == whole for used, whole in left.values()):
        return []
    where = "across gaps" if gaps else "across a change of interval"
    size = f" ({counted(gaps, 'gap')}, {hours:,.10g} hours in all)" if gaps else ""
    named = {"train": "training"}
    remain = ", ".join(
        f"{used:,} of {whole:,} {named.get(part, part)}"
        for part, (used, whole) in left.items()
        if used != whole
    )
    return [f"left out: windows {where}{size}; {remain} windows remain"]


def about_split(rule: str, instants: Iterable[int]) -> str:
    """Say where the splits begin, by which rule; ``instants`` are their starts and the end."""
    first, validation, test, last = map(iso, instants)
    return (
        f"split {rule}: training from {first}, validation from {validation}, test from {test} "
        f"to {last}"
    )


def about_constant(columns: Sequence[str], constant: npt.NDArray[np.bool_]) -> list[str]:
    """Say which columns have one value throughout training."""
    names = [name for name, same in zip(columns, constant, strict=True) if same]
    return [f"the same in every training row: {', '.join(names)}"] if names else []
