"""Text of unknown origin (names, errors, paths) made safe for one line of output."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOTHING = "–"
_MOST_NAMES = 6


def metric_name(metric: str) -> str:
    """Write the name of a task's metric as people do: "mae_degC" is "MAE (°C)"."""
    if metric in ("macro_f1", "log_loss"):
        return metric.replace("_", " ").replace("f1", "F1")
    name, _, unit = metric.partition("_")
    known = {"mae": "MAE", "rmse": "RMSE", "mase": "MASE", "smape": "sMAPE", "degC": "°C"}
    shown = known.get(name, name)
    return f"{shown} ({known.get(unit, unit)})" if unit else shown


def measure_name(measure: str) -> str:
    """Write the name of one of ``bench.metrics.METRICS`` as people do: "train step"."""
    return measure.replace("_", " ")


def duration(seconds: float | None) -> str:
    """Write seconds with a unit that a person can read."""
    if seconds is None:
        return NOTHING
    milliseconds = 1000 * seconds
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if seconds < 119.95:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7197 else f"{seconds / 3600:.1f} h"


def size(number: float | None) -> str:
    """Write bytes in GiB or MiB."""
    if number is None:
        return NOTHING
    gib = number / 1024**3
    return f"{gib:.2f} GiB" if gib >= 1 else f"{number / 1024**2:.0f} MiB"


def count(number: int | None) -> str:
    """Write a whole number with thousands separated."""
    return NOTHING if number is None else f"{number:,}"


def quantity(number: float | None, unit: str) -> str:
    """Write a number with three digits that count, so that a change of some per cent shows.

    Args:
        number: In the unit; None or what is not finite is written as nothing.
        unit: "s", "bytes", "" for a count, or the name of a task's metric.
    """
    if number is None or not math.isfinite(number):
        return NOTHING
    if unit == "s":
        return next(
            f"{_three_digits(number * factor)} {name}"
            for name, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
            if abs(number) * factor >= 0.9995 or name == "µs"
        )
    if unit == "bytes":
        gib = number / 1024**3
        in_gib = abs(gib) >= 0.9995
        return f"{_three_digits(gib)} GiB" if in_gib else f"{_three_digits(number / 1024**2)} MiB"
    return f"{number:.4f}" if unit else f"{number:,.0f}"


def percentage(share: float | None, is_signed: bool = False) -> str:
    """Write a share in per cent; one too small for the usual digit with two that count.

    Args:
        share: 0.05 for 5%; None or what is not finite is written as nothing.
        is_signed: Whether a share that is not 0 has its sign before it.
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    number = 100 * abs(share) if is_signed else 100 * share
    usual = f"{number:.1f}"
    written = f"{number:.2g}%" if number and float(usual) == 0.0 else f"{usual}%"
    sign = "-" if share < 0 else "+" if share > 0 else ""
    return f"{sign}{written}" if is_signed else written


def _three_digits(number: float) -> str:
    """Write 0.812, 8.12, 81.2, 812 and 8,120."""
    size = abs(number)
    digits = 3 if size < 0.9995 else 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{number:,.{digits}f}"


#: How lines begin that runners of GitHub and Azure act upon: "::error::", "##[error]".
_COMMANDS = ("::", "##[", "##vso[")
_JOINERS = "\u200c\u200d"  # They hold emoji and some scripts together.


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural but for one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def capitalised(text: str) -> str:
    """Return a text with a capital first letter, as it stands at the head of something."""
    return text[:1].upper() + text[1:]


def one_line(text: str, longest: int | None = None) -> str:
    """Return text on one line, without control characters, cut with "…" where too long."""
    # Nearly all texts are as they have to be, and a large table has a million: no other space
    # than " " is printable.
    is_so = text.isprintable() and "  " not in text
    if is_so and text[:1] not in " :#" and text[-1:] != " ":
        line = text
    else:
        line = without_controls(" ".join(text.split()))
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def without_controls(line: str) -> str:
    """Return a line with "?" for each control character, its spaces as they are.

    So it is for the first character of what a CI runner would take for a command of its own.
    """
    shown = line if line.isprintable() else "".join(map(_shown, line))
    begun = shown.lstrip()
    if not begun.startswith(_COMMANDS):
        return shown
    return f"{shown[: len(shown) - len(begun)]}?{begun[1:]}"


def _shown(character: str) -> str:
    return character if character.isprintable() or character in _JOINERS else "?"


# A curve in one line of text


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Draw values as a row of blocks between their least and their greatest."""
    finite = [value for value in values if value is not None]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if v is None else _BARS[round((v - low) * scale)] for v in values)


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """Return " (did you mean 'x'?)" for the closest known word, or an empty string.

    ``alike``, from 0 to 1, is how much of it has to be the same.
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=alike)
    return f" (did you mean {close[0]!r}?)" if close else ""


def few(labels: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    shown = ", ".join(labels[:_MOST_NAMES])
    left = len(labels) - _MOST_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def notes_of(meta: Mapping[str, Any]) -> list[str]:
    """Return what a task says in sentences about its data: repaired, left out, doubtful.

    They are ``notes`` of the meta of prepared data; a record that holds them may be foreign.
    """
    notes = meta.get("notes")
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
