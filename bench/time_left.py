"""How long a run will still take, as far as that can be known."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Sequence
from statistics import mean

from bench.formatting import duration
from bench.plan.order import Durations
from bench.plan.plan import Planned
from bench.records.record import Record
from bench.trial import Trial


class TimeLeft:
    """Estimates the time left from what the same trials took before.

    ``slots`` is how many trials run at once. Only trials that are trained here count: what
    is reused, hopeless, or done by another run takes no time.
    """

    def __init__(self, durations: Durations | None = None, slots: int = 1) -> None:
        self._durations = durations or Durations()
        self._slots = slots
        self._left: dict[str, Trial] = {}
        self._since: dict[str, float] = {}
        self._took: list[float] = []

    def begin(self, plan: Sequence[Planned]) -> None:
        """Start anew with what is to be run, in its order."""
        self._left = {each.trial.identity: each.trial for each in plan if each.to_run}
        self._since = {}
        self._took = []

    def started(self, planned: Planned) -> None:
        """Note when a trial starts."""
        self._since[planned.trial.identity] = time.monotonic()

    def finished(self, record: Record) -> None:
        """Note that a trial has its record, and what it took if it ran here."""
        self._left.pop(record.identity, None)
        since = self._since.pop(record.identity, None)
        if since is not None:
            self._took.append(time.monotonic() - since)
            self._durations.learn(record)

    def __str__(self) -> str:
        """Write the estimate, or nothing where there is none or nothing is left.

        "about" if all that is left was timed before; "at least" if only some was, for
        that part alone; "perhaps" if none was, by the mean of this run's trials so far.
        """
        known = [seconds for seconds in map(self._remaining, self._left) if seconds is not None]
        if known:
            word = "about" if len(known) == len(self._left) else "at least"
            return f"{word} {duration(makespan(known, self._slots))}"
        if not self._left or not self._took:
            return ""
        return f"perhaps {duration(mean(self._took) * len(self._left) / self._slots)}"

    def _remaining(self, identity: str) -> float | None:
        """Return the seconds that a trial still takes; None if unknown, or long overdue."""
        expected = self._durations.of(self._left[identity])
        since = self._since.get(identity)
        if expected is None or since is None:
            return expected
        elapsed = time.monotonic() - since
        return expected - elapsed if elapsed < expected else None


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return how long work takes in so many slots, each piece in the first that is free."""
    free = [0.0] * slots
    for piece in seconds:
        heapq.heapreplace(free, free[0] + piece)
    return max(free)
