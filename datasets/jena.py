"""The temperature in Jena 24 hours ahead, from ten days of a weather station."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.series.csv_file import read_tables
from bench.series.official import difference_from_official
from bench.series.prepare import prepare
from bench.series.synthetic import synthetic_table
from bench.series.windows import open_windows
from bench.task import Encoded, Look, OpenTask, Prepared, Question

KIND = "series"
VERSION = 1
METRIC = "mae"
DIRECTION = "min"
LOSS = "mean_absolute_error"
BASELINE = "jena_naive"
GROUPS = "days"
IN_TIME = True
UNITS = {"mae": "std of T", "mae_degC": "°C"}

VIEW = {
    "lookback": 1440,
    "step": 6,
    "reverse": False,
    "columns": None,
    "standardise": True,
    "calendar": False,
}
CHOICES: dict[str, list[str]] = {}

TRAINING = {"epochs": 20, "steps_per_epoch": 500, "batch_size": 128, "optimizer": "rmsprop"}
PROFILES = {
    "smoke": {"epochs": 1, "examples_per_epoch": 512, "scored_examples": 500},
    "quick": {"epochs": 4, "examples_per_epoch": 7680, "scored_examples": 3000},
    "full": {},
}

OFFICIAL = [
    [
        {
            "name": "jena_climate_2009_2016.csv.zip",
            "url": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/jena_climate_2009_2016.csv.zip",
            "size": 13568290,
        }
    ],
    [{"name": "jena_climate_2009_2016.csv"}],
]
LOCAL = [
    ["jena_climate_2009_2016.csv.zip"],
    ["jena_climate_2009_2016.csv"],
    ["jena_hourly_2009_2016.csv"],
    ["jena*.csv+"],
    ["mpi_roof*.csv+"],
    ["jena*.csv.gz+"],
    ["mpi_roof*.csv.gz+"],
]
SYNTHETIC = "1"
TEST_TARGETS = ["targets_test"]


def is_official(files: Sequence[Path]) -> str | None:
    """Return None if the files hold the published ten-minute data, else what is different."""
    return difference_from_official(files)


def read(files: Sequence[Path], official: bool) -> Prepared:
    """Read a station's file; the official one keeps its gaps, as the published runs did.

    Raises:
        DataError: A file is not a station's CSV, is damaged, or is too short.
    """
    name = ", ".join(str(path) for path in files)
    return prepare(read_tables(files), name, as_published=official)


def synthesise() -> Prepared:
    """Make eight years of weather in the official layout, split like the official file."""
    return prepare(synthetic_table(), "synthetic series", as_published=True)


def open_view(prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Open the series under a view; see ``bench.series.windows.window_of`` for its options.

    Raises:
        BenchError: An option of the view has no meaning here.
        CannotRun: The series is too coarse for the view.
    """
    return open_windows(prepared, view)


def look(prepared: Prepared, view: Mapping[str, Any], split: str, number: int) -> Look:
    """Show the first rows, the columns, a window, and the temperature's course."""
    from bench.series import look as looking

    return looking.look(prepared, view, split, number)


def encode(prepared: Prepared, view: Mapping[str, Any], question: Question) -> Encoded:
    """Gather the window before a time, for `python -m bench predict`."""
    from bench.series import asking

    return asking.encode(prepared, view, question)
