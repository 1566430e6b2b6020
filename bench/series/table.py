"""A time series as the suite holds it in memory: times, columns, values, what is predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.series.dialect import TEMPERATURE

OFFICIAL_COLUMNS = (
    "p (mbar)",
    TEMPERATURE,
    "Tpot (K)",
    "Tdew (degC)",
    "rh (%)",
    "VPmax (mbar)",
    "VPact (mbar)",
    "VPdef (mbar)",
    "sh (g/kg)",
    "H2OC (mmol/mol)",
    "rho (g/m**3)",
    "wv (m/s)",
    "max. wv (m/s)",
    "wd (deg)",
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Squares of these still fit float64, and nothing that is measured comes near.
LARGEST_NUMBER = 1e30


@dataclass(frozen=True)
class SeriesTable:
    """The rows of a series, by default of a weather station.

    ``times`` has shape (n,): seconds since 1970-01-01 00:00 in the series' own clock.
    ``values`` has shape (n, len(columns)), NaN where a cell is missing. ``notes`` say in
    plain words what is unusual about the files, and what of them was left out. ``targets`` are
    the columns that are predicted.
    """

    times: Integers
    columns: tuple[str, ...]
    values: Floats
    notes: tuple[str, ...] = ()
    targets: tuple[str, ...] = (TEMPERATURE,)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def target(self) -> int:
        """The number of the first target's column."""
        return self.columns.index(self.targets[0])

    @property
    def target_columns(self) -> list[int]:
        """The numbers of the targets' columns."""
        return [self.columns.index(name) for name in self.targets]

    @property
    def target_noun(self) -> str:
        """What a row has to have, for people."""
        is_station = self.targets == (TEMPERATURE,)
        return "a temperature" if is_station else f"a value of {', '.join(self.targets)}"


def iso(seconds: int) -> str:
    """Return a time of a table as text, ``2009-01-01T00:10:00``."""
    return str(np.datetime64(int(seconds), "s"))
