"""Whether a trial had the machine to itself: its times mean little if it had not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.analysis.places import machine_of
from bench.records.record import Record
from bench.values import is_a

#: The share of the machine's CPU time that other processes may use. A system's own chores
#: and the run that waits for the trial take a few per cent; a program that computes on one
#: of up to ten cores takes more than this.
MOST_OTHERS = 0.10
#: How many times as long as usual the reference workload may take. Its readings repeat to
#: within a few per cent, now and then one is a sixth longer; where another busy process
#: shares the core they are two to three times as long.
SLOWEST = 1.25
_LARGEST = 1e300


@dataclass(frozen=True)
class Contention:
    """What disturbed a trial, as far as it is too much: falsy fields did not.

    shared: another run trained on the machine. jobs: how many trials the run itself had at
    once; each had a part of the cores, also while it was the only one. others_cpu: share of
    the machine that other processes used, 0 to 1. slowdown: how many times as long as usual
    the reference workload took. clock: its own clock disagreed with the one outside.
    """

    shared: bool = False
    jobs: int = 0
    others_cpu: float = 0.0
    slowdown: float = 0.0
    clock: bool = False

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why times are not to be trusted, in words; none if they are."""
        said = {
            "another run": self.shared,
            f"--jobs {self.jobs}": self.jobs,
            f"others used {self.others_cpu:.0%}": self.others_cpu,
            f"reference work {self.slowdown:.1f} times as long": self.slowdown,
            "its own clock was wrong": self.clock,
        }
        return tuple(words for words, is_so in said.items() if is_so)


#: Most trials had the machine to themselves.
UNDISTURBED = Contention()


def contention_of(record: Record, usual: float | None) -> str:
    """Say why a trial's times are not comparable; nothing if it had the machine to itself.

    What an old record does not tell is not held against it.

    Args:
        record: Of the trial.
        usual: Seconds that the reference workload usually takes on its machine, if known:
            see ``usual_references``.
    """
    return "; ".join(disturbance(record, usual).reasons)


def disturbance(record: Record, usual: float | None) -> Contention:
    """Return what disturbed a trial; see ``contention_of``."""
    others = _beyond(_number(_measured(record).get("others_cpu")) or 0.0, MOST_OTHERS)
    several = _several(record.environment.get("jobs"))
    slowest = max(_references(record), default=0.0)
    slowdown = _beyond(slowest / usual, SLOWEST) if usual else 0.0
    # Beside trials of its own run there is no telling whether there was another one.
    shared = record.environment.get("shared") is True and not several
    clock = bool(record.environment.get("clock"))
    if not (shared or several or others or slowdown or clock):
        return UNDISTURBED
    return Contention(shared, several, others, slowdown, clock)


def worst(found: Iterable[Contention]) -> Contention:
    """Return the worst of each kind."""
    all_found = [*found]
    return Contention(
        shared=any(one.shared for one in all_found),
        jobs=max((one.jobs for one in all_found), default=0),
        others_cpu=max((one.others_cpu for one in all_found), default=0.0),
        slowdown=max((one.slowdown for one in all_found), default=0.0),
        clock=any(one.clock for one in all_found),
    )


def usual_references(records: Iterable[Record]) -> dict[str, float]:
    """Return the usual seconds of the reference workload on each machine, by ``machine_of``.

    It is the lower quartile of all readings, before and after trials: a workload can be
    held up but not hurried, so that half of a table may be disturbed and the usual time
    is still that of the quiet trials.
    """
    readings: dict[str, list[float]] = defaultdict(list)
    for record in records:
        readings[machine_of(record)] += _references(record)
    return {
        machine: sorted(seconds)[(len(seconds) - 1) // 4]
        for machine, seconds in readings.items()
        if seconds
    }


def _beyond(value: float, most: float) -> float:
    return value if value > most else 0.0


def _references(record: Record) -> list[float]:
    measured = _measured(record)
    found = (_number(measured.get(f"reference_{when}")) for when in ("before", "after"))
    return [seconds for seconds in found if seconds]


def _measured(record: Record) -> Mapping[str, Any]:
    found = record.environment.get("contention")
    return found if isinstance(found, Mapping) else {}


def _several(jobs: Any) -> int:
    return jobs if isinstance(jobs, int) and is_a(jobs, int) and jobs > 1 else 0


def _number(value: Any) -> float | None:
    """Return a figure that can be one: the store may hold what others wrote."""
    return float(value) if is_a(value, float) and 0 <= value < _LARGEST else None
