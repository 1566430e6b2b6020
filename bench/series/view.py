"""What a model sees of a series: options in time or rows, turned into rows of this series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, CannotRun
from bench.registry.declarations import nearest
from bench.series.split import DAY, LOOKBACK

REFERENCE_INTERVAL = 600  # seconds; a lookback or step given as a whole number counts these
_UNITS = {"d": DAY, "h": 3600, "min": 60}
_TIME = re.compile(r"\s*(\d+)\s*(d|h|min)\s*")


@dataclass(frozen=True)
class Window:
    """The inputs of one example: every ``step``-th of the ``lookback`` rows before its row.

    With ``calendar`` the columns of ``bench.series.calendar`` follow those of the series.
    """

    lookback: int
    step: int
    step_seconds: int
    columns: tuple[int, ...]
    reverse: bool
    standardise: bool
    calendar: bool

    @property
    def offsets(self) -> range:
        """Rows of the window relative to the example's row, in the order the model sees."""
        offsets = range(-self.lookback, 0, self.step)
        return offsets[::-1] if self.reverse else offsets


def window_of(view: Mapping[str, Any], columns: Sequence[str], interval: int) -> Window:
    """Turn a view into rows of a series.

    Args:
        view: ``lookback`` and ``step`` (rows of ten minutes, or text like "10d", "24h",
            "30min"), ``columns`` (names, or None for all), ``reverse``, ``standardise``,
            ``calendar``.
        columns: The columns of the series.
        interval: Its sampling interval in seconds.

    Raises:
        BenchError: An option has no meaning, or a column is unknown.
        CannotRun: The series is sampled too coarsely for the step, or not in step with it.
    """
    lookback, step = _seconds(view, "lookback"), _seconds(view, "step")
    if lookback > LOOKBACK:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is longer than {LOOKBACK // DAY} days; "
            "every view is scored on the same examples, and these have no more before them: "
            f"use at most '{LOOKBACK // DAY}d'"
        )
    if lookback % step:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is not a multiple of "
            f"step={view['step']!r}; change one of them"
        )
    if step % interval:
        raise CannotRun(
            f"the data have a sample every {interval / 60:g} minutes, and the view takes one "
            f"every {step / 60:g}; set step to a multiple of '{interval / 60:g}min'"
        )
    return Window(
        lookback=lookback // interval,
        step=step // interval,
        step_seconds=step,
        columns=_columns(view["columns"], columns),
        reverse=bool(view["reverse"]),
        standardise=bool(view["standardise"]),
        calendar=bool(view["calendar"]),
    )


def _seconds(view: Mapping[str, Any], option: str) -> int:
    value = view[option]
    seconds = 0
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value * REFERENCE_INTERVAL
    elif isinstance(value, str) and (parts := _TIME.fullmatch(value)):
        seconds = int(parts[1]) * _UNITS[parts[2]]
    if seconds <= 0:
        raise BenchError(
            f"view option {option}={value!r} is no time; give rows of ten minutes (144) "
            "or a time with its unit ('10d', '24h', '30min')"
        )
    return seconds


def _columns(wanted: Any, columns: Sequence[str]) -> tuple[int, ...]:
    if wanted is None:
        return tuple(range(len(columns)))
    if isinstance(wanted, str) or not isinstance(wanted, Sequence) or not wanted:
        raise BenchError(
            f"view option columns={wanted!r} is no list of names; give one, or None for all"
        )
    for name in wanted:
        if name not in columns:
            raise BenchError(
                f"view option columns: the data have no column {name!r}"
                f"{nearest(str(name), columns)}; there are: {', '.join(columns)}"
            )
    if len(set(wanted)) < len(wanted):
        raise BenchError(f"view option columns={wanted!r} names a column twice; remove one")
    return tuple(columns.index(name) for name in wanted)
