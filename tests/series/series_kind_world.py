"""Tasks of the kind series and their small files, for the tests of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.registry.kinds import KINDS
from bench.series import kind
from bench.task import OpenTask, Prepared

#: Monthly totals of air passengers in thousands, as the well known 144 are: a rising line with a
#: season that grows with it.
MONTHS = 144


def data(**said: Any) -> dict[str, Any]:
    """DATA of a task, defaults filled in: a month ahead, from a year."""
    plain = {"file": "x.csv", "time": "month", "targets": ["sales"], "interval": "1month"}
    return KINDS["series"].filled({**plain, "lookback": 12, **said})


def view_of(data: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The view that a task of the kind has, or another one."""
    return {**KINDS["series"].literals(data)["VIEW"], **options}


def monthly(rows: int = MONTHS, start: str = "1949-01") -> pd.DataFrame:
    """Sales that rise, with a season of a year, and a column of prices beside them."""
    number = np.arange(rows)
    noise = np.random.default_rng(1).normal(0, 4, rows)
    sales = (110 + 2.6 * number) * (1 + 0.2 * np.sin(2 * np.pi * number / 12)) + noise
    months = np.datetime64(start, "M") + number
    return pd.DataFrame({"month": months.astype(str), "sales": sales.round(1), "price": number % 7})


def written(folder: Path, frame: pd.DataFrame, name: str = "x.csv", **options: Any) -> Path:
    """Write a data frame as a CSV file."""
    path = folder / name
    frame.to_csv(path, index=False, **options)
    return path


def prepared(path: Path, said: dict[str, Any]) -> Prepared:
    """Read a file as a task says."""
    return kind.read(said, [path], False)


def opened(path: Path, said: dict[str, Any], **options: Any) -> OpenTask:
    """Open a file as a task says, under its view or another one."""
    return kind.open_view(said, prepared(path, said), view_of(said, **options))
