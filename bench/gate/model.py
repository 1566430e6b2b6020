"""What the gate knows of one side: the plugins it measured, and where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.metrics import (
    PARAMETERS,
    QUALITY,
    Estimate,
    estimate_of_count,
    estimate_over_processes,
    estimate_over_seeds,
)

if TYPE_CHECKING:
    from bench.task import Array


@dataclass(frozen=True, order=True)
class Key:
    """Tells a measured plugin from all others: what is compared has the same key.

    ``label`` is the plugin's name with what the command line changed; see ``Trial.label``.
    """

    task: str
    label: str
    source: str
    profile: str
    backend: str

    def __str__(self) -> str:
        return f"{self.task} {self.label}"


@dataclass(frozen=True)
class Conditions:
    """Under what both sides of a check are trained and measured: a trial's schedule and data."""

    profile: str = "quick"
    source: str = "auto"
    backend: str = "tensorflow"


@dataclass(frozen=True)
class Origin:
    """The record that a value was taken from, which tells its measurement from all others.

    ``trial`` is the start of the trial's identity, ``finished`` ISO time in UTC, ``commit`` that
    of the tree which was run, as ``Side`` has it.
    """

    trial: str
    finished: str
    commit: str


@dataclass(frozen=True)
class SeedScore:
    """How well one seed's model did on the validation split.

    ``value`` is the task's metric. ``digest`` is that of the predictions (SHA-256): equal
    ones are bit-identical. ``influences``, float32 of shape (D,), is what each group of
    examples adds to the error of the mean; see ``bench.statistics.blocks.influences``.
    """

    seed: int
    value: float
    digest: str
    influences: Array


@dataclass(frozen=True)
class Quality:
    """The scores of a plugin's seeds, in the order of the seeds.

    ``metric`` and ``direction`` ("min" or "max") are the task's. ``examples`` tells the
    scored examples and their groups from all others; ``independent`` says that each example
    is a group of its own.
    """

    metric: str
    direction: str
    examples: str
    independent: bool
    seeds: tuple[SeedScore, ...]


@dataclass(frozen=True)
class Measurement:
    """What one side measured of one plugin.

    ``status`` is that of a record (``bench.protocol.STATUSES``), ``reason`` why it is not ok.
    ``rounds`` are the raw rounds of a metric, one tuple a process, in seconds or bytes, each
    process with one round or more. ``disturbed`` says why the times are not to be trusted;
    "" if they are. ``data`` is the fingerprint of the data, ``settings`` what may differ
    between two sides and is worth telling: versions of libraries, threads, device.
    ``outdated`` says why it is not of the plugin as it is in the working tree, "" if it may
    be; see ``bench.records.selection.WorkingTree.outdated``. ``origins`` are where a metric's
    values come from, in their order: one a process, one a seed of the quality, one of the
    parameters; a metric is not in it where that is not known.
    """

    key: Key
    status: str
    reason: str = ""
    quality: Quality | None = None
    rounds: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    parameters: int | None = None
    disturbed: str = ""
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    outdated: str = ""
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)

    def estimate(self, metric: str) -> Estimate | None:
        """Return a metric as one value, None if it was not measured; see ``bench.metrics``."""
        if metric == QUALITY:
            scores = () if self.quality is None else self.quality.seeds
            return estimate_over_seeds([score.value for score in scores])
        if metric == PARAMETERS:
            return None if self.parameters is None else estimate_of_count(self.parameters)
        return estimate_over_processes(self.rounds.get(metric, ()))

    def value(self, metric: str) -> float | None:
        """Return the value of a metric alone, None if it was not measured."""
        estimate = self.estimate(metric)
        return None if estimate is None else estimate.value


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    ``name`` is how a reader knows it: a revision, a file. ``machine`` is as
    ``bench.machine.machine`` gives it; times of two machines are not compared.
    ``commit`` is "" where it is not known, ``written`` is ISO time in UTC.
    """

    name: str
    machine: Mapping[str, Any]
    commit: str
    written: str
    plugins: Mapping[Key, Measurement]


# What the gate finds: a verdict on each plugin and metric, and the exit status of them all


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
    ``base`` and ``candidate`` are the two values, as ``Measurement.estimate`` gives them, in the
    metric's unit. ``change`` is the candidate's minus the baseline's: of quality in
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
        allowed: Those that are tolerated.
    """
    counted = {verdict for verdict in verdicts if verdict not in allowed}
    return next((status for status, kinds in _STATUSES if counted & {*kinds}), 0)


# The rule of the gate: what an interval of a change says at a threshold


def decide(interval: tuple[float, float], threshold: float, direction: str) -> str:
    """Return better, worse, or unchanged, which is also what cannot be told.

    The whole interval has to lie beyond the threshold: a loss that is merely significant
    may be one that is tolerated, and an estimate beyond the threshold may be chance. The
    price is power, of which the finding tells how much there is.

    Args:
        interval: Of the candidate's value less the baseline's, lower end first.
        threshold: The change that is tolerated, not negative, in the interval's unit.
        direction: "min" or "max", which values are better.
    """
    low, high = interval
    risen, fallen = low > threshold, high < -threshold
    if not (risen or fallen):
        return UNCHANGED
    return WORSE if risen == (direction == "min") else BETTER
