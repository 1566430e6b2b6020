"""Read a series from a Parquet file, as ``bench.series.csv_file`` reads one from a CSV file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import DataError
from bench.formatting import nearest, one_line
from bench.series.csv_file import read_table
from bench.series.dialect import Declared
from bench.series.table import LARGEST_NUMBER, Floats, Integers, SeriesTable

if TYPE_CHECKING:
    import pandas as pd

_MARK = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Tell whether a file is a Parquet file, by its first bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MARK)) == _MARK
    except OSError:
        return False


def read_parquet(path: Path, declared: Declared) -> SeriesTable:
    """Read one Parquet file; its time may be the index of the data frame that was written.

    Raises:
        DataError: The file is damaged, or lacks a column that it has to have; pyarrow is
            missing; a time is none, or a column that is needed has no numbers.
    """
    frame = frame_of(path)
    given = [str(name) for name in frame.columns]
    for name in (declared.time, *declared.needed):
        if name not in given:
            hint = nearest(name, given)
            raise DataError(f"{path}: has no column {name!r}{hint}; there are: {', '.join(given)}")
    wanted = given if declared.inputs is None else declared.needed
    columns, values, notes = [], [], []
    for name in [name for name in given if name in wanted and name != declared.time]:
        numbers = _numbers(frame[name])
        if numbers is not None:
            columns.append(name)
            values.append(numbers)
        elif name in declared.needed:
            raise DataError(f"{path}: column {name!r} has {frame[name].dtype}, and no numbers")
        else:
            notes.append(f"left out: column {name!r}, which has no numbers")
    times = _times(frame[declared.time], declared, path)
    table = np.stack(values, axis=1)
    beyond = np.argwhere(np.abs(table) > LARGEST_NUMBER)
    if len(beyond):
        row, column = beyond[0]
        raise DataError(
            f"{path}: row {row + 1}: {columns[column]} is {table[row, column]:g}, too large to "
            "compute with; fix it"
        )
    return SeriesTable(times, tuple(columns), table, tuple(notes), declared.targets)


def read_file(path: Path, declared: Declared) -> SeriesTable:
    """Read a Parquet file, or a CSV file as ``bench.series.csv_file.read_table`` does.

    Raises:
        DataError: As either does.
    """
    return (read_parquet if is_parquet(path) else read_table)(path, declared)


def frame_of(path: Path) -> pd.DataFrame:
    """Return a Parquet file as a data frame, an index with a name as a column of it.

    Raises:
        DataError: pyarrow is missing, or the file damaged.
    """
    import pandas as pd

    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            f"{path}: is a Parquet file, and pyarrow is not installed; install it with "
            '`pip install "keras-sequence-bench[parquet]"`, or export the file as CSV'
        )
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        shown = one_line(str(error), 200)
        raise DataError(f"{path}: is no whole Parquet file ({shown}); export it again") from error
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(level=named) if named else frame


def _numbers(cells: pd.Series[Any]) -> Floats | None:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(cells.dtype):
        return None
    return np.asarray(cells.astype("float64"), dtype=np.float64)


def _times(cells: pd.Series[Any], declared: Declared, path: Path) -> Integers:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        parsed = cells.dt.tz_convert(None) if cells.dt.tz is not None else cells
    else:
        layout = None if declared.layout is None else declared.layout.format
        text = cells.astype(str).str.strip()
        parsed = pd.to_datetime(text, format=layout or "ISO8601", errors="coerce", utc=True)
        parsed = parsed.dt.tz_localize(None)
    wrong = np.flatnonzero(parsed.isna().to_numpy())
    if len(wrong):
        shown = one_line(str(cells.iloc[wrong[0]]), 40)
        raise DataError(
            f"{path}: row {wrong[0] + 1}: {shown!r} is no date and time in column "
            f"{declared.time!r}; correct it, or say how times are written in 'time_format'"
        )
    return parsed.to_numpy(dtype="datetime64[s]").astype(np.int64)
