"""What the stored predictions of the test split show beyond their mean: pure functions.

Of series: when the errors are large. Of classes: whether a probability means what it says, and
which examples a model is most wrong about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Row, Table, records_of
from bench.analysis.ranking import PredictionSource
from bench.errors import BenchError
from bench.protocol import OK

if TYPE_CHECKING:
    from bench.task import Array

DAY = 24 * 3600
#: The three months of each season; which of them is the summer depends on where a series is from.
SEASONS = ("Dec to Feb", "Mar to May", "Jun to Aug", "Sep to Nov")
#: Where a task's description says how many examples each split has.
_COUNTS = ("examples", "reviews")


@dataclass(frozen=True)
class Predicted:
    """What a row's seeds predicted for the same examples of the test split.

    ``values`` has shape (seeds, n), ``targets`` and ``groups`` (n,). ``numbers`` (n,) are those of
    the examples within the split, None where that is not known. ``meta`` is what the data say of
    themselves, which may be foreign.
    """

    label: str
    seeds: tuple[int, ...]
    values: Array
    targets: Array
    groups: Array
    numbers: Array | None
    meta: Mapping[str, Any]

    @property
    def are_classes(self) -> bool:
        """Whether all targets are 0 or 1."""
        return bool(((self.targets == 0) | (self.targets == 1)).all())


def predicted(
    store: PredictionSource, table: Table, row: Row, say: Callable[[str], None]
) -> Predicted | None:
    """Return what a row's seeds predicted, None where nothing that can be used is kept.

    Of several numbers an example, as of three classes, nothing is told here.

    Args:
        store: Where the predictions are.
        table: Where the row stands.
        row: One of its rows.
        say: Is told of each file that cannot be used.
    """
    import numpy as np

    seeds, values, first = [], [], None
    for record in records_of(table, row):
        if record.status != OK or record.predictions is None:
            continue
        try:
            arrays = store.predictions(record)
        except BenchError as error:
            say(f"not drawn: {error}")
            continue
        if not arrays.keys() >= {"predictions", "targets", "groups"} or arrays["targets"].ndim > 1:
            continue
        if first is None:
            first = arrays["targets"], arrays["groups"], record.data.get("meta")
        if arrays["predictions"].shape != first[0].shape or not np.array_equal(
            arrays["targets"], first[0]
        ):
            continue
        seeds.append(record.trial.seed)
        values.append(arrays["predictions"].astype("float32"))
    if first is None or not values:
        return None
    targets, groups, meta = first
    meta = meta if isinstance(meta, Mapping) else {}
    numbers = numbers_of(len(targets), table.scored_examples, _total(meta))
    return Predicted(
        row.label, tuple(seeds), np.stack(values), targets, groups.astype("int64"), numbers, meta
    )


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


# Of classes: how sure, how right


@dataclass(frozen=True)
class CalibrationBin:
    """Examples of alike predictions: how many, their mean, and the share that is of class 1."""

    examples: int
    predicted: float
    share: float


def calibration(targets: Array, values: Array, bins: int = 10) -> list[CalibrationBin]:
    """Return what became of the examples that were predicted alike, of all seeds together.

    Args:
        targets: Shape (n,), 0 or 1.
        values: Shape (seeds, n); what is beyond 0 and 1 counts to the last bins.
        bins: How many of one width there are; empty ones are left out.
    """
    import numpy as np

    flat = np.clip(values.astype("float64"), 0.0, 1.0).reshape(-1)
    right = np.broadcast_to(targets, values.shape).reshape(-1)
    of = np.minimum((flat * bins).astype("int64"), bins - 1)
    return [
        CalibrationBin(int(inside.sum()), float(flat[inside].mean()), float(right[inside].mean()))
        for inside in (of == number for number in range(bins))
        if inside.any()
    ]


def confusion(targets: Array, values: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return how many examples of each class were taken for which: means over the seeds.

    Returns:
        Rows are the classes 0 and 1, columns what they were taken for.
    """
    taken = values > 0.5
    rows = []
    for truth in (0, 1):
        of_class = taken[:, targets == truth]
        ones = float(of_class.sum(axis=1).mean())
        rows.append((of_class.shape[1] - ones, ones))
    return rows[0], rows[1]


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: the example's place among those scored, its class, the mean value."""

    place: int
    target: int
    value: float


def worst_mistakes(targets: Array, values: Array, most: int = 8) -> list[Mistake]:
    """Return the examples with the surest wrong predictions, by the mean over the seeds."""
    import numpy as np

    means = values.astype("float64").mean(axis=0)
    wrong = np.flatnonzero((means > 0.5) != (targets > 0.5))
    surest = wrong[np.argsort(-np.abs(means[wrong] - 0.5), kind="stable")][:most]
    return [Mistake(int(n), int(targets[n]), float(means[n])) for n in surest]
