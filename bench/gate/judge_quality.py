"""The verdicts on quality: the same to the bit, or tested against the noise of training."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.gate.model import (
    CANNOT_TELL,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    Finding,
    Key,
    Need,
    Quality,
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


def judge_quality(plugins: Iterable[Scored], settings: CheckSettings) -> dict[Key, Finding]:
    """Return the finding on each plugin's quality.

    Plugins that were scored on the same examples are tested together, as those of a
    leaderboard: what seeds do to one tells what they may do to another. Not corrected for
    how many there are: each verdict errs as rarely as the level says, and no plugin's
    depends on how many others there are.

    Args:
        plugins: Those that both sides have scores of.
        settings: Their ``level`` and the tolerance of quality are used.
    """
    findings: dict[Key, Finding] = {}
    tables: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
    for each in plugins:
        reason = _not_comparable(each)
        if reason:
            findings[each.key] = Finding(each.key, QUALITY, NOT_COMPARABLE, reason=reason)
        elif not all(map(math.isfinite, _values(each.base) + _values(each.candidate))):
            reason = "a score is not a finite number; run it again"
            findings[each.key] = Finding(each.key, QUALITY, NOT_MEASURED, reason=reason)
        else:
            tables[_table(each)].append(each)
    for scored in tables.values():
        findings |= _judge_table(scored, settings)
    return findings


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


def _judge_table(plugins: list[Scored], settings: CheckSettings) -> Mapping[Key, Finding]:
    from bench.statistics.before_after import compare_sides

    plugins = sorted(plugins, key=lambda each: each.key)
    independent = plugins[0].base.independent
    shifts = compare_sides([_sides(each) for each in plugins], independent, settings.level)
    return {
        each.key: _finding(each, shift, settings)
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


def _finding(each: Scored, shift: Shift | None, settings: CheckSettings) -> Finding:
    tolerance, direction = settings.tolerances[QUALITY], each.base.direction
    base, candidate = mean_over_seeds(_values(each.base)), mean_over_seeds(_values(each.candidate))
    found = Finding(
        each.key,
        QUALITY,
        NOT_MEASURED,
        base=base,
        candidate=candidate,
        change=candidate - base,
        threshold=tolerance,
        unit=each.base.metric,
    )
    if each.is_identical:
        # Means over other seeds would differ though nothing has changed.
        value = mean_over_seeds(_common(each))
        return replace(
            found,
            verdict=UNCHANGED,
            base=value,
            candidate=value,
            change=0.0,
            reason=BIT_IDENTICAL,
        )
    if shift is None:
        needed = Need(3, "seeds a side")
        return replace(found, verdict=CANNOT_TELL, reason=ONE_SEED, needed=needed)
    verdict = decide((shift.low, shift.high), tolerance, direction)
    return replace(
        found,
        verdict=verdict,
        interval=(shift.low, shift.high),
        detectable=shift.detectable(tolerance),
        reason="its seeds differ far more than the baseline's" if shift.unsteady else "",
    )


def _common(each: Scored) -> list[float]:
    seeds = {score.seed for score in each.candidate.seeds}
    return [score.value for score in each.base.seeds if score.seed in seeds]


def _values(quality: Quality) -> list[float]:
    return [score.value for score in quality.seeds]
