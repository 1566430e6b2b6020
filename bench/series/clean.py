"""From the rows a station wrote to rows a forecaster can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.series.table import TEMPERATURE, Floats, Table

MISSING = -9999.0


@dataclass(frozen=True)
class Repairs:
    """What was done to a table before it was used, for the record."""

    duplicates: int = 0
    out_of_order: int = 0
    rows_without_temperature: int = 0
    filled_cells: int = 0
    dropped_columns: tuple[str, ...] = ()


def clean(table: Table, name: str, as_published: bool = False) -> tuple[Table, Repairs]:
    """Order the rows, drop what cannot be used, and fill the cells that are missing.

    - Rows are sorted by time: exports joined in the wrong order mean the same as in the
      right one. Of rows with one time stamp the first in the file stays.
    - A row without a temperature is dropped, and so becomes a gap: a target is never made up.
    - Another missing cell (empty or -9999) takes the value before it, which is what a
      forecaster would have known; before the first value, that first value.
    - A column without any value is dropped.

    With ``as_published`` every row stays where it is, since the published split counts rows.

    Args:
        table: Rows as read.
        name: What to call the data in an error, a file's path.
        as_published: Keep the rows as they are and fill cells only.

    Raises:
        DataError: No row has a temperature.
    """
    values = np.where(table.values == MISSING, np.nan, table.values)
    missing = np.isnan(values)
    if missing[:, table.target].all():
        raise DataError(f"{name}: column {TEMPERATURE!r} has no value; export the temperatures too")
    if as_published:
        rows, counts = np.arange(len(table)), (0, 0, 0)
    else:
        rows, counts = _usable_rows(table, missing[:, table.target])
    present = np.flatnonzero(~missing[rows].all(axis=0))
    kept = missing[np.ix_(rows, present)]
    filled = Table(
        table.times[rows],
        tuple(table.columns[column] for column in present),
        _fill(values[np.ix_(rows, present)], kept),
    )
    dropped = tuple(name for name in table.columns if name not in filled.columns)
    return filled, Repairs(*counts, filled_cells=int(kept.sum()), dropped_columns=dropped)


def _usable_rows(
    table: Table, no_temperature: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], tuple[int, int, int]]:
    order = np.argsort(table.times, kind="stable")
    times = table.times[order]
    repeated = np.concatenate([[False], times[1:] == times[:-1]])
    backwards = int((np.diff(table.times) < 0).sum())
    unusable = no_temperature[order] & ~repeated
    return order[~repeated & ~unusable], (int(repeated.sum()), backwards, int(unusable.sum()))


def _fill(values: Floats, missing: npt.NDArray[np.bool_]) -> Floats:
    if not missing.any():
        return values
    rows = np.arange(len(values))[:, None]
    latest = np.maximum.accumulate(np.where(missing, 0, rows), axis=0)
    earliest = np.argmin(missing, axis=0)
    return np.take_along_axis(values, np.maximum(latest, earliest), axis=0)
