"""In which order trials run, and how long each may be expected to take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from bench.plan.plan import Planned
from bench.protocol import OK
from bench.records.record import Record
from bench.trial import Trial

_Kind = tuple[str, ...]


class Durations:
    """What trials took on this machine, in seconds, by what was asked of which plugin.

    A machine is told by its processor and the number of its cores. Records of as many
    trials at once (``jobs``) count before others. What the present run has timed itself,
    see ``learn``, counts before all records.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        machine: Mapping[str, Any] | None = None,
        jobs: int = 1,
    ) -> None:
        self._alike: dict[_Kind, list[float]] = defaultdict(list)
        self._others: dict[_Kind, list[float]] = defaultdict(list)
        self._own: dict[_Kind, list[float]] = defaultdict(list)
        here = _told_by(machine)
        for record in records:
            seconds = _seconds(record)
            if seconds is not None and _told_by(record.environment.get("machine")) == here:
                is_alike = record.environment.get("jobs", 1) == jobs
                found = self._alike if is_alike else self._others
                found[_kind(record.trial)].append(seconds)

    def of(self, trial: Trial) -> float | None:
        """Return the median of what the same took with any seed, or None if it never ran here."""
        kind = _kind(trial)
        for known in (self._own, self._alike, self._others):
            if kind in known:
                return median(known[kind])
        return None

    def learn(self, record: Record) -> None:
        """Take in what a trial of the present run took."""
        seconds = _seconds(record)
        if seconds is not None:
            self._own[_kind(record.trial)].append(seconds)


def in_order(
    plan: Sequence[Planned], durations: Durations, baselines: Collection[str]
) -> list[Planned]:
    """Order a plan so that a table fills early.

    What needs no training comes first. Then the first seed of every plugin, the second of
    every one, and so on. Within such a round the baselines come first, since every row is
    compared with them, then the shortest; what was never timed here follows in the order
    given, for nothing is known of it.

    The backends of a plugin follow one another, so that they find the machine alike; a
    plugin's place is that of the quickest that is known.

    Args:
        plan: Trials in the order given.
        durations: What is known of them.
        baselines: The names of the plugins that others are compared with.
    """
    kinds = [_kind(planned.trial) for planned in plan]
    quickest: dict[_Kind, float] = {}
    for planned, kind in zip(plan, kinds, strict=True):
        seconds = durations.of(planned.trial)
        if seconds is not None:
            anywhere = _on_any(kind)
            quickest[anywhere] = min(seconds, quickest.get(anywhere, seconds))
    rounds: Counter[_Kind] = Counter()
    first: dict[_Kind, int] = {}
    places = []
    for position, (planned, kind) in enumerate(zip(plan, kinds, strict=True)):
        anywhere = _on_any(kind)
        here = quickest.get(anywhere)
        is_other = planned.trial.plugin not in baselines
        expected = (here is None, here or 0.0, first.setdefault(anywhere, position))
        places.append((planned.to_run, rounds[kind], is_other, *expected, position))
        rounds[kind] += 1
    return [plan[position] for *_, position in sorted(places)]


def _kind(trial: Trial) -> _Kind:
    """Return what trials have in common that are expected to take as long."""
    changed = (f"{key}={value!r}" for key, value in sorted(trial.overrides.items()))
    return (trial.task, trial.plugin, trial.profile, trial.source, *changed, trial.backend)


def _on_any(kind: _Kind) -> _Kind:
    """Return what a kind has in common with the same on other backends."""
    *others, _ = kind
    return tuple(others)


def _seconds(record: Record) -> float | None:
    """Return what a trial took that was trained to its end; another may have stopped early."""
    return record.timing.get("total") if record.status == OK else None


def _told_by(machine: Any) -> tuple[Any, Any]:
    """Tell machines apart by what makes a trial long: another kernel or more memory does not."""
    known = machine if isinstance(machine, Mapping) else {}
    return known.get("processor"), known.get("cores")
