"""The time of day and of the year as numbers that a model can take: points on circles."""

from __future__ import annotations

import numpy as np

from bench.series.split import DAY
from bench.series.table import Integers
from bench.task import Array

CALENDAR_COLUMNS = ("day sin", "day cos", "year sin", "year cos")
_YEAR = 365.2425 * DAY  # the mean year of the Gregorian calendar


def calendar(times: Integers) -> Array:
    """Return sine and cosine of the time of day and of the year, all in [-1, 1].

    On a circle the last minute of a day or year is next to the first of the next one.

    Args:
        times: Shape (n,), seconds since 1970-01-01 00:00 in the station's own clock.

    Returns:
        Shape (n, len(CALENDAR_COLUMNS)), float32.
    """
    turns = np.stack([times % DAY / DAY, times % _YEAR / _YEAR], axis=1)
    circles = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=2)
    return circles.reshape(len(times), len(CALENDAR_COLUMNS)).astype(np.float32)
