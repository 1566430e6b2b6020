"""Open a prepared series under a view: windows are gathered when asked for, never stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError, CannotRun
from bench.formatting import nearest
from bench.series.prepare import DAY, DELAY, SPLITS
from bench.series.table import Integers
from bench.task import Absent, Array, Examples, Lookup, OpenTask, Prepared

if TYPE_CHECKING:
    from bench.registry.intervals import SamplingInterval


def open_windows(prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Return a series under one view.

    The facts are ``columns`` (names along the window's last axis), ``target_column`` (where
    the temperature stands among them, or None), ``lookback`` (samples in a window),
    ``interval`` (seconds between them), and the ``mean`` and ``std`` of the temperature that
    standardised targets were made with, in degrees C.

    Raises:
        BenchError: An option of the view has no meaning here.
        CannotRun: The series is too coarse for the view.
    """
    meta = prepared.meta
    window = window_of(view, meta["columns"], meta["interval_seconds"])
    _check_reach(prepared, window, view)
    target = meta["target_column"]
    # The newest sample is a step before the row.
    ahead = (DELAY + window.step_seconds) // window.step_seconds
    in_samples = DELAY % window.step_seconds == 0
    facts = {
        "target_column": window.columns.index(target) if target in window.columns else None,
        "mean": meta["mean"],
        "std": meta["std"],
        **_facts_ahead(
            [window.columns.index(target)] if target in window.columns else [],
            (ahead,) if in_samples else (),
            DAY // window.step_seconds if in_samples else None,
            len(window.offsets),
        ),
    }
    return _opened(prepared, window, CYCLES, facts, {"mae_degC": meta["std"]})


def open_forecasts(
    prepared: Prepared, data: Mapping[str, Any], view: Mapping[str, Any]
) -> OpenTask:
    """Return a series of a task of the kind under one view.

    The facts are those of ``open_windows`` but that ``mean`` and ``std`` have a number each
    target, in its unit. Further, ``targets`` has their names and ``target_columns`` where they
    stand along the window's last axis, ``horizon`` is how many steps are predicted, ``ahead``
    how many samples after the newest of the window each of them is, and ``season`` how many
    samples of the window a season has. What a view does not have of these is ``Absent``.

    Args:
        prepared: See ``bench.series.forecasts.prepare_forecasts``.
        data: DATA of the task, defaults filled in.
        view: Its options; ``lookback`` and ``step`` are rows, or texts like "7d".

    Raises:
        BenchError: An option of the view has no meaning here.
    """
    meta = prepared.meta
    window = window_of_rows(view, data, meta)
    targets = [column for column in meta["target_columns"] if column in window.columns]
    is_whole = len(targets) == len(meta["target_columns"])
    places = [window.columns.index(column) for column in targets] if is_whole else []
    delays = range(data["delay"], data["delay"] + data["horizon"])
    in_samples = all(delay % window.step == 0 for delay in delays)
    season = meta["season"]
    facts = {
        "mean": tuple(meta["mean"]),
        "std": tuple(meta["std"]),
        "targets": tuple(meta["targets"]),
        "target_column": places[0] if places else None,
        **_facts_ahead(
            places,
            tuple(delay // window.step for delay in delays) if in_samples else (),
            season // window.step if season and season % window.step == 0 else None,
            len(window.offsets),
        ),
        "horizon": data["horizon"],
    }
    from bench.registry.kinds import metric_in_unit  # A station's series needs none.

    unit = metric_in_unit(data)
    units = {unit: meta["std"][0]} if unit else {}
    cycles = cycles_of(meta["interval_seconds"])
    opened = _opened(prepared, window, cycles, facts, units)
    return replace(opened, parts=_parts(data["horizon"], meta["targets"]))


def _parts(horizon: int, targets: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the outputs of each step, and of each target, where there are several."""
    width = len(targets)
    steps = {
        f"step {step + 1}": tuple(range(step * width, (step + 1) * width))
        for step in range(horizon if horizon > 1 else 0)
    }
    columns = {
        name: tuple(range(number, horizon * width, width))
        for number, name in enumerate(targets if width > 1 else ())
    }
    return {**columns, **steps}


def _facts_ahead(
    places: Sequence[int], ahead: tuple[int, ...], season: int | None, samples: int
) -> dict[str, Any]:
    """Return the facts that forecasts without weights are made of, see ``open_forecasts``.

    Args:
        places: Where the targets stand in a window; none where it lacks one.
        ahead: Samples from the newest one to each step; none where they are no whole numbers.
        season: Samples of a season, None where there is none.
        samples: Those of a window.
    """
    known: dict[str, Any] = {
        "target_columns": tuple(places) or Absent("the view leaves a target out of 'columns'"),
        "horizon": 1,
        "ahead": ahead or Absent("what is predicted is no whole number of the view's steps ahead"),
        "season": season,
    }
    if season is None:
        known["season"] = Absent("no season is known, or it is no whole number of the view's steps")
    elif season > samples:
        known["season"] = Absent(f"the window has {samples} samples, and a season {season}")
    return known


def _opened(
    prepared: Prepared,
    window: Window,
    cycles: Sequence[str],
    facts: Mapping[str, Any],
    units: Mapping[str, float],
) -> OpenTask:
    names = [*prepared.meta["columns"], *calendar_columns(cycles)]
    # A base-class view of the memory map: indexing it costs no subclass bookkeeping.
    series = np.asarray(prepared.arrays["standardised" if window.standardise else "values"])
    if window.calendar:
        further = tuple(range(series.shape[1], len(names)))
        series = np.concatenate([series, calendar(prepared.arrays["times"], cycles)], axis=1)
        window = replace(window, columns=window.columns + further)
    if window.columns != tuple(range(series.shape[1])):
        series = series[:, window.columns]
    splits = {name: _examples(prepared, name, series, window) for name in SPLITS}
    targets = splits["train"].targets
    return OpenTask(
        input_shape=(len(window.offsets), len(window.columns)),
        input_dtype="float32",
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={
            "columns": tuple(names[column] for column in window.columns),
            "lookback": len(window.offsets),
            "interval": window.step_seconds,
            **facts,
        },
        units=units,
        outputs=1 if targets.ndim == 1 else targets.shape[1],
    )


def _check_reach(prepared: Prepared, window: Window, view: Mapping[str, Any]) -> None:
    """Refuse a window that some scored example, or every training example, has not before it."""
    first, last = prepared.arrays["rows_validation"][0], prepared.arrays["rows_train"][-1]
    days = int(min(first, last)) * window.step_seconds // window.step // DAY
    if window.lookback > min(first, last):
        raise BenchError(
            f"view option lookback={view['lookback']!r} is longer than the {days} days that lie "
            "before the first validation example or the last training example; every view is "
            f"scored on the same examples: use at most '{days}d'"
        )


def _examples(prepared: Prepared, split: str, series: Array, window: Window) -> Examples:
    rows = np.asarray(prepared.arrays[f"rows_{split}"])
    # Of a window longer than any other, the first training examples have not all of it.
    start = int(np.searchsorted(rows, -min(window.offsets)))
    lookup = Lookup(series, rows[start:].astype(np.int64), np.array(window.offsets, dtype=np.int64))
    return Examples(
        targets=prepared.arrays[f"targets_{split}"][start:],
        gather=lookup.rows,
        groups=prepared.arrays[f"groups_{split}"][start:],
        lookup=lambda: lookup,
    )


# What a model sees of a series: options in time or rows, turned into rows of this series


REFERENCE_INTERVAL = 600  # seconds; a lookback or step given as a whole number counts these
_UNITS = {"d": DAY, "h": 3600, "min": 60}
_TIME = re.compile(r"\s*(\d+)\s*(d|h|min)\s*")


@dataclass(frozen=True)
class Window:
    """The inputs of one example: every ``step``-th of the ``lookback`` rows before its row.

    The last of them is ``newest``, -1 for the row just before. With ``calendar`` the columns of
    ``bench.series.windows`` follow those of the series.
    """

    lookback: int
    step: int
    newest: int
    step_seconds: int
    columns: tuple[int, ...]
    reverse: bool
    standardise: bool
    calendar: bool

    @property
    def offsets(self) -> range:
        """Rows of the window relative to the example's row, in the order the model sees."""
        oldest = self.newest + self.step - self.lookback
        offsets = range(oldest, self.newest + 1, self.step)
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
        newest=-step // interval,
        step_seconds=step,
        columns=_columns(view["columns"], columns),
        reverse=bool(view["reverse"]),
        standardise=bool(view["standardise"]),
        calendar=bool(view["calendar"]),
    )


def window_of_rows(
    view: Mapping[str, Any], data: Mapping[str, Any], meta: Mapping[str, Any]
) -> Window:
    """Turn a view of a task of the kind into rows of its series; the newest row is seen.

    Args:
        view: As ``window_of`` has it, but that numbers count rows.
        data: DATA of the task, defaults filled in.
        meta: Of the prepared series.

    Raises:
        BenchError: An option has no meaning, or a column is unknown.
    """
    from bench.registry.intervals import interval_of  # A station's series has none.

    interval = interval_of(meta["interval"])
    lookback, step = (_rows(view[option], option, interval) for option in ("lookback", "step"))
    if lookback > data["lookback"]:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is longer than the {data['lookback']} "
            "rows of the task; every view is scored on the same examples: use at most these, or "
            "raise 'lookback' in DATA"
        )
    if lookback % step:
        raise BenchError(
            f"view option lookback={view['lookback']!r} is not a multiple of "
            f"step={view['step']!r}; change one of them"
        )
    inputs = [meta["columns"][column] for column in meta["inputs"]]
    chosen = [inputs[column] for column in _columns(view["columns"], inputs)]
    return Window(
        lookback=lookback,
        step=step,
        newest=-1,
        step_seconds=step * meta["interval_seconds"],
        columns=tuple(meta["columns"].index(name) for name in chosen),
        reverse=bool(view["reverse"]),
        standardise=bool(view["standardise"]),
        calendar=bool(view["calendar"]),
    )


def _rows(value: Any, option: str, interval: SamplingInterval) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str):
        from bench.registry.intervals import interval_of

        wanted = interval_of(value)
        for of_view, of_row in (
            (wanted.months, interval.months), (wanted.seconds, interval.seconds)
        ):  # fmt: skip
            if of_view and of_row and of_view % of_row == 0:
                return of_view // of_row
    raise BenchError(
        f"view option {option}={value!r} is no number of rows; the data have one every "
        f"{interval.told}: give rows (24) or a time that is a multiple of that"
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


# The time of day and of the year as numbers that a model can take: points on circles


#: The year is the mean one of the Gregorian calendar.
_LENGTHS = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}
CYCLES = ("day", "year")


def cycles_of(interval: float) -> tuple[str, ...]:
    """Return the cycles that a series sampled every so many seconds can be in any part of."""
    return tuple(name for name, length in _LENGTHS.items() if length > 2 * interval)


def calendar_columns(cycles: Sequence[str]) -> tuple[str, ...]:
    """Return the names of what ``calendar`` returns: "day sin", "day cos"."""
    return tuple(f"{cycle} {part}" for cycle in cycles for part in ("sin", "cos"))


def calendar(times: Integers, cycles: Sequence[str] = CYCLES) -> Array:
    """Return sine and cosine of the time of day and of the year, all in [-1, 1].

    On a circle the last minute of a day or year is next to the first of the next one.

    Args:
        times: Shape (n,), seconds since 1970-01-01 00:00 in the series' own clock.
        cycles: Of which the time is told, some of day, week and year.

    Returns:
        Shape (n, 2 * len(cycles)), float32.
    """
    turns = np.stack([times % _LENGTHS[cycle] / _LENGTHS[cycle] for cycle in cycles], axis=1)
    circles = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=2)
    return circles.reshape(len(times), 2 * len(cycles)).astype(np.float32)
