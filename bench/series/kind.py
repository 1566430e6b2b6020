"""The kind series: what a task file that declares ``KIND = "series"`` and ``DATA`` leaves out.

Its functions are those of a task file, with DATA, defaults filled in, before their arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.series.dialect import Declared, strptime_layout
from bench.series.forecasts import prepare_forecasts
from bench.series.synthetic import declared_table
from bench.series.table import SeriesTable
from bench.series.windows import open_forecasts
from bench.task import Encoded, Look, OpenTask, Prepared, Question


def read(data: Mapping[str, Any], files: Sequence[Path], official: bool) -> Prepared:
    """Read the file of a series, CSV or Parquet, or several that continue each other.

    Raises:
        DataError: A file is not as DATA says, is damaged, or is too short.
    """
    name = ", ".join(str(path) for path in files)
    return prepare_forecasts(_table(data, files), name, data)


def synthesise(data: Mapping[str, Any]) -> Prepared:
    """Make a series up that has the columns, the interval and the season that DATA says."""
    table = declared_table(data)
    split = data["split"] if "train" in data["split"] else {"train": 0.5, "validation": 0.25}
    return prepare_forecasts(table, "synthetic series", {**data, "split": split})


def open_view(data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Open the series under a view; see ``bench.series.windows.open_forecasts``.

    Raises:
        BenchError: An option of the view has no meaning here.
    """
    return open_forecasts(prepared, data, view)


def look(
    data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any], split: str, number: int
) -> Look:
    """Show the first rows, the columns, a window, and the targets' course."""
    from bench.series.look import look_at_forecasts

    return look_at_forecasts(prepared, data, view, split, number)


def encode(
    data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any], question: Question
) -> Encoded:
    """Gather the window before a time, for `python -m bench predict`."""
    from bench.series.asking import encode_forecasts

    return encode_forecasts(prepared, data, view, question, partial(_table, data))


def _table(data: Mapping[str, Any], files: Sequence[Path]) -> SeriesTable:
    # Data that are prepared already need no reader.
    from bench.series.csv_file import read_tables
    from bench.series.parquet_file import read_file

    return read_tables(files, declared(data), read_file)


def declared(data: Mapping[str, Any]) -> Declared:
    """Return what DATA says of how the file is written."""
    known = Declared(
        time=data["time"],
        targets=tuple(data["targets"]),
        inputs=None if data["inputs"] is None else tuple(data["inputs"]),
        separator=data["delimiter"],
        decimal=data["decimal"],
        missing=tuple(data["missing"]),
    )
    written = data["time_format"]
    return known if written is None else replace(known, layout=strptime_layout(written))
