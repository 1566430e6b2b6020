"""What the gate finds: a verdict on each plugin and metric, and the exit status of them all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bench.gate.side import Key

BETTER = "better"
UNCHANGED = "unchanged"
WORSE = "worse"
NEW = "new"
GONE = "gone"
FAILED = "failed"
NOT_MEASURED = "not measured"
NOT_COMPARABLE = "not comparable"
VERDICTS = (BETTER, UNCHANGED, WORSE, NEW, GONE, FAILED, NOT_MEASURED, NOT_COMPARABLE)

#: Exit statuses, the most urgent first: a check ends with the first that applies.
_STATUSES = ((1, (WORSE,)), (3, (FAILED, NOT_MEASURED)), (5, (NOT_COMPARABLE,)))
NO_BASELINE = 4


@dataclass(frozen=True)
class Finding:
    """The verdict on one plugin and metric.

    ``metric`` is "" where the verdict is on the plugin as a whole: new, gone, failed.
    ``base`` and ``candidate`` are the two values: means over seeds, medians over processes,
    in the metric's unit. ``change`` is the candidate's minus the baseline's: of quality in
    the task's metric, of all else as a share of the baseline (0.05 is 5% more), and
    ``interval`` is its confidence interval. ``threshold``, not negative, is the change for
    the worse that the interval had to lie beyond; ``detectable`` the smallest one that would
    have been found with 95% power. None is what is not known. ``unit`` is "s", "bytes", ""
    or the name of the task's metric.
    """

    key: Key
    metric: str
    verdict: str
    base: float | None = None
    candidate: float | None = None
    change: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    detectable: float | None = None
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """All that a check found.

    ``base`` and ``candidate`` name the sides. ``notes`` are lines about the comparison as a
    whole: other versions of libraries, how many pairs. ``allowed`` are the verdicts that do
    not count against the exit status.
    """

    base: str
    candidate: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    allowed: Collection[str] = field(default_factory=frozenset)

    @property
    def status(self) -> int:
        """The exit status of the check."""
        return exit_status((finding.verdict for finding in self.findings), self.allowed)


def exit_status(verdicts: Iterable[str], allowed: Collection[str] = ()) -> int:
    """Return 0 for nothing worse, 1 worse, 3 failed or not measured, 5 not comparable.

    Where several apply it is the first of these.

    Args:
        verdicts: Of ``VERDICTS``.
        allowed: Those that are let pass.
    """
    counted = {verdict for verdict in verdicts if verdict not in allowed}
    return next((status for status, kinds in _STATUSES if counted & {*kinds}), 0)
