"""The verdicts on quality: the same to the bit, or tested against the noise of training."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.gate.model import (
    BETTER,
    CANNOT_TELL,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Key,
    Need,
    Quality,
    Tested,
    decide,
)
from bench.gate.settings import CheckSettings
from bench.metrics import QUALITY, mean_over_seeds

if TYPE_CHECKING:
    from bench.statistics.before_after import Shift, Sides
    from bench.statistics.blocks import Summary

BIT_IDENTICAL = "bit-identical"
ONE_SEED = (
    "one seed cannot tell a change from chance; run both sides with three or more (--seeds 0,1,2)"
)


@dataclass(frozen=True)
class Scored:
    """The scores of a plugin that both sides have."""

    key: Key
    base: Quality
    candidate: Quality

    @property
    def is_identical(self) -> bool:
        """Whether both sides' models predict the same to the bit for every common seed."""
        base = {score.seed: score.digest for score in self.base.seeds}
        candidate = {score.seed: score.digest for score in self.candidate.seeds}
        common = base.keys() & candidate.keys()
        return bool(common) and all(base[seed] == candidate[seed] for seed in common)


def judge_quality(
    plugins: Iterable[Scored], settings: CheckSettings, level: float
) -> dict[Key, Tested]:
    """Return what is found of each plugin's quality.

    Plugins that were scored on the same examples are tested together, as those of a
    leaderboard: what seeds do to one tells what they may do to another.

    Args:
        plugins: Those that both sides have scores of.
        settings: Their ``level`` and the tolerances of quality are used.
        level: How often any of all these tests may err if nothing has changed.
    """
    found: dict[Key, Tested] = {}
    tables: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
    for each in plugins:
        reason = _not_comparable(each)
        if reason:
            found[each.key] = Tested(Finding(each.key, QUALITY, NOT_COMPARABLE, reason=reason))
        elif not all(map(math.isfinite, _values(each.base) + _values(each.candidate))):
            reason = "a score is not a finite number; run it again"
            found[each.key] = Tested(Finding(each.key, QUALITY, NOT_MEASURED, reason=reason))
        else:
            tables[_table(each)].append(each)
    tests = sum(not each.is_identical for table in tables.values() for each in table)
    for table in tables.values():
        found |= _judge_table(table, settings, level / max(1, tests))
    return found


def _not_comparable(each: Scored) -> str:
    """Say why two sides' scores cannot be compared; nothing if they can."""
    base, candidate = each.base, each.candidate
    if (base.metric, base.direction) != (candidate.metric, candidate.direction):
        return f"scored by {candidate.metric}, the baseline by {base.metric}"
    shapes = {score.influences.shape for score in (*base.seeds, *candidate.seeds)}
    is_other = base.independent != candidate.independent or len(shapes) > 1
    return "scored on other examples" if base.examples != candidate.examples or is_other else ""


def _table(each: Scored) -> tuple[str, ...]:
    key = each.key
    return key.task, key.source, key.profile, key.backend, each.base.examples


def _judge_table(
    plugins: list[Scored], settings: CheckSettings, strict: float
) -> Mapping[Key, Tested]:
    from bench.statistics.before_after import compare_sides

    plugins = sorted(plugins, key=lambda each: each.key)
    independent = plugins[0].base.independent
    shifts = compare_sides([_sides(each) for each in plugins], independent, settings.level)
    return {
        each.key: _tested(each, shift, settings, strict)
        for each, shift in zip(plugins, shifts, strict=True)
    }


def _sides(each: Scored) -> Sides:
    from bench.statistics.before_after import Sides

    if each.is_identical:
        longer = max(each.base, each.candidate, key=lambda quality: len(quality.seeds))
        return Sides(_summary(longer), None)
    return Sides(_summary(each.base), _summary(each.candidate))


def _summary(quality: Quality) -> Summary:
    import numpy as np

    from bench.statistics.blocks import Summary

    series = np.stack([score.influences for score in quality.seeds]).astype("float64")
    seeds = tuple(score.seed for score in quality.seeds)
    return Summary(seeds, np.array(_values(quality)), series)


def _tested(each: Scored, shift: Shift | None, settings: CheckSettings, strict: float) -> Tested:
    tolerance = settings.tolerance(each.key.plugin, QUALITY)
    base, candidate = mean_over_seeds(_values(each.base)), mean_over_seeds(_values(each.candidate))
    found = Finding(
        each.key,
        QUALITY,
        CANNOT_TELL,
        base=base,
        candidate=candidate,
        change=candidate - base,
        threshold=tolerance,
        unit=each.base.metric,
    )
    if each.is_identical:
        # Means over other seeds would differ though nothing has changed.
        value = mean_over_seeds(_common(each))
        found = replace(found, base=value, candidate=value, change=0.0)
        return Tested(replace(found, verdict=UNCHANGED, reason=BIT_IDENTICAL))
    if shift is None:
        return Tested(replace(found, reason=ONE_SEED, needed=Need(3, _SEEDS)))
    return _judged(found, each, shift, settings.level, strict)


_SEEDS = "seeds a side"


def _judged(found: Finding, each: Scored, shift: Shift, level: float, strict: float) -> Tested:
    tolerance = found.threshold or 0.0
    found = replace(
        found,
        verdict=decide((shift.low, shift.high), tolerance, each.base.direction),
        interval=(shift.low, shift.high),
        detectable=_detectable(each, shift, tolerance, strict),
        reason=f"the seeds of {shift.unsteady} differ far more" if shift.unsteady else "",
    )
    if shift.unsteady:
        unsteady = replace(_unsteady(found, shift, strict), interval=shift.wide)
        if found.verdict not in (WORSE, BETTER):
            return Tested(unsteady)
        return Tested(found, *_chances(each, shift, strict), unsteady)
    if found.verdict == CANNOT_TELL:
        return Tested(_too_noisy(found, shift, level), *_chances(each, shift, strict))
    return Tested(found, *_chances(each, shift, strict), _by_chance(found, each, shift, strict))


def _unsteady(found: Finding, shift: Shift, strict: float) -> Finding:
    """Say that training may fail by chance, and what would tell it from what always fails."""
    from bench.statistics.beyond_chance import seeds_for_a_failing_one

    needed = seeds_for_a_failing_one(strict)
    reason = (
        f"the seeds of {shift.unsteady} differ far more, as where training fails by chance: "
        f"{needed} seeds a side find one that newly fails in three"
    )
    return replace(found, verdict=CANNOT_TELL, reason=reason, needed=Need(needed, _SEEDS))


def _too_noisy(found: Finding, shift: Shift, level: float) -> Finding:
    """Say how many seeds, or which tolerance, the noise asks for."""
    needed = shift.seeds_needed(found.threshold or 0.0, level)
    wider = f"a tolerance of {(shift.high - shift.low) / 2:.2g}"
    if needed is None:
        return replace(found, reason=f"noise hides it, with 1,000 {_SEEDS} too; {wider} would tell")
    reason = f"noise hides it: {needed:,} seeds a side, or {wider}, would tell"
    return replace(found, reason=reason, needed=Need(needed, _SEEDS))


def _by_chance(found: Finding, each: Scored, shift: Shift, strict: float) -> Finding:
    """Say how many seeds a change as large needs to be more than the chance of so many tests."""
    from bench.statistics.beyond_chance import fewest_seeds

    most = max(len(each.base.seeds), len(each.candidate.seeds))
    needed = fewest_seeds(strict, more_than=most, distance=_distance(each, shift))
    reason = f"as large a change may be by chance: {needed} seeds a side would tell"
    return replace(found, verdict=CANNOT_TELL, reason=reason, needed=Need(needed, _SEEDS))


def _losses(each: Scored) -> tuple[list[float], list[float]]:
    """Return the scores of the base's and of the candidate's seeds, larger ones being worse."""
    sign = 1.0 if each.base.direction == "min" else -1.0
    base, candidate = ([sign * v for v in _values(q)] for q in (each.base, each.candidate))
    return base, candidate


def _chances(each: Scored, shift: Shift, strict: float) -> tuple[float | None, float | None]:
    """Return how often chance alone makes such a loss and such a gain; None if one seed tells."""
    from bench.statistics.beyond_chance import all_beyond, by_order, is_ordered

    base, candidate = _losses(each)
    if shift.scatters is None:
        chances = shift.by_examples
        return chances if each.base.direction == "min" else chances[::-1]
    if is_ordered(len(candidate), len(base), strict):
        return by_order(candidate, base), by_order([-v for v in candidate], [-v for v in base])
    worse = all_beyond(candidate, base, shift.scatters[0]) if len(base) > 1 else None
    better = all_beyond(base, candidate, shift.scatters[1]) if len(candidate) > 1 else None
    return worse, better


def _distance(each: Scored, shift: Shift) -> float:
    """Return how far the nearer seed of one side lies from the other's, in its deviations."""
    from statistics import fmean, stdev

    base, candidate = _losses(each)
    if len(base) < 2 or shift.scatters is None:
        return math.inf
    deviation = max(stdev(base), shift.scatters[0])
    worst = max(min(candidate) - fmean(base), fmean(base) - max(candidate))
    return worst / deviation if deviation else math.inf


def _detectable(each: Scored, shift: Shift, tolerance: float, strict: float) -> float | None:
    """Return the smallest loss that would be found with 95% power; None if none would be."""
    from bench.statistics.beyond_chance import beyond_at, is_ordered
    from bench.statistics.ratios import HALVES

    count, known = len(each.candidate.seeds), len(each.base.seeds)
    found = shift.detectable(tolerance)
    if shift.scatters is None or is_ordered(count, known, strict):
        return found
    distance = beyond_at(strict, count, known) if known > 1 else None
    if distance is None:
        return None
    # The nearest of some seeds lies two deviations nearer than they do on average.
    deviation = max(_deviation(each), shift.scatters[0])
    return max(found, (distance + HALVES) * deviation)


def _deviation(each: Scored) -> float:
    from statistics import stdev

    return stdev(_values(each.base))


def _common(each: Scored) -> list[float]:
    seeds = {score.seed for score in each.candidate.seeds}
    return [score.value for score in each.base.seeds if score.seed in seeds]


def _values(quality: Quality) -> list[float]:
    return [score.value for score in quality.seeds]
