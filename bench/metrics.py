"""The metrics: direction, tolerated change, and the one estimator of a metric's value.

Whoever tells a metric of a measurement as one number (a check, a baseline, a history, an
export, a table) takes it from here, so that the same measurement is the same number wherever
it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["quality", "time", "memory", "count"]

QUALITY = "quality"
TRAIN_STEP = "train_step"
PREDICT = "predict"
TRAIN_STEP_CPU = "train_step_cpu"
PREDICT_CPU = "predict_cpu"
START_UP = "start_up"
COMPILE = "compile"
PEAK_MEMORY = "peak_memory"
PARAMETERS = "parameters"


@dataclass(frozen=True)
class Metric:
    """One thing that may get worse.

    ``direction`` is "min" or "max", which values are better; that of ``quality`` is its
    task's, and "" here. ``tolerance`` is the change for the worse that is tolerated: of
    quality in the unit of the task's metric, of all others as a share of the baseline.
    ``about`` says what is measured.
    """

    name: str
    kind: Kind
    unit: str
    direction: str
    tolerance: float
    about: str


#: In the order in which they are told.
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(QUALITY, "quality", "", "", 0.002, "the task's metric on the validation split"),
        Metric(TRAIN_STEP, "time", "s", "min", 0.02, "one step of training, input included"),
        Metric(PREDICT, "time", "s", "min", 0.02, "prediction of 1,000 examples"),
        Metric(TRAIN_STEP_CPU, "time", "s", "min", 0.02, "processor time of a training step"),
        Metric(PREDICT_CPU, "time", "s", "min", 0.02, "processor time of 1,000 predictions"),
        Metric(START_UP, "time", "s", "min", 0.10, "imports, opening the data, building"),
        Metric(COMPILE, "time", "s", "min", 0.10, "the first step beyond a later one"),
        Metric(
            PEAK_MEMORY,
            "memory",
            "bytes",
            "min",
            0.05,
            "the most memory, with pages of libraries that are shared",
        ),
        Metric(PARAMETERS, "count", "", "min", 0.0, "number of weights"),
    )
}


#: Which pages a peak of memory counts, as a trial's environment and a side's settings say
#: (``memory_pages``): all that the process would have by itself, or its own resident set
#: alone, which leaves out what a forked one has from the fork server and has not touched.
ALL_PAGES, OWN_PAGES = "all", "own"


def pages_counted(settings: Mapping[str, Any]) -> str:
    """Say which pages a peak of memory counts: ``ALL_PAGES`` or ``OWN_PAGES``.

    A process that was started from nothing has no pages but its own; so were all of the
    records that do not tell how it was.

    Args:
        settings: The environment of a record, or the settings of a side.
    """
    is_forked = settings.get("start") == "fork"
    return OWN_PAGES if is_forked and settings.get("memory_pages") != ALL_PAGES else ALL_PAGES


#: Which quantile of its rounds stands for a process.
FAST = 0.1

#: How the value of a metric comes from what was measured, by its kind, in words.
ESTIMATORS: Mapping[Kind, str] = {
    "quality": "mean over seeds",
    "time": "median over processes of the first decile of each one's rounds",
    "memory": "median over processes of the first decile of each one's rounds",
    "count": "the number itself",
}


@dataclass(frozen=True)
class Estimate:
    """A metric's value, with the least and the largest of the ``count`` seeds or processes."""

    value: float
    low: float
    high: float
    count: int


def estimator(metric: str) -> str:
    """Say how the value of a metric comes from what was measured."""
    return ESTIMATORS[METRICS[metric].kind]


def process_value(rounds: Sequence[float]) -> float:
    """Return what a process measured: the first decile of its rounds, by interpolation.

    A machine can hold a round up but never hurry it, so that the fast rounds tell most of
    the code (Chen & Revels 2016, "Robust benchmarking in noisy environments"); the very
    fastest is one round's luck. On 30 real processes of a GRU's training, 40 steps each on two
    threads, 8 pairs found 85% of 5% slowdowns by the first decile, 81% by the minimum, 65% by
    the first quartile and 29% by the median, each without a false alarm. On one thread, 100
    steps each, the first decile found all.

    Args:
        rounds: At least one, in seconds or bytes.

    Returns:
        NaN where a round is no finite number.
    """
    if not all(map(math.isfinite, rounds)):
        return math.nan
    ordered = sorted(map(float, rounds))
    place = FAST * (len(ordered) - 1)
    below = int(place)
    lower, upper = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    share, apart = place - below, upper - lower
    # From the nearer end, so that the value never leaves the two.
    return lower + share * apart if share < 0.5 else upper - (1 - share) * apart


def process_values(processes: Iterable[Sequence[float]]) -> list[float]:
    """Return one value a process: its rounds share what it was dealt."""
    return [process_value(rounds) for rounds in processes]


def median_over_processes(values: Sequence[float]) -> float:
    """Return a time or memory of some processes, at least one, each by its one value."""
    from statistics import median  # Not before it is needed: commands import this module.

    return median(values)


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample standard deviation of values, at least one; None for one.

    To the bit what ``statistics.mean`` and ``stdev`` of Python 3.11 return, in a tenth of their
    time: a large table has tens of thousands. Both are computed in whole numbers, and rounded once.
    """
    from statistics import mean, stdev

    count = len(values)
    if count < 2 or not all(type(value) is float and math.isfinite(value) for value in values):
        return mean(values), stdev(values) if count > 1 else None
    ratios = [value.as_integer_ratio() for value in values]
    unit = max(below for _, below in ratios)  # All are powers of two.
    whole = [above * (unit // below) for above, below in ratios]
    total = sum(whole)
    squares = count * sum(value * value for value in whole) - total * total
    return total / (count * unit), _square_root(squares, count * (count - 1) * unit * unit)


def _square_root(above: int, below: int) -> float:
    """Return the square root of a fraction, rounded once."""
    # As many digits as a float has, twice; what is beyond them decides only which way a tie goes.
    shift = (above.bit_length() - below.bit_length() - 109) // 2
    if shift >= 0:
        below <<= 2 * shift
    else:
        above <<= -2 * shift
    root = math.isqrt(above // below)
    root |= root * root * below != above
    return float(root << shift) if shift >= 0 else root / (1 << -shift)


def mean_over_seeds(scores: Sequence[float]) -> float:
    """Return the quality of some seeds, at least one, each by its score."""
    from statistics import fmean

    return fmean(scores)


def estimate_over_processes(processes: Iterable[Sequence[float]]) -> Estimate | None:
    """Return a time or memory from the rounds of each process; None for none."""
    values = process_values(processes)
    return _estimate(median_over_processes(values), values) if values else None


def estimate_over_seeds(scores: Sequence[float]) -> Estimate | None:
    """Return the quality from the score of each seed; None for none."""
    return _estimate(mean_over_seeds(scores), scores) if scores else None


def estimate_of_count(number: int) -> Estimate:
    """Return a number that is counted, and has no noise."""
    return _estimate(float(number), [float(number)])


def _estimate(value: float, values: Sequence[float]) -> Estimate:
    return Estimate(value, min(values), max(values), len(values))
