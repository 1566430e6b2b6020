"""The scores of one plugin, and what is left of them once their examples are grouped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.statistics.blocks import Grouping, group_sums, influences
from bench.task import Array


@dataclass(frozen=True)
class Sample:
    """The scores of one plugin: ``values`` of shape (S, n), a row for each of ``seeds``."""

    label: str
    seeds: tuple[int, ...]
    values: Array


@dataclass(frozen=True)
class Summary:
    """The mean of each seed, shape (S,), and the groups' influences on it, shape (S, D)."""

    seeds: tuple[int, ...]
    means: Array
    series: Array

    def over(self, wanted: Iterable[int]) -> tuple[float, Array]:
        """Return the mean over some seeds, and the influences on that, shape (D,)."""
        rows = [self.seeds.index(seed) for seed in sorted(wanted)]
        total = np.zeros(self.series.shape[1])
        for row in rows:
            total += self.series[row]
        return float(self.means[rows].mean()), total / len(rows)


def summarise(sample: Sample, grouping: Grouping) -> Summary:
    """Reduce scores to what all errors are computed from, in float64."""
    sums = group_sums(sample.values, grouping)
    means = sums.sum(axis=1) / len(grouping.index)
    return Summary(sample.seeds, means, influences(sums, grouping))
