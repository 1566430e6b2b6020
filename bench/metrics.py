"""What the gate compares: each metric with its direction and the change that is tolerated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["quality", "time", "memory", "count"]

QUALITY = "quality"
TRAIN_STEP = "train_step"
PREDICT = "predict"
START_UP = "start_up"
COMPILE = "compile"
PEAK_MEMORY = "peak_memory"
PARAMETERS = "parameters"


@dataclass(frozen=True)
class Metric:
    """One thing that may get worse.

    ``direction`` is "min" or "max", which values are better; that of ``quality`` is its
    task's, and "" here. ``tolerance`` is the change for the worse that is let pass: of
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
        Metric(START_UP, "time", "s", "min", 0.10, "imports, opening the data, building"),
        Metric(COMPILE, "time", "s", "min", 0.10, "the first step beyond a later one"),
        Metric(PEAK_MEMORY, "memory", "bytes", "min", 0.05, "largest resident memory"),
        Metric(PARAMETERS, "count", "", "min", 0.0, "number of weights"),
    )
}
