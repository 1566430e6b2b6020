"""Look at a file of a series and write the task file that runs on it.

Nothing is asked and nothing left open: where several answers are possible the likeliest is taken,
and its comment says so. What comes out has been tried: the file is read and split by it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.formatting import counted, few, one_line
from bench.registry.drafts import Choice, source
from bench.registry.intervals import DAY, SamplingInterval
from bench.registry.kinds import KINDS
from bench.series import remarks
from bench.series.csv_file import INDEX_NAMES, read_bytes, read_tables
from bench.series.dialect import (
    Declared,
    TimeLayout,
    known_layout,
    sniff,
    strptime_layout,
    to_utf8,
)
from bench.series.forecasts import found_interval, prepare_forecasts, ticks
from bench.series.parquet_file import frame_of, is_parquet, read_file
from bench.series.table import SeriesTable

#: Ways to write times that are not certain by themselves, the more usual first.
_FORMATS = (
    *(f"%{a}/%{b}/%Y{clock}" for a, b in ("dm", "md") for clock in (" %H:%M:%S", " %H:%M", "")),
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%y", "%d.%m.%y %H:%M",
    "%Y/%m/%d", "%Y/%m", "%Y.%m", "%m/%Y", "%m.%Y", "%b %Y", "%b-%Y", "%b-%y", "%B %Y", "%d-%b-%Y",
    "%d %b %Y", "%Y%m%d", "%Y%m%d%H%M", "%Y%m%d %H%M", "%Y %m",
)  # fmt: skip
_TIME_NAME = re.compile(
    r"(?i).*(date|time|stamp|month|year|week|day|period|datum|zeit|jahr|monat|hour|utc).*|ds|t"
)
_TARGET_NAME = re.compile(
    r"(?i).*(target|load|demand|consum|sales|passenger|sunspot|price|value|count|power|total|"
    r"verbrauch|last|umsatz|wert|menge).*|y|ot"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?")
_UNIT = re.compile(r".*[(\[]\s*([^()\[\]]+?)\s*[)\]]|.*_(mw|kw|gw|mwh|kwh|gwh|w|wh|eur|usd|hpa)$")
_WRITTEN = {"mw": "MW", "kw": "kW", "gw": "GW", "mwh": "MWh", "kwh": "kWh", "gwh": "GWh", "w": "W",
            "wh": "Wh", "hpa": "hPa", "eur": "EUR", "usd": "USD"}  # fmt: skip
#: Samples that a window should have at most: recurrent models read them one after the other.
_SAMPLES = 200
_NUMERIC = 0.8  # share of cells that makes a column one of numbers
_SHARED = 0.02  # share of rows with the time of another from which a file has several series
_REGULAR = 0.5  # share of steps of one length that makes a sampling interval
_BROKEN = 0.1  # share of steps of another length from which gaps are no gaps


@dataclass(frozen=True)
class _Layout:
    """How a file is written, and which of its columns are what."""

    declared: Declared
    columns: tuple[str, ...]
    ambiguous: str = ""


def propose(path: Path, file: str) -> str:
    """Return the text of a task file for a CSV or Parquet file with times and numbers.

    Args:
        path: The file.
        file: How the task file is to name it.

    Raises:
        DataError: It is no such file, or too short; says why.
    """
    seen = _seen_of_parquet(path) if is_parquet(path) else _seen_of_csv(path)
    table = read_tables([path], seen.declared, read_file)
    if not table.columns:
        raise DataError(f"{path}: has no column of numbers")
    marks = _marks(table)
    values = np.where(np.isin(table.values, marks), np.nan, table.values)
    table = replace(table, targets=(_target(table.columns),), values=values)
    times = np.unique(table.times)
    _check_single(path, table, times, seen.columns)
    interval = _interval(path, times)
    missing = [*seen.declared.missing, *marks]
    choices = [*_of_file(file, seen, table, missing), *_of_time(table, interval, len(times))]
    data = KINDS["series"].filled({choice.key: choice.value for choice in choices})
    tried = prepare_forecasts(table, str(path), data)
    target, ahead = one_line(table.targets[0], 40), _ahead(data["delay"], interval)
    about = (
        f"{target}, {ahead} ahead: {tried.meta['rows']:,} rows of {one_line(path.name, 40)}, "
        f"one every {interval.told}."
    )
    return source("series", about, choices)


# How the file is written


def _seen_of_csv(path: Path) -> _Layout:
    content, encoding, _ = to_utf8(read_bytes(path))
    text = content.decode(encoding)
    lines = [line for line in text.splitlines() if line.strip()]
    separator, columns, rows, decimal = sniff(lines, str(path))
    cells = [[row[at] for row in rows if len(row) == len(columns)] for at in range(len(columns))]
    time, layout, ambiguous = _time_column(path, columns, cells, lines[1:], separator)
    if known_layout([time]) is not None:
        raise DataError(f"{path}: has no names of columns in its first line; add a line of them")
    numbers = {
        name: column
        for name, column in zip(columns, cells, strict=True)
        if name not in (time, "") and _is_numeric(column) and not _numbers_rows(name, column)
    }
    if not numbers:
        raise DataError(f"{path}: has no column of numbers; there are: {few([*columns])}")
    words = {cell for column in numbers.values() for cell in column if cell}
    marks = sorted(word for word in words - _KNOWN_MARKS if not _NUMBER.fullmatch(word))
    declared = Declared(time, (), (*numbers,), layout, separator, decimal, tuple(marks))
    return _Layout(declared, columns, ambiguous)


#: What pandas takes for a missing value by itself.
_KNOWN_MARKS = {"NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "-nan", "#N/A"}


def _is_numeric(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell and cell not in _KNOWN_MARKS]
    numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in given)
    return bool(given) and numbers >= _NUMERIC * len(given)


def _numbers_rows(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a column with an index's name counts the rows."""
    if name.lower() not in INDEX_NAMES or not all(cell.isdigit() for cell in cells):
        return False
    return bool(np.all(np.diff([int(cell) for cell in cells]) == 1))


def _time_column(
    path: Path,
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    lines: Sequence[str],
    separator: str,
) -> tuple[str, TimeLayout, str]:
    """Return the column of times, how they are written, and what else they could mean."""
    order = sorted(range(len(columns)), key=lambda at: not _TIME_NAME.fullmatch(columns[at]))
    for at in order:
        is_called_so = _TIME_NAME.fullmatch(columns[at]) is not None
        shown = [cell for cell in cells[at] if cell]
        if not shown or (_is_numeric(shown) and not is_called_so):
            continue
        layout = known_layout(shown)
        if layout is not None:
            return columns[at], layout, ""
        formats = [each for each in _FORMATS if _all_written(shown, each)]
        if formats:
            whole = _column(lines, separator, at)
            return columns[at], *_likeliest(path, columns[at], whole, formats)
    clocks = [n for n, column in zip(columns, cells, strict=True) if _all_clocks(column)]
    hint = f"; {clocks[0]!r} has the time of day alone" if clocks else ""
    raise DataError(
        f"{path}: has no column of dates or times that can be read{hint}; there are: "
        f"{few([*map(one_line, columns)])}"
    )


def _all_clocks(cells: Sequence[str]) -> bool:
    return bool(cells) and all(_CLOCK.fullmatch(cell) for cell in cells)


def _column(lines: Sequence[str], separator: str, at: int) -> list[str]:
    import pandas as pd

    found = pd.read_csv(
        io.StringIO("\n".join(lines)), sep=separator, header=None, usecols=[at], dtype=str,
        skipinitialspace=True,
    )  # fmt: skip
    return [str(cell).strip() for cell in found.iloc[:, 0].dropna()]


def _all_written(cells: Sequence[str], written: str) -> bool:
    return _parsed(cells, written) is not None


def _parsed(cells: Sequence[str], written: str) -> Any:
    """Return times in seconds, or None where one is not written so."""
    import pandas as pd

    parsed = pd.to_datetime(pd.Series([*cells]), format=written, errors="coerce")
    return None if parsed.isna().any() else parsed.to_numpy("datetime64[s]").astype(np.int64)


def _likeliest(
    path: Path, column: str, cells: Sequence[str], formats: Sequence[str]
) -> tuple[TimeLayout, str]:
    """Return the way of writing under which the rows come most regularly."""
    regular: dict[str, float] = {}
    for written in formats:
        times = _parsed(cells, written)
        if times is not None and len(times) > 1:
            steps = np.diff(times)
            regular[written] = float(np.mean(steps == np.median(steps)))
    if not regular:
        raise DataError(f"{path}: column {column!r} has times that are not all written alike")
    best = max(regular, key=lambda written: regular[written])
    others = [each for each in regular if each != best and regular[each] == regular[best]]
    return strptime_layout(best), f" (or {others[0]}: see which is meant)" if others else ""


def _seen_of_parquet(path: Path) -> _Layout:
    import pandas as pd

    frame = frame_of(path)
    columns = tuple(map(str, frame.columns))
    for name in columns:
        if pd.api.types.is_datetime64_any_dtype(frame[name].dtype):
            return _Layout(Declared(name, (), None), columns)
    cells = [[*frame[name].head(200).astype(str).str.strip()] for name in frame.columns]
    order = [at for at, name in enumerate(columns) if _TIME_NAME.fullmatch(name)]
    for at in order:
        layout = known_layout(cells[at])
        formats = [each for each in _FORMATS if _all_written(cells[at], each)]
        if layout is None and formats:
            whole = [*frame.iloc[:, at].astype(str).str.strip()]
            layout, ambiguous = _likeliest(path, columns[at], whole, formats)
            return _Layout(Declared(columns[at], (), None, layout), columns, ambiguous)
        if layout is not None:
            return _Layout(Declared(columns[at], (), None, layout), columns)
    raise DataError(f"{path}: has no column of dates or times; there are: {few([*columns])}")


# What its columns are


def _target(columns: Sequence[str]) -> str:
    """Return the column that has the name of one that is forecast, or the first."""
    return next((name for name in columns if _TARGET_NAME.fullmatch(name)), columns[0])


def _marks(table: SeriesTable) -> list[float]:
    """Return the numbers that stand for a missing value: known ones far from all others."""
    found = []
    for mark in (remarks.MISSING, *remarks.MARKS):
        for cells in table.values.T:
            others = cells[~np.isnan(cells) & ~np.isin(cells, [remarks.MISSING, *remarks.MARKS])]
            if not (cells == mark).any() or not len(others):
                continue
            room = float(others.max() - others.min())
            if not others.min() - room <= mark <= others.max() + room:
                found.append(mark)
                break
    return found


def _unit(column: str) -> str:
    found = _UNIT.fullmatch(column) or _UNIT.fullmatch(column.lower())
    written = next((part for part in found.groups() if part), "") if found else ""
    return _WRITTEN.get(written.lower(), written)


def _of_file(
    named: str, seen: _Layout, table: SeriesTable, missing: Sequence[float | str]
) -> list[Choice]:
    declared, target = seen.declared, table.targets[0]
    written = declared.layout.format if declared.layout else None
    others = [name for name in table.columns if name != target]
    instead = f"; it could also be {few(others)}" if others else ""
    choices = [
        Choice("file", named, "CSV or Parquet, seen from this file, else from the data folder"),
        Choice("time", declared.time, "the column of the time"),
        Choice(
            "time_format",
            None if written == "ISO8601" else written,
            f"as for strptime; None is told from the file{seen.ambiguous}",
        ),
        Choice("targets", [target], f"what is predicted, one column or more{instead}"),
        Choice("inputs", [*table.columns], "what a model sees; None is all columns of numbers"),
    ]
    if declared.separator is not None:
        choices += [
            Choice("delimiter", declared.separator, "what stands between columns"),
            Choice("decimal", declared.decimal, "the decimal mark"),
        ]
    return [
        *choices,
        Choice(
            "missing", [*missing], "numbers and texts that stand for a missing value; empty does"
        ),
        Choice("unit", _unit(target), "of the target; scores are then given in it, too"),
    ]


# When its rows come


def _check_single(path: Path, table: SeriesTable, times: Any, columns: Sequence[str]) -> None:
    shared = len(table) - len(times)
    if shared > _SHARED * len(table):
        clock = next((name for name in columns if re.fullmatch(r"(?i)time|hour|zeit", name)), None)
        fix = (
            f"join the date and {clock!r} in one column"
            if clock
            else "give a file with one series, or with a column for each"
        )
        raise DataError(
            f"{path}: {counted(shared, 'row')} of {len(table):,} have the time of another; {fix}"
        )


def _interval(path: Path, times: Any) -> SamplingInterval:
    found = found_interval(times) if len(times) > 2 else None
    if found is None:
        raise DataError(
            f"{path}: has {counted(len(times), 'time')} that differ by a second or more, too few "
            "for a series"
        )
    steps = np.diff(ticks(times, found))
    usual = float(np.mean(np.abs(steps - found.mean_seconds) <= found.mean_seconds / 10))
    if usual < _REGULAR:
        least, most = (SamplingInterval(seconds=int(step)) for step in (steps.min(), steps.max()))
        raise DataError(
            f"{path}: its rows lie from {least} to {most} apart, at no interval that most have; "
            "resample it"
        )
    return SamplingInterval() if usual < 1 - _BROKEN else found


def _of_time(table: SeriesTable, interval: SamplingInterval, rows: int) -> list[Choice]:
    delay = DAY // interval.seconds if 0 < interval.seconds < DAY else 1
    training = rows // 2
    if 8 * delay > training:
        delay = 1
    lookback, step = _lookback(interval, training, delay)
    season = _season(table, interval, lookback, delay, training)
    usual = {"row": " (rows follow one another whatever time lies between: they have many gaps)"}
    return [
        Choice("interval", str(interval), "the time between rows" + usual.get(str(interval), "")),
        Choice("lookback", lookback, "rows that a model sees"),
        Choice("step", step, "of which it sees every so many"),
        Choice("delay", delay, "rows from the newest that it sees to the first that it predicts"),
        Choice("horizon", 1, "rows that are predicted, one after the other"),
        Choice(
            "season",
            season,
            "rows of a season, for the seasonal naive forecast and MASE; None is as the interval "
            "suggests",
        ),
        Choice(
            "split",
            {"train": 0.5, "validation": 0.25},
            "shares of the rows, in order, the rest for the test; or "
            '{"validation_from": "2020-01-31", "test_from": "2020-07-31"}',
        ),
        Choice("metric", "mae", "mae, rmse, mase or smape"),
    ]


def _lookback(interval: SamplingInterval, training: int, delay: int) -> tuple[int, int]:
    """Return how many rows are seen, and every how many: half the training rows at most."""
    season = interval.season or 12
    step = 1
    if 0 < interval.seconds < DAY:
        a_day = max(1, DAY // interval.seconds)
        wanted = [days * a_day for days in (7, 3, 2, 1)]
        if 3600 % interval.seconds == 0:
            step = 3600 // interval.seconds
        while wanted[0] // step > _SAMPLES and a_day % (2 * step) == 0:
            step *= 2
        step = step if all(rows % step == 0 for rows in (*wanted, delay)) else 1
    else:
        wanted = [4 * season, 2 * season, season]
    fitting = [
        rows for rows in wanted if rows // step <= _SAMPLES and 2 * (rows + delay) < training
    ]
    if fitting:
        return fitting[0], step
    return max(1, min(season, training // 3)), 1


def _season(
    table: SeriesTable, interval: SamplingInterval, lookback: int, delay: int, training: int
) -> int | None:
    """Return the season, of a day and a week, whose naive forecast errs least on training rows."""
    day = interval.season
    if day is None:
        return None
    seasons = [day, 7 * day] if 0 < interval.seconds < DAY else [day]
    values = table.values[np.argsort(table.times, kind="stable")][:training, table.target]
    errors = {
        season: float(np.nanmean(np.abs(values[lag:] - values[:-lag])))
        for season in seasons
        if season <= lookback and (lag := -(-delay // season) * season) < len(values)
    }
    return min(errors, key=lambda season: errors[season]) if errors else day


def _ahead(rows: int, interval: SamplingInterval) -> str:
    if interval.is_row:
        return counted(rows, "row")
    whole = str(SamplingInterval(rows * interval.months, rows * interval.seconds))
    return _ONE.get(whole, whole)


_ONE = {"1h": "an hour", "1d": "a day", "1w": "a week", "1month": "a month",
        "1quarter": "a quarter", "1year": "a year"}  # fmt: skip
