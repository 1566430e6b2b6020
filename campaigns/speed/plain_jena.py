"""How a plain script feeds a weather series: a loop in Python gathers each window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Series:
    """A table of numbers in a CSV file, and what the examples of a view are in its rows.

    A window is every ``step``-th of the ``lookback`` rows before a row, the target is the
    number in column ``target`` that lies ``delay`` rows after it. The rows before
    ``validation`` train, those from ``test`` on test. ``reverse`` turns windows round.
    """

    file: str
    lookback: int
    step: int
    delay: int
    target: int
    validation: int
    test: int
    reverse: bool

    def read(self) -> Array:
        """Return the table, shape (rows, columns), float64, standardised by training rows."""
        table = np.loadtxt(Path(self.file), delimiter=",", skiprows=1)
        table -= table[: self.validation].mean(axis=0)
        table /= table[: self.validation].std(axis=0)
        return table

    def limits(self, rows: int) -> dict[str, tuple[int, int]]:
        """Return the first row of each split's examples and one past the last, as published."""
        return {
            "train": (self.lookback, self.validation),
            "validation": (self.validation + 1 + self.lookback, self.test),
            "test": (self.test + 1 + self.lookback, rows - self.delay - 1),
        }


def at_random(
    table: Array, series: Series, limits: tuple[int, int], batch_size: int
) -> Iterator[tuple[Array, Array]]:
    """Yield for ever windows and targets of rows drawn at random with replacement."""
    while True:
        yield _gathered(table, series, np.random.randint(*limits, size=batch_size))


def in_order(
    table: Array, series: Series, limits: tuple[int, int], batch_size: int
) -> Iterator[tuple[Array, Array]]:
    """Yield for ever windows and targets of one row after the other, again and again."""
    first, end = limits
    while True:
        for row in range(first, end, batch_size):
            yield _gathered(table, series, np.arange(row, min(row + batch_size, end)))


def _gathered(table: Array, series: Series, rows: Array) -> tuple[Array, Array]:
    """Return windows, shape (len(rows), samples, columns), and targets, both float64."""
    windows = np.zeros((len(rows), series.lookback // series.step, table.shape[1]))
    targets = np.zeros(len(rows))
    for place, row in enumerate(rows):
        windows[place] = table[range(row - series.lookback, row, series.step)]
        targets[place] = table[row + series.delay][series.target]
    return (windows[:, ::-1] if series.reverse else windows), targets
