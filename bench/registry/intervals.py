"""How often a series is sampled, as a task says it: "15min", "1h", "1d", "1month", "row"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.errors import BenchError

DAY = 86_400
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NAMES = {"s": "second", "min": "minute", "h": "hour", "d": "day", "w": "week",
          "month": "month", "quarter": "quarter", "year": "year"}  # fmt: skip
_TEXT = re.compile(r"(\d+) ?(s|min|h|d|w|month|quarter|year)s?")
_MONTH = 2_629_746  # seconds of a mean month of the Gregorian calendar
#: For a series whose rows follow one another whatever time lies between them.
ROW = "row"


@dataclass(frozen=True)
class SamplingInterval:
    """The time from one row to the next: months of the calendar or seconds.

    One of neither is ``ROW``.
    """

    months: int = 0
    seconds: int = 0

    @property
    def is_row(self) -> bool:
        """Whether rows follow one another whatever time lies between them."""
        return not self.months and not self.seconds

    @property
    def mean_seconds(self) -> int:
        """Its length in seconds, of months the mean one; 1 for rows."""
        return self.months * _MONTH or self.seconds or 1

    @property
    def season(self) -> int | None:
        """How many of them make up a day, a week of days, or a year; None where none is usual."""
        if self.months:
            return 12 // self.months if 12 % self.months == 0 and self.months < 12 else None
        if self.seconds == DAY:
            return 7
        if self.seconds == 7 * DAY:
            return 52
        return DAY // self.seconds if 0 < self.seconds < DAY and DAY % self.seconds == 0 else None

    @property
    def groups(self) -> str:
        """What examples have in common that are not independent, in the plural.

        Of a series that is sampled more often than daily it is the day, else the row.
        """
        if 0 < self.seconds <= DAY:
            return "days"
        if self.seconds == 7 * DAY:
            return "weeks"
        return {1: "months", 3: "quarters", 12: "years"}.get(self.months, "rows")

    @property
    def told(self) -> str:
        """What comes after "every": "month", or "15min" as it is written."""
        written = str(self)
        return _NAMES.get(written.removeprefix("1"), written)

    def __str__(self) -> str:
        if self.is_row:
            return ROW
        units, number = (_MONTHS, self.months) if self.months else (_SECONDS, self.seconds)
        name = max((n for n in units if number % units[n] == 0), key=lambda n: units[n])
        return f"{number // units[name]}{name}"


def interval_of(text: str) -> SamplingInterval:
    """Return what a text like "15min" means.

    Raises:
        BenchError: It means nothing; says what would.
    """
    found = _TEXT.fullmatch(text.strip().lower())
    if text == ROW:
        return SamplingInterval()
    if found is None or int(found[1]) == 0:
        raise BenchError(
            f"{text!r} is no interval; write a number and s, min, h, d, w, month, quarter or "
            f"year, as '15min', '1h', '1month', or {ROW!r} for rows that follow one another "
            "whatever time lies between them"
        )
    number, unit = int(found[1]), found[2]
    if unit in _MONTHS:
        return SamplingInterval(months=number * _MONTHS[unit])
    return SamplingInterval(seconds=number * _SECONDS[unit])
