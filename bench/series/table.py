"""A time series as the suite holds it in memory, and what is said about its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TEMPERATURE = "T (degC)"
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


@dataclass(frozen=True)
class Table:
    """The rows of a weather station.

    ``times`` has shape (n,): seconds since 1970-01-01 00:00 in the station's own clock.
    ``values`` has shape (n, len(columns)), NaN where a cell is missing.
    """

    times: Integers
    columns: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.times)

    @property
    def target(self) -> int:
        """The number of the temperature column."""
        return self.columns.index(TEMPERATURE)


def iso(seconds: int) -> str:
    """Return a time of a table as text, ``2009-01-01T00:10:00``."""
    return str(np.datetime64(int(seconds), "s"))
