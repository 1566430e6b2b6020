"""The verdicts on what a plugin costs: times, memory, the number of weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.analysis.places import differences, place
from bench.gate.model import (
    CANNOT_TELL,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    Finding,
    Measurement,
    Need,
    Side,
    Tested,
    decide,
)
from bench.gate.settings import CheckSettings
from bench.metrics import (
    ALL_PAGES,
    COMPILE,
    START_UP,
    Metric,
    median_over_processes,
    pages_counted,
    process_values,
)

if TYPE_CHECKING:
    from bench.statistics.ratios import Ratio

#: Settings that times and memory depend on by design, and the metrics that they change;
#: none: all of them. A worker that is forked has its libraries imported already.
_DECISIVE: Mapping[str, frozenset[str]] = {
    "threads": frozenset(),
    "inter_op_threads": frozenset(),
    "device": frozenset(),
    "start": frozenset({START_UP, COMPILE}),
}


@dataclass(frozen=True)
class Measurements:
    """What was measured of one plugin: on both sides, and of the base a second time.

    ``paired`` says that the n-th processes of all were measured beside each other.
    ``machines`` says how the sides' machines differ; "" if they do not.
    """

    base: Measurement
    candidate: Measurement
    control: Measurement | None = None
    paired: bool = False
    machines: str = ""


def other_machine(base: Side, candidate: Side) -> str:
    """Say what differs between the machines of two sides; nothing if it is the same one."""
    told = differences(place(base.machine, {}), place(candidate.machine, {}))
    return f"another machine: {told}" if told else ""


def judge_parameters(measured: Measurements, metric: Metric, tolerance: float) -> Finding | None:
    """Return the finding on a number that has no noise; None if neither side tells it.

    Args:
        measured: Of one plugin.
        metric: The number of parameters.
        tolerance: As a share.
    """
    base, candidate = measured.base.parameters, measured.candidate.parameters
    if base is None or candidate is None:
        return _one_sided(measured, metric, base is not None, candidate is not None)
    # Of nothing there is no share: a first weight is beyond any tolerance.
    change = (candidate - base) / base if base else math.copysign(math.inf, candidate)
    change = 0.0 if candidate == base else change
    return Finding(
        measured.base.key,
        metric.name,
        decide((change, change), tolerance, metric.direction),
        base=float(base),
        candidate=float(candidate),
        change=change if math.isfinite(change) else None,
        threshold=tolerance,
        unit=metric.unit,
    )


def is_tested(measured: Measurements, metric: Metric) -> bool:
    """Say whether both sides have a time or memory to be compared."""
    return all(side.rounds.get(metric.name) for side in (measured.base, measured.candidate))


def judge_rounds(
    measured: Measurements, metric: Metric, settings: CheckSettings, strict: float
) -> Tested | None:
    """Return what is found of a time or of memory; None if neither side measured it.

    Args:
        measured: Of one plugin.
        metric: Of kind time or memory.
        settings: The ``level`` and the plugin's tolerance are used.
        strict: What has to be left of the level for one of so many tests.
    """
    found = _found(measured, metric, settings)
    if found is None or found.reason:
        return None if found is None else Tested(found)
    both = (measured.base, measured.candidate)
    values = [process_values(side.rounds[metric.name]) for side in both]
    control = _control(measured, metric) if measured.paired else []
    sides = _with_a_floor([*values, control])
    if sides is None:
        return Tested(replace(found, reason="a process measured a negative number, or none"))
    if not any(map(any, sides)):
        return Tested(replace(found, verdict=UNCHANGED, change=0.0))
    judge = _judge_pairs if measured.paired else _judge_apart
    return judge(found, sides, metric, settings.level, strict)


def _found(measured: Measurements, metric: Metric, settings: CheckSettings) -> Finding | None:
    """Return the two values, with the reason why they cannot be compared, if there is one."""
    base, candidate = (
        side.rounds.get(metric.name, ()) for side in (measured.base, measured.candidate)
    )
    if not (base and candidate):
        return _one_sided(measured, metric, bool(base), bool(candidate))
    values = process_values(base), process_values(candidate)
    found = Finding(
        measured.base.key,
        metric.name,
        NOT_MEASURED,
        base=median_over_processes(values[0]),
        candidate=median_over_processes(values[1]),
        threshold=settings.tolerance(measured.base.key.plugin, metric.name),
        unit=metric.unit,
    )
    differs = _differs(measured, metric)
    if differs:
        return replace(found, verdict=NOT_COMPARABLE, reason=differs)
    if metric.kind == "time" and not measured.paired:
        disturbed = measured.base.disturbed or measured.candidate.disturbed
        if disturbed:
            whose = "the baseline" if measured.base.disturbed else "the candidate"
            reason = f"{whose} was disturbed ({disturbed}); measure it again on a quiet machine"
            return replace(found, reason=reason)
    return found


def _with_a_floor(sides: Sequence[list[float]]) -> Sequence[list[float]] | None:
    """Lift zeros to the smallest number that any side measured: they have no logarithm.

    A time is 0 where it is less than the noise of what it is the difference of: that of
    compiling where little is compiled. None is returned for what cannot be a measurement.
    """
    values = [value for side in sides for value in side]
    if not all(value >= 0 and math.isfinite(value) for value in values):
        return None
    floor = min((value for value in values if value > 0), default=0.0)
    return [[max(value, floor) for value in side] for side in sides]


def _judge_pairs(
    found: Finding, values: Sequence[list[float]], metric: Metric, level: float, strict: float
) -> Tested:
    """Judge a base's values, a candidate's, and those of the base again, if there are any."""
    from bench.statistics.ratios import fewest_rounds, paired_ratio, rounds_needed, spread

    sides = [side for side in values if side]
    rounds = min(map(len, sides))
    base, candidate, *control = (side[:rounds] for side in sides)
    fewest = fewest_rounds(len(sides), strict)
    ratio = paired_ratio(candidate, [base, *control], level)
    if ratio is None:
        reason = (
            f"{rounds} pair{'' if rounds == 1 else 's'} of processes cannot show a change at a "
            f"level of {level:g}; measure {fewest} or more"
        )
        needed = Need(fewest, _ROUNDS)
        return Tested(replace(found, verdict=CANNOT_TELL, reason=reason, needed=needed))
    apart = spread(base, control[0]) if control else 0.0
    tolerance = found.threshold or 0.0
    found = replace(found, threshold=max(tolerance, apart))
    noise = rounds_needed(ratio, rounds, tolerance)
    # Slowest, or fastest, in every round: no sample of so many says more.
    is_extreme = min(ratio.larger, ratio.smaller) < 1.01 * float(len(sides)) ** -rounds
    sharper = rounds + 1 if is_extreme else _sharper(rounds, ratio, strict)
    chance = max(fewest, sharper, noise or 0)
    noise = None if noise is None else max(noise, fewest)
    needs = (noise, chance, _ROUNDS)
    return _judged(found, ratio, metric, tolerance, needs, is_reached=fewest <= rounds)


def _judge_apart(
    found: Finding, values: Sequence[list[float]], metric: Metric, level: float, strict: float
) -> Tested:
    from bench.statistics.ratios import processes_needed, unpaired_ratio

    base, candidate, *_ = values
    ratio = unpaired_ratio(candidate, base, level)
    if ratio is None:
        whose = "the baseline" if len(base) < 2 else "the candidate"
        reason = (
            f"{whose} was measured in one process, which tells nothing of the noise; "
            "run three or more (--seeds 0,1,2)"
        )
        needed = Need(3, _PROCESSES)
        return Tested(replace(found, verdict=CANNOT_TELL, reason=reason, needed=needed))
    tolerance = found.threshold or 0.0
    noise = processes_needed(ratio, candidate, base, level, tolerance)
    chance = max(_sharper(min(len(base), len(candidate)), ratio, strict), noise or 0)
    needs = (noise, chance, _PROCESSES)
    return _judged(found, ratio, metric, tolerance, needs, is_reached=True)


_ROUNDS, _PROCESSES = "rounds", "processes a side"


def _sharper(count: int, ratio: Ratio, strict: float) -> int:
    """Return how many samples make the same change significant, by chance not just so.

    The p-value falls as a power of how many they are; half as many more, since it scatters.
    """
    chance = min(ratio.larger, ratio.smaller)
    if not 0 < chance < 1:
        return count + 1
    return max(count + 1, math.ceil(1.5 * count * math.log(strict) / math.log(chance)))


def _judged(
    found: Finding,
    ratio: Ratio,
    metric: Metric,
    tolerance: float,
    needs: tuple[int | None, int, str],
    is_reached: bool,
) -> Tested:
    """Judge a ratio.

    Args:
        found: With the values and the threshold.
        ratio: The candidate's to the base's.
        metric: Whose direction counts.
        tolerance: What the threshold would be without noise.
        needs: How many samples the noise asks for, None for too many; how many the number of
            tests asks for; and what they are samples of.
        is_reached: Whether so many tests leave anything that could be significant.
    """
    threshold = found.threshold or 0.0
    noise, chance, of = needs
    found = replace(
        found,
        verdict=decide((ratio.low - 1, ratio.high - 1), threshold, metric.direction, tolerance),
        change=ratio.estimate - 1,
        interval=(ratio.low - 1, ratio.high - 1),
        detectable=ratio.detectable(threshold, metric.direction) if is_reached else None,
    )
    if found.verdict == CANNOT_TELL:
        found = _too_noisy(found, noise, of)
    worse, better = ratio.larger, ratio.smaller
    if metric.direction == "max":
        worse, better = better, worse
    reason = f"as large a change may be by chance: {chance:,} {of} would tell"
    doubtful = replace(found, verdict=CANNOT_TELL, reason=reason, needed=Need(chance, of))
    return Tested(found, worse, better, doubtful)


def _too_noisy(found: Finding, needed: int | None, of: str) -> Finding:
    """Say how many samples the noise asks for."""
    if needed is None:
        return replace(found, reason=f"noise hides it, with 1,000 {of} too")
    reason = f"noise hides it: {needed:,} {of} would tell"
    return replace(found, reason=reason, needed=Need(needed, of))


def _one_sided(
    measured: Measurements, metric: Metric, base: bool, candidate: bool
) -> Finding | None:
    """Return the finding on what not both sides have; None if neither has."""
    if not (base or candidate):
        return None
    missing = "the candidate" if base else "the baseline"
    return Finding(
        measured.base.key,
        metric.name,
        NOT_MEASURED,
        unit=metric.unit,
        reason=f"{missing} has no {metric.name}",
    )


def _differs(measured: Measurements, metric: Metric) -> str:
    """Say why times and memory of two sides are not comparable; nothing if they are."""
    base, candidate = measured.base.settings, measured.candidate.settings
    told = [
        f"{name} {base.get(name)} and {candidate.get(name)}"
        for name, metrics in _DECISIVE.items()
        if base.get(name) != candidate.get(name) and (not metrics or metric.name in metrics)
    ]
    return "; ".join(filter(None, [measured.machines, *told, _other_pages(measured, metric)]))


def _other_pages(measured: Measurements, metric: Metric) -> str:
    """Say whose peak of memory leaves out what the other's counts; nothing if neither's."""
    sides = {"baseline": measured.base, "candidate": measured.candidate}
    alone = [name for name, side in sides.items() if pages_counted(side.settings) != ALL_PAGES]
    if metric.kind != "memory" or len(alone) != 1:
        return ""
    return (
        f"the {alone[0]}'s peak is without the pages that a forked process shares; measure it anew"
    )


def _control(measured: Measurements, metric: Metric) -> list[float]:
    """Return the values of the base measured a second time; none if it was not."""
    control = measured.control
    return process_values(control.rounds.get(metric.name, ())) if control else []
