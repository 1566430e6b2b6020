"""Where one plugin's error comes from: its seeds, the examples, and both together.

A score is mean + seed + example + what this seed makes of this example. Seeds and examples
are crossed, as readers and cases are in studies of diagnosis, and the error of the mean over
S seeds is estimated as it is there (Obuchowski & Rockette 1995; Hillis 2007):

    variance = s^2 / S + covariance

s^2 is the variance of the seed means, covariance that of two seeds' means over the examples,
which is what would be left with very many seeds. Adding the whole variance over examples to
s^2 / S would count what belongs to seed and example together twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.statistics.blocks import variances
from bench.statistics.sample import Summary

#: Seeds that change the mean by less than this share of the examples' variance do not matter:
#: rounding that differs from run to run is no randomness of training.
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Components:
    """Variances of one plugin, in the metric's unit squared.

    ``seeds`` is that of the seed means. ``interaction`` is the part of it that comes from
    the sample of examples: what a seed makes of single examples. Both are 0.0 for one seed,
    and where seeds do not matter. ``examples`` is that of one seed's mean over the
    examples. ``count`` is how many seeds.
    """

    seeds: float
    interaction: float
    examples: float
    count: int

    @property
    def random(self) -> bool:
        """Whether two or more seeds tell that seeds matter."""
        return self.seeds + self.interaction > 0


def components(summary: Summary, length: int) -> Components:
    """Estimate the variances of one plugin, with blocks of ``length`` groups."""
    count = len(summary.seeds)
    examples = float(variances(summary.series, length).mean())
    if count == 1:
        return Components(0.0, 0.0, examples, 1)
    _, average = summary.over(summary.seeds)
    of_average = float(variances(average[None, :], length)[0])
    interaction = max(0.0, (examples - of_average) * count / (count - 1))
    seeds = float(summary.means.var(ddof=1))
    if seeds + interaction <= NEGLIGIBLE * examples:
        return Components(0.0, 0.0, examples, count)
    return Components(seeds, interaction, examples, count)
