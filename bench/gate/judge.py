"""Compare two sides: a verdict on every plugin and metric, from data alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.gate.judge_costs import (
    Measurements,
    is_tested,
    judge_parameters,
    judge_rounds,
    other_machine,
)
from bench.gate.judge_quality import Scored, judge_quality
from bench.gate.model import (
    BETTER,
    FAILED,
    GONE,
    NEW,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Key,
    Measurement,
    Report,
    Side,
    Tested,
)
from bench.gate.settings import CheckSettings
from bench.metrics import METRICS, QUALITY, Metric
from bench.protocol import CRASHED, DIVERGED, OK, OUT_OF_MEMORY, SKIPPED, TIMEOUT

#: What became of a trial that ended in a status, behind its name; else it failed.
_BECAME = {
    DIVERGED: "diverged",
    TIMEOUT: "timed out",
    OUT_OF_MEMORY: "ran out of memory",
    CRASHED: "crashed",
}


def report(
    base: Side,
    candidate: Side,
    settings: CheckSettings,
    control: Side | None = None,
    paired: bool = False,
) -> Report:
    """Compare two sides, and tell what the comparison rests on; arguments as for ``judge``."""
    return Report(
        base=base.name,
        candidate=candidate.name,
        findings=judge(base, candidate, settings, control, paired),
        notes=notes(base, candidate, paired),
        allowed=settings.allow,
        refused=settings.fail_on,
    )


def judge(
    base: Side,
    candidate: Side,
    settings: CheckSettings,
    control: Side | None = None,
    paired: bool = False,
) -> tuple[Finding, ...]:
    """Return the findings on all plugins of both sides, by key, then as ``METRICS`` stand.

    Args:
        base: What is compared with.
        candidate: What may have become worse.
        settings: Tolerances, level, and which metrics.
        control: The base's revision measured a second time, beside the others: how far it is
            from the base is noise, and thresholds rise above it.
        paired: Whether the n-th processes of all sides were measured beside each other.
    """
    both: list[Measurements] = []
    findings: dict[Key, list[Finding]] = defaultdict(list)
    machines = other_machine(base, candidate)
    for key in sorted(base.plugins.keys() | candidate.plugins.keys()):
        one, other = base.plugins.get(key), candidate.plugins.get(key)
        if one is None or other is None or not one.status == other.status == OK:
            findings[key] += _as_a_whole(one, other)
        elif one.data != other.data:
            reason = "measured on other data than the baseline"
            findings[key].append(Finding(key, "", NOT_COMPARABLE, reason=reason))
        else:
            both.append(Measurements(one, other, _same(control, key), paired, machines))
    for finding in _tested_together(both, settings):
        findings[finding.key].append(finding)
    order = [*METRICS]
    for found in findings.values():
        found.sort(key=lambda finding: order.index(finding.metric) if finding.metric else -1)
    return tuple(finding for key in sorted(findings) for finding in findings[key])


def level_of_one(level: float, tests: int, has_others: bool) -> float:
    """Return what is left of a check's level for each of so many tests of quality, or of costs.

    Each of the two kinds has half of it, or all if there is no other. If one kind had to share
    with the many tests of the other, three seeds could not tell anything beside 125 times.

    Args:
        level: How often a check may call anything worse of which nothing has changed.
        tests: Of one kind.
        has_others: Whether there are tests of the other.
    """
    return level / (2 if has_others else 1) / max(1, tests)


def _tested_together(both: Sequence[Measurements], settings: CheckSettings) -> Iterator[Finding]:
    """Judge what both sides have: each test alone, and then what is beyond the chance of all."""
    costs = [METRICS[name] for name in settings.metrics if METRICS[name].kind in ("time", "memory")]
    timed = sum(is_tested(measured, metric) for measured in both for metric in costs)
    scores = [*_scored(both)] if QUALITY in settings.metrics else []
    differing = sum(not each.is_identical for each in scores)
    level = level_of_one(settings.level, 1, has_others=timed > 0)
    scored = judge_quality(scores, settings, level)
    strict = level_of_one(settings.level, timed, has_others=differing > 0)
    tested = [each for one in both for each in _by_metric(one, scored, settings, strict)]
    for is_quality in (True, False):
        kind = [each for each in tested if (each.finding.metric == QUALITY) == is_quality]
        share = level_of_one(1.0, 1, has_others=timed > 0 if is_quality else differing > 0)
        yield from beyond_chance(kind, settings.level, share)


def beyond_chance(tested: Sequence[Tested], level: float, share: float) -> Iterator[Finding]:
    """Yield what is found of each, or that it may be chance.

    Args:
        tested: All of one kind.
        level: Of the whole check.
        share: The part of it that is this kind's.
    """
    worse = _adjusted([each.worse for each in tested], share)
    better = _adjusted([each.better for each in tested], share)
    for place, each in enumerate(tested):
        is_loss = _is_loss(each)
        chance = (worse if is_loss else better)[place]
        is_change = each.finding.verdict in (WORSE, BETTER)
        doubtful = each.doubtful
        is_chance = is_change and doubtful is not None and (chance is None or chance > level)
        found = doubtful if is_chance and doubtful is not None else each.finding
        yield replace(found, p_value=chance)


def _is_loss(each: Tested) -> bool:
    """Say whether it is the likelier that something got worse."""
    return each.better is None or (each.worse is not None and each.worse <= each.better)


def _adjusted(chances: Sequence[float | None], share: float) -> list[float | None]:
    """Correct the chances for all of the tests, and for the share of the level that they have."""
    known = [chance for chance in chances if chance is not None]
    if not known:
        return [None] * len(chances)
    from bench.statistics.beyond_chance import hommel

    adjusted = iter(hommel(known))
    return [None if chance is None else min(1.0, next(adjusted) / share) for chance in chances]


def notes(base: Side, candidate: Side, paired: bool = False) -> tuple[str, ...]:
    """Return what a reader of the findings should know of the comparison as a whole.

    Args:
        base: What is compared with.
        candidate: What may have become worse.
        paired: Whether both were measured beside each other.
    """
    return (
        *_of_commits(base, candidate),
        _of_pairs(base, candidate) if paired else _of_two_times(base, candidate),
        *_of_settings(base, candidate),
        *_of_disturbance(base, candidate, paired),
    )


def _as_a_whole(base: Measurement | None, candidate: Measurement | None) -> Iterator[Finding]:
    """Judge a plugin of which not both sides have results."""
    if candidate is None:
        if base is not None:
            yield Finding(base.key, "", GONE, reason=_unless_ok(base))
    elif candidate.status not in (OK, SKIPPED):
        reason = "; ".join([_unless_ok(candidate), *_as_before(base)])
        before = "" if base is None or base.status == OK else base.status
        yield Finding(candidate.key, "", FAILED, reason=reason, base_status=before)
    elif base is None:
        yield Finding(candidate.key, "", NEW, reason=_unless_ok(candidate))
    elif candidate.status == OK:
        # It works now; but nothing tells that it is any better than it was.
        reason = f"the baseline has no result: {_unless_ok(base)}"
        yield Finding(candidate.key, "", NEW, reason=reason)
    elif base.status == SKIPPED:
        # Told, so that nobody takes it for compared; there is nothing to be fixed in a change.
        reason = f"on both sides {_unless_ok(candidate)}"
        yield Finding(candidate.key, "", UNCHANGED, reason=reason)
    else:
        yield Finding(candidate.key, "", NOT_MEASURED, reason=_unless_ok(candidate))


def _as_before(base: Measurement | None) -> Iterator[str]:
    """Say that the baseline had no result either, and what became of it."""
    if base is not None and base.status not in (OK, SKIPPED):
        yield f"the baseline {_BECAME.get(base.status, 'failed')}, too"


def _unless_ok(measured: Measurement) -> str:
    """Return the status and its reason; nothing for ok."""
    if measured.status == OK:
        return ""
    status = measured.status.replace("_", " ")
    return f"{status}: {measured.reason}" if measured.reason else status


def _same(side: Side | None, key: Key) -> Measurement | None:
    found = side.plugins.get(key) if side else None
    return found if found is not None and found.status == OK else None


def _scored(both: Sequence[Measurements]) -> Iterator[Scored]:
    for measured in both:
        base, candidate = measured.base.quality, measured.candidate.quality
        if base and candidate and base.seeds and candidate.seeds:
            yield Scored(measured.base.key, base, candidate)


def _by_metric(
    measured: Measurements, scored: Mapping[Key, Tested], settings: CheckSettings, strict: float
) -> Iterator[Tested]:
    for metric in METRICS.values():
        if metric.name in settings.metrics:
            found = _one_metric(measured, metric, scored, settings, strict)
            if found is not None:
                yield found


def _one_metric(
    measured: Measurements,
    metric: Metric,
    scored: Mapping[Key, Tested],
    settings: CheckSettings,
    strict: float,
) -> Tested | None:
    key = measured.base.key
    if metric.kind == "count":
        tolerance = settings.tolerance(key.plugin, metric.name)
        counted = judge_parameters(measured, metric, tolerance)
        return None if counted is None else Tested(counted)
    if metric.kind != "quality":
        return judge_rounds(measured, metric, settings, strict)
    if key in scored:
        return scored[key]
    have = [bool(side.quality) for side in (measured.base, measured.candidate)]
    if not any(have):
        return None
    missing = "the candidate" if have[0] else "the baseline"
    return Tested(Finding(key, metric.name, NOT_MEASURED, reason=f"{missing} has no scores"))


def _of_commits(base: Side, candidate: Side) -> Iterator[str]:
    for word, side in (("baseline", base), ("candidate", candidate)):
        if side.commit:
            yield f"{word} {side.name}: commit {side.commit}"


def _of_pairs(base: Side, candidate: Side) -> str:
    counts = {
        min(len(one.rounds[name]), len(other.rounds[name]))
        for key, one in base.plugins.items()
        if (other := candidate.plugins.get(key)) is not None
        for name in one.rounds.keys() & other.rounds.keys()
    }
    if not counts:
        return "measured side by side: no pair of processes"
    many = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    pairs = "pair" if many == "1" else "pairs"
    return f"measured side by side: {many} {pairs} of processes"


def _of_two_times(base: Side, candidate: Side) -> str:
    return (
        f"measured apart, {base.written[:10]} and {candidate.written[:10]}: a machine's speed may "
        "have changed in between; `--against` interleaves the measurements of both sides"
    )


def _of_settings(base: Side, candidate: Side) -> Iterator[str]:
    """Tell each setting that differs between the sides of any plugin, once."""
    told: dict[str, None] = {}
    for key in sorted(base.plugins.keys() & candidate.plugins.keys()):
        pair = base.plugins[key], candidate.plugins[key]
        if any(side.status != OK for side in pair):
            continue
        one, other = (_flat(side.settings) for side in pair)
        for name in sorted(one.keys() & other.keys()):
            if one[name] != other[name]:
                told[f"{name} differs: {one[name]} and {other[name]}"] = None
    yield from told


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, those within settings and the versions by their own names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value) if isinstance(value, Mapping) else {name: value}
    return found


def _of_disturbance(base: Side, candidate: Side, paired: bool) -> Iterator[str]:
    # Apart, each finding on a time says so itself.
    disturbed = {each.disturbed for side in (base, candidate) for each in side.plugins.values()} - {
        ""
    }
    if paired and disturbed:
        yield f"the machine was not quiet ({'; '.join(sorted(disturbed))}); pairs cope with that"
