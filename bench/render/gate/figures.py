"""What one side measured, as figures for those who keep their history elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median

from bench.gate.side import Measured, Side
from bench.metrics import METRICS, PARAMETERS, QUALITY
from bench.protocol import OK
from bench.render.gate.words import labels


@dataclass(frozen=True)
class Figure:
    """One metric of one plugin.

    ``name`` is the plugin's; ``unit`` "s", "bytes", "" or the name of the task's metric;
    ``direction`` "min" or "max". ``value`` is the median over processes of the medians of
    their rounds, for quality the mean over seeds; ``low`` and ``high`` are the least and
    the largest of these processes or seeds, ``count`` is how many.
    """

    name: str
    metric: str
    unit: str
    direction: str
    value: float
    low: float
    high: float
    count: int
    about: str


def figures(side: Side) -> list[Figure]:
    """Return all finite figures of the plugins that are ok, by plugin and metric."""
    names = labels(side.plugins)
    return [
        figure
        for key, measured in sorted(side.plugins.items())
        if measured.status == OK
        for figure in _figures(f"{key.task} {names[key]}", measured)
        if all(map(math.isfinite, (figure.value, figure.low, figure.high)))
    ]


def _figures(name: str, measured: Measured) -> Iterator[Figure]:
    key, quality = measured.key, measured.quality
    about = f"data: {key.source}, profile: {key.profile}, backend: {key.backend}"
    if quality and quality.seeds:
        scores = [score.value for score in quality.seeds]
        found = (mean(scores), min(scores), max(scores), len(scores))
        seeds = f"{about}, seeds: {len(scores)}"
        yield Figure(name, QUALITY, quality.metric, quality.direction, *found, seeds)
    for metric in METRICS.values():
        if rounds := measured.rounds.get(metric.name):
            processes = [median(each) for each in rounds]
            found = (median(processes), min(processes), max(processes), len(processes))
            of = f"{about}, processes: {len(processes)}"
            yield Figure(name, metric.name, metric.unit, metric.direction, *found, of)
    if measured.parameters is not None:
        number = float(measured.parameters)
        direction = METRICS[PARAMETERS].direction
        yield Figure(name, PARAMETERS, "", direction, number, number, number, 1, about)
