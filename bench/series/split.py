"""Which rows of a series are examples, and of which split.

An example is a row r: its inputs end one step before r, its target lies ``delay`` after r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.series.table import Floats, Integers

DAY = 86_400
LOOKBACK = 10 * DAY  # seconds before a row that an example may look at, whatever its view
DELAY = DAY  # seconds from a row to its target
SPLITS = ("train", "validation", "test")

RowNumbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Boundaries:
    """Where validation and test begin in the reference series, and when that was.

    ``instants`` are the times of these rows, in seconds, read off every sixth row of the
    reference series: row 199,998 is 2012-10-20 21:30 and row 300,000 is 2014-09-15 08:50.
    """

    validation: int = 200_000
    test: int = 300_000
    rows: int = 420_551
    instants: tuple[int, int] = (1_350_769_800, 1_410_771_000)


@dataclass(frozen=True)
class Span:
    """How many rows of a series an example needs before its row and after it."""

    lookback: int
    delay: int


@dataclass(frozen=True)
class Split:
    """The first row of validation and of test, and the rule that put them there."""

    validation: int
    test: int
    rule: str

    def limits(self, span: Span, rows: int) -> dict[str, tuple[int, int]]:
        """Return first and one past the last row of each split's examples, as published.

        Targets of the last training and validation rows reach a delay into the next split.
        """
        return {
            "train": (span.lookback, self.validation),
            "validation": (self.validation + 1 + span.lookback, self.test),
            "test": (self.test + 1 + span.lookback, rows - span.delay - 1),
        }

    def is_whole(self, span: Span, rows: int) -> bool:
        """Tell whether every split has an example."""
        return all(first < end for first, end in self.limits(span, rows).values())

    def examples(self, span: Span, rows: int) -> dict[str, RowNumbers]:
        """Return the rows of each split of a series of so many rows."""
        return {
            name: np.arange(first, end, dtype=np.int32)
            for name, (first, end) in self.limits(span, rows).items()
        }


def split_rows(times: Integers, span: Span, where: Boundaries, as_published: bool) -> Split:
    """Decide where validation and test begin.

    The reference file is split by row numbers. Another series is split at the same instants
    if every split then has examples, else at the same proportions of its rows.
    """
    if as_published:
        return Split(where.validation, where.test, "rows")
    validation, test = (int(row) for row in np.searchsorted(times, where.instants))
    at_instants = Split(validation, test, "instants")
    if at_instants.is_whole(span, len(times)):
        return at_instants
    return _in_proportion(len(times), where)


def rows_needed(span: Span, where: Boundaries) -> int:
    """Return the number of rows without a gap from which a split in proportion is possible."""
    rows = span.lookback * where.rows // (where.test - where.validation)
    while not _in_proportion(rows, where).is_whole(span, rows):
        rows += 1
    return rows


def without_gaps(rows: RowNumbers, breaks: Integers, span: Span) -> RowNumbers:
    """Keep the rows whose inputs and target lie on one side of every break.

    Args:
        rows: Row numbers, shape (n,).
        breaks: Row numbers that do not follow their predecessor in time, sorted.
        span: What an example reaches, whatever its view, so that views share examples.
    """
    before = np.searchsorted(breaks, rows - span.lookback, side="right")
    after = np.searchsorted(breaks, rows + span.delay, side="right")
    return np.asarray(rows[before == after], dtype=np.int32)


def find_breaks(times: Integers, interval: int) -> tuple[Integers, Floats]:
    """Return the rows that do not follow their predecessor, and the seconds lost before each.

    A tenth of the interval is allowed for a clock that is not exact.
    """
    excess = np.diff(times) - interval
    broken = np.flatnonzero(np.abs(excess) > interval / 10)
    return broken + 1, excess[broken].astype(np.float64)


def _in_proportion(rows: int, where: Boundaries) -> Split:
    return Split(
        rows * where.validation // where.rows, rows * where.test // where.rows, "proportions"
    )
