"""What the stored predictions of the test split show beyond their mean: pure functions.

Of series: when the errors are large, and how far ahead. Of classes: whether a probability means
what it says, which are taken for which, and which examples a model is most wrong about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Row, Table, records_of
from bench.analysis.ranking import PredictionSource
from bench.errors import BenchError
from bench.protocol import OK
from bench.records.predictions import summary_in
from bench.records.record import Record
from bench.values import OF_CLASSES

if TYPE_CHECKING:
    from bench.task import Array

DAY = 24 * 3600
#: The three months of each season; which of them is the summer depends on where a series is from.
SEASONS = ("Dec to Feb", "Mar to May", "Jun to Aug", "Sep to Nov")
#: Where a task's description says how many examples each split has.
_COUNTS = ("examples", "reviews", "texts")


@dataclass(frozen=True)
class Predicted:
    """What a row's seeds predicted for the same examples of the test split.

    ``values`` has shape (seeds, n), of two classes the probability of the second; or, with several
    numbers an example, (seeds, n, width): the probabilities of three classes or more, or several
    outputs. ``targets`` has shape (n,), of several outputs (n, width), ``groups`` (n,).
    ``numbers`` (n,) are those of the examples within the split, None where that is not known.
    ``meta`` is what the data say of themselves, which may be foreign. ``classes`` are the names of
    the classes in the order of their numbers; numbers have none. ``summary`` is what the model
    told of itself, "" where that is not kept.
    """

    label: str
    seeds: tuple[int, ...]
    values: Array
    targets: Array
    groups: Array
    numbers: Array | None
    meta: Mapping[str, Any]
    classes: tuple[str, ...] = ()
    summary: str = ""

    @cached_property
    def taken(self) -> Array:
        """The class that each example was taken for, shape (seeds, n); of classes alone."""
        return taken_for(self.values)

    def calibrated(self) -> list[CalibrationBin]:
        """Return what became of alike predictions: of two classes of the second, else of the taken.

        See ``calibration``.
        """
        if len(self.classes) == 2:
            return calibration(self.targets, self.values)
        return calibration(self.taken == self.targets, self.values.max(axis=-1))


def predicted(
    store: PredictionSource, table: Table, row: Row, say: Callable[[str], None]
) -> Predicted | None:
    """Return what a row's seeds predicted, None where nothing that can be used is kept.

    Args:
        store: Where the predictions are.
        table: Where the row stands.
        row: One of its rows.
        say: Is told of each file that cannot be used.
    """
    import numpy as np

    kept = [(r, arrays) for r in records_of(table, row) if (arrays := _arrays_of(store, r, say))]
    if not kept:
        return None
    record, first = kept[0]
    same = [(each, arrays) for each, arrays in kept if _are_of_the_same(arrays, first)]
    targets, groups, meta = first["targets"], first["groups"], record.data.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    values = np.stack([arrays["predictions"].astype("float32") for _, arrays in same])
    classes = _classes(table, values, targets, meta)
    if not classes and values.shape[1:] != targets.shape:
        return None
    return Predicted(
        row.label,
        tuple(each.trial.seed for each, _ in same),
        values,
        targets,
        groups.astype("int64"),
        numbers_of(len(targets), table.scored_examples, _total(meta)),
        meta,
        classes,
        summary_in(first),
    )


def _arrays_of(
    store: PredictionSource, record: Record, say: Callable[[str], None]
) -> Mapping[str, Array] | None:
    """Return the arrays of a record, None where there are none that belong together."""
    if record.status != OK or record.predictions is None:
        return None
    try:
        arrays = store.predictions(record)
    except BenchError as error:
        say(f"not drawn: {error}")
        return None
    if not arrays.keys() >= {"predictions", "targets", "groups"}:
        return None
    values, targets = arrays["predictions"].shape, arrays["targets"].shape
    is_one = values in (targets, (*targets, *values[1:])) and len(values) <= 2
    return arrays if is_one and arrays["groups"].shape == targets[:1] and targets[0] else None


def _are_of_the_same(arrays: Mapping[str, Array], others: Mapping[str, Array]) -> bool:
    """Say whether predictions are of the same examples, and as many numbers of each."""
    import numpy as np

    is_as_wide = arrays["predictions"].shape == others["predictions"].shape
    return is_as_wide and np.array_equal(arrays["targets"], others["targets"])


def _classes(
    table: Table, values: Array, targets: Array, meta: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the names of the classes that targets number; none where they are no such numbers."""
    import numpy as np

    if table.metric not in OF_CLASSES or targets.ndim > 1:
        return ()
    count = values.shape[2] if values.ndim == 3 else 2
    if count < values.ndim or not np.isin(targets, np.arange(count)).all():
        return ()
    names = meta.get("classes")
    if isinstance(names, list) and len(names) == count:
        return tuple(map(str, names))
    return tuple(map(str, range(count)))


def numbers_of(scored: int, asked: int | None, total: int | None) -> Array | None:
    """Return the numbers, within the whole split, of the examples that are scored.

    They are spread evenly over it, as ``bench.worker.sampling.evenly_spread`` does it.

    Args:
        scored: How many there are.
        asked: How many the profile asks for, None for all.
        total: How many the split has, None where that is not known.
    """
    import numpy as np

    if total is None:
        return np.arange(scored) if asked is None else None
    if scored > total or scored != min(total, asked or total):
        return None
    return np.linspace(0, total - 1, scored).round().astype("int64")


def _total(meta: Mapping[str, Any]) -> int | None:
    for name in _COUNTS:
        counts = meta.get(name)
        count = counts.get("test") if isinstance(counts, Mapping) else None
        if isinstance(count, int) and count > 0:
            return count
    return None


# Of a series: when


def instants(days: Array, numbers: Array, interval: int) -> Array | None:
    """Return when each target is, in seconds, shape (n,), int64; None where it cannot be told.

    Records keep the day of each target and not its time. Targets follow each other in steps of
    ``interval``, but for gaps: between two gaps there is one beginning alone that puts each
    target into its day. After a gap within a day the rest of that day may be taken for earlier.

    Args:
        days: Of each target, since 1970, not falling.
        numbers: Of each example within its split, rising.
        interval: Seconds from one example to the next.
    """
    import numpy as np

    if interval <= 0 or DAY % interval or len(days) == 0 or (np.diff(days) < 0).any():
        return None
    earliest, latest = days * DAY - numbers * interval, (days + 1) * DAY - numbers * interval
    found = np.empty(len(days), dtype="int64")
    first, low, high = 0, earliest[0], latest[0]
    for place in range(1, len(days) + 1):
        is_over = place == len(days)
        if not is_over:
            new_low, new_high = max(low, earliest[place]), min(high, latest[place])
        if is_over or new_low >= new_high:
            start = -(-low // interval) * interval
            if first == 0 and start + interval < high:
                return None  # Several beginnings would do: the examples lie too far apart.
            start = start if start < high else low
            found[first:place] = start + numbers[first:place] * interval
            if not is_over:
                first, low, high = place, earliest[place], latest[place]
        else:
            low, high = new_low, new_high
    return found


def by_hour(times: Array, errors: Array) -> list[float | None]:
    """Return the mean error of each hour of the day, 24 of them, None without examples."""
    return _means(times % DAY // 3600, errors, 24)


def by_season(times: Array, errors: Array) -> list[float | None]:
    """Return the mean error of each of ``SEASONS``, None without examples."""
    months = times.astype("datetime64[s]").astype("datetime64[M]").astype("int64") % 12 + 1
    return _means(months % 12 // 3, errors, len(SEASONS))


def _means(of: Array, errors: Array, count: int) -> list[float | None]:
    import numpy as np

    examples = np.bincount(of, minlength=count)
    sums = np.bincount(of, weights=errors, minlength=count)
    return [float(s / n) if n else None for s, n in zip(sums, examples, strict=True)]


# Of several outputs: how far ahead


@dataclass(frozen=True)
class OutputName:
    """One of the numbers that are predicted of an example: of which column, and how far ahead.

    ``target`` is the column's place among the targets, ``step`` that among the steps, from 0.
    """

    column: str
    target: int
    step: int


def outputs_of(each: Predicted) -> tuple[OutputName, ...]:
    """Return what each output of a series is: those of one step lie beside each other."""
    width = each.targets.shape[1] if each.targets.ndim == 2 else 1
    found = each.meta.get("targets")
    names = [str(name) for name in found] if isinstance(found, list) else []
    if not names or width % len(names):
        names = [""]
    return tuple(
        OutputName(names[number % len(names)], number % len(names), number // len(names))
        for number in range(width)
    )


# Of classes: how sure, how right


@dataclass(frozen=True)
class CalibrationBin:
    """Examples of alike predictions: how many, their mean, and the share of which it was right."""

    examples: int
    predicted: float
    share: float


def calibration(outcomes: Array, values: Array, bins: int = 10) -> list[CalibrationBin]:
    """Return what became of the examples that were predicted alike, of all seeds together.

    Args:
        outcomes: Shape (n,) or (seeds, n), 0 or 1: what the values are the probability of.
        values: Shape (seeds, n); what is beyond 0 and 1 counts to the last bins.
        bins: How many of one width there are; empty ones are left out.
    """
    import numpy as np

    flat = np.clip(values.astype("float64"), 0.0, 1.0).reshape(-1)
    right = np.broadcast_to(outcomes, values.shape).reshape(-1)
    of = np.minimum((flat * bins).astype("int64"), bins - 1)
    return [
        CalibrationBin(int(inside.sum()), float(flat[inside].mean()), float(right[inside].mean()))
        for inside in (of == number for number in range(bins))
        if inside.any()
    ]


def taken_for(values: Array) -> Array:
    """Return the class that each example is taken for, int64 of the shape (..., n).

    Args:
        values: Shape (seeds, n), the probability of the second of two classes; or (seeds, n,
            classes).
    """
    if values.ndim == 3:
        found: Array = values.argmax(axis=2)
        return found
    return (values > 0.5).astype("int64")


def confusion(targets: Array, taken: Array, classes: int) -> list[list[float]]:
    """Return how many examples of each class were taken for which: means over the seeds.

    Args:
        targets: Shape (n,), class numbers.
        taken: Shape (seeds, n), class numbers.
        classes: How many there are.

    Returns:
        Rows are the classes, columns what they were taken for.
    """
    import numpy as np

    pairs = targets.astype("int64") * classes + taken
    counts = np.bincount(pairs.reshape(-1), minlength=classes**2) / len(taken)
    return [[float(count) for count in row] for row in counts.reshape(classes, classes)]


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: the example's place among those scored, its class, what it was taken for.

    ``sure`` is the probability of the class that it was taken for, the mean over the seeds.
    """

    place: int
    target: int
    taken: int
    sure: float


def worst_mistakes(targets: Array, values: Array, most: int = 8) -> list[Mistake]:
    """Return the examples with the surest wrong predictions, by the mean over the seeds.

    Args:
        targets: Shape (n,), class numbers.
        values: As in ``taken_for``.
        most: Of how many examples.
    """
    import numpy as np

    means = values.astype("float64").mean(axis=0, keepdims=True)
    taken = taken_for(means)[0]
    second = means[0] if means.ndim == 2 else None
    sure = means[0].max(axis=1) if second is None else np.where(taken, second, 1 - second)
    wrong = np.flatnonzero(taken != targets)
    surest = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    return [Mistake(int(n), int(targets[n]), int(taken[n]), float(sure[n])) for n in surest]
