"""How far a trial that is trained again gives the same result: verdicts, without effects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.records.record import BIT_IDENTICAL, DIFFERENT, VERDICTS, WITHIN

if TYPE_CHECKING:
    from bench.records.record import Record
    from bench.task import Array

#: The largest absolute difference that is still ``WITHIN``. Predictions are probabilities,
#: or standard deviations of what is predicted, so that no scale is needed.
TOLERANCE = 1e-6

#: The predictions that are compared; the second is not in every record.
_PREDICTIONS = ("predictions", "validation_predictions")

#: What can make the same trial compute another way: name -> its path in the environment.
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "jit_compile": ("compilation", "jit_compile"),
    "deterministic_ops": ("compilation", "deterministic_ops"),
    "threads": ("threads",),
    "device": ("device",),
    "start": ("start",),
    "processor": ("machine", "processor"),
    "python": ("python",),
}
#: Differences beyond this are no numbers that a record may hold.
_LARGEST_NUMBER = 1e300


@dataclass(frozen=True)
class RepeatCheck:
    """A verdict, and the largest absolute difference.

    ``largest`` is None where there is no such number: what was compared has another
    shape, is missing on one side, or is not finite.
    """

    verdict: str
    largest: float | None


@dataclass(frozen=True)
class Repeats:
    """What the repeats of a row's trials gave: the worst verdict, over how many trials."""

    verdict: str
    largest: float | None
    trials: int


@dataclass(frozen=True)
class VerifySample:
    """How many trials are to be repeated; None is one of each row."""

    count: int | None = None


def sample(records: Iterable[Record], count: int | None) -> list[Record]:
    """Choose the trials that are repeated; the order of ``records`` does not matter.

    Each row gives its smallest seed first, then the next one, and so on. Of rows that
    cannot all be taken, those are taken that lie evenly in the order of task and
    identity: a digest knows nothing of cost or name.

    Args:
        records: One record a trial.
        count: How many to choose at most; None is one of each row.
    """
    rows: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.trial.seed):
        rows.setdefault(record.trial.configuration, []).append(record)
    chosen: list[Record] = []
    for turn in range(1 if count is None else max(map(len, rows.values()), default=0)):
        layer = [row[turn] for row in rows.values() if turn < len(row)]
        layer.sort(key=lambda record: (record.trial.task, record.identity))
        room = len(layer) if count is None else min(len(layer), count - len(chosen))
        chosen += [layer[number * len(layer) // room] for number in range(room)]
    return chosen


def compare_predictions(first: Mapping[str, Array], second: Mapping[str, Array]) -> RepeatCheck:
    """Compare what two trainings of a trial predicted for the same examples.

    Args:
        first: Arrays by name, each of shape (examples,): "predictions" of the test split
            and, in all but old records, "validation_predictions".
        second: The same of the repeat.
    """
    names = [name for name in _PREDICTIONS if name in first and name in second]
    if _PREDICTIONS[0] not in names:
        return RepeatCheck(DIFFERENT, None)
    return worst(_compare(first[name], second[name]) for name in names)


def compare_metrics(
    first: Mapping[str, Any], second: Mapping[str, Any], metric: str
) -> RepeatCheck:
    """Compare the scores, the best epoch and the curves in two records' section metrics.

    Times are left out, and so are the units other than the metric's own, which only
    rescale it. What an old record does not have is not compared.

    Args:
        first: The section of the first record.
        second: The section of the repeat.
        metric: The metric's name.
    """
    one, other = _figures(first, metric), _figures(second, metric)
    return worst(_compare(one[name], other[name]) for name in one if name in other)


def worst(comparisons: Iterable[RepeatCheck]) -> RepeatCheck:
    """Return the worst verdict of some comparisons, and the largest of their differences."""
    found = [*comparisons]
    known = [each.largest for each in found if each.largest is not None]
    verdict = max((each.verdict for each in found), key=VERDICTS.index, default=BIT_IDENTICAL)
    return RepeatCheck(verdict, max(known, default=0.0) if len(known) == len(found) else None)


def settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was in force when a trial was trained first and again.

    Args:
        first: The section environment of the first record.
        second: That of the repeat.

    Returns:
        By name the value, or {"first": value, "repeat": value} where the two differ.
    """
    found: dict[str, Any] = {}
    for name, path in _SETTINGS.items():
        one, other = _at(first, path), _at(second, path)
        if one != other:
            found[name] = {"first": one, "repeat": other}
        elif other is not None:
            found[name] = other
    return found


def settings_text(found: Mapping[str, Any]) -> str:
    """Write settings in one line: "threads 2, start spawn then fork"."""
    return ", ".join(f"{name} {_setting_text(value)}" for name, value in found.items())


def summarise(records: Sequence[Record]) -> Repeats | None:
    """Return what a row's repeats gave; None if no trial was repeated to its end.

    Args:
        records: All records of the row's configuration, repeats and others.
    """
    repeats = [record for record in records if record.repeat and record.repeat["verdict"]]
    if not repeats:
        return None
    comparisons = (
        RepeatCheck(r.repeat["verdict"], r.repeat["largest"]) for r in repeats if r.repeat
    )
    found = worst(comparisons)
    return Repeats(found.verdict, found.largest, len({record.identity for record in repeats}))


def verdict_text(verdict: str, largest: float | None) -> str:
    """Write a verdict, with the difference where it matters: "different, by up to 0.012"."""
    if verdict != DIFFERENT or largest is None:
        return verdict
    return f"{verdict}, by up to {largest:.2g}"


def _compare(first: Any, second: Any) -> RepeatCheck:
    import numpy as np

    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or not {one.dtype.kind, other.dtype.kind} <= set("biuf"):
        return RepeatCheck(DIFFERENT, None)
    if one.dtype == other.dtype and one.tobytes() == other.tobytes():
        return RepeatCheck(BIT_IDENTICAL, 0.0)
    with np.errstate(all="ignore"):
        one, other = one.astype("float64"), other.astype("float64")
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        gap = float(np.where(same, 0.0, np.abs(one - other)).max(initial=0.0))
    if not gap < _LARGEST_NUMBER:
        return RepeatCheck(DIFFERENT, None)
    return RepeatCheck(WITHIN if gap <= TOLERANCE else DIFFERENT, gap)


def _figures(metrics: Mapping[str, Any], metric: str) -> dict[str, list[float]]:
    """Return what is compared of a section metrics, by name, as lists of numbers."""
    found: dict[str, Any] = {"best_epoch": [metrics.get("best_epoch")]}
    for split in ("train", "validation", "test"):
        known = metrics.get(split)
        scores = known if isinstance(known, Mapping) else {}
        names = [name for name in ("loss", metric) if name in scores]
        found |= {f"{split} {name}": [scores[name]] for name in names}
    curves = metrics.get("curves", {})
    found |= {name: values for name, values in curves.items() if not name.endswith("_seconds")}
    return {name: [_number(value) for value in values] for name, values in found.items()}


def _number(value: Any) -> float:
    """Return a number of a record; what is not finite is written as null, and is all one."""
    known = isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER
    return float(value) if known else math.nan


def _at(environment: Mapping[str, Any], path: Sequence[str]) -> str | int | float | None:
    found: Any = environment
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str | int | float) else None


def _setting_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{_setting_text(value.get('first'))} then {_setting_text(value.get('repeat'))}"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "unknown" if value is None else str(value)


def gave_the_same(one: Record, other: Record) -> bool:
    """Say whether two trials gave the same: predictions, where both keep them, else all scores."""
    if one.predictions and other.predictions:
        return one.predictions.sha256 == other.predictions.sha256
    return all(
        one.metrics.get(part) == other.metrics.get(part)
        for part in ("train", "validation", "test", "best_epoch")
    )
