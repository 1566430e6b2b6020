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

    @property
    def plugin(self) -> str:
        """The plugin's name: a label says behind it what the command line changed."""
        return self.label.partition(" (")[0]

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
CANNOT_TELL = "cannot tell"
VERDICTS = (
    BETTER,
    UNCHANGED,
    WORSE,
    CANNOT_TELL,
    NEW,
    GONE,
    FAILED,
    NOT_MEASURED,
    NOT_COMPARABLE,
)

#: Exit statuses with what they are called, if not by their verdicts, and the verdicts that they
#: count, the most urgent first: a check ends with the first that applies.
STATUSES: Mapping[int, tuple[str, tuple[str, ...]]] = {
    1: ("worse", (WORSE,)),
    3: ("failed or not measured", (FAILED, NOT_MEASURED)),
    5: ("not comparable", (NOT_COMPARABLE,)),
    6: ("", (CANNOT_TELL, GONE, NEW, BETTER)),
}
NO_BASELINE = 4
#: The verdicts that fail a check which is told nothing else.
FAILING = frozenset({WORSE, FAILED, NOT_MEASURED, NOT_COMPARABLE})
#: Those that a check may be asked to fail by.
REFUSABLE = tuple(verdict for verdict in VERDICTS if verdict != UNCHANGED)

#: What ``git bisect run`` takes an exit status for. From 128 on it gives the search up.
BISECT_GOOD, BISECT_BAD, BISECT_SKIP, BISECT_ABORT = 0, 1, 125, 128


@dataclass(frozen=True)
class Need:
    """What it would take to tell: ``count`` "rounds", "processes a side" or "seeds a side"."""

    count: int
    of: str


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
    or the name of the task's metric. ``needed`` is what it would take where it cannot be told.
    ``base_status`` is that of a baseline without a result, "" of one that has one. ``p_value``
    is how often a check of so many tests finds as large a change anywhere by chance alone.
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
    needed: Need | None = None
    base_status: str = ""
    p_value: float | None = None


@dataclass(frozen=True)
class Tested:
    """A finding before it is known among how many others it stands.

    ``worse`` and ``better`` are how often chance alone makes such a loss, and such a gain; None
    where no test is needed, or none could be significant. ``doubtful`` is found in place of a
    loss or a gain that is not beyond the chance of so many tests.
    """

    finding: Finding
    worse: float | None = None
    better: float | None = None
    doubtful: Finding | None = None


@dataclass(frozen=True)
class Report:
    """All that a check found.

    ``base`` and ``candidate`` name the sides. ``notes`` are lines about the comparison as a
    whole: other versions of libraries, how many pairs. ``refused`` are the verdicts that
    fail this check though they would fail no other, ``allowed`` those that do not, whatever
    else is said. ``is_bisect``: the exit status is for ``git bisect run``.
    """

    base: str
    candidate: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    allowed: Collection[str] = field(default_factory=frozenset)
    refused: Collection[str] = field(default_factory=frozenset)
    is_bisect: bool = False

    @property
    def failing(self) -> frozenset[str]:
        """The verdicts that fail this check."""
        return (FAILING | {*self.refused}) - {*self.allowed}

    @property
    def status(self) -> int:
        """The exit status of the check."""
        if self.is_bisect:
            return self._bisect_status()
        return exit_status((finding.verdict for finding in self.findings), self.failing)

    def _bisect_status(self) -> int:
        """Say good, bad, or that it is not known.

        Bad is what is worse, and what fails while the baseline has a result. Good is only what
        was judged as a whole: one verdict that there is not, and that is not allowed, may hide
        the change that is looked for.
        """
        counted = [finding for finding in self.findings if finding.verdict not in self.allowed]
        if any(self._is_bad(finding) for finding in counted):
            return BISECT_BAD
        judged = [finding.verdict in (UNCHANGED, BETTER) for finding in counted]
        return BISECT_GOOD if judged and all(judged) else BISECT_SKIP

    def _is_bad(self, finding: Finding) -> bool:
        if finding.verdict == FAILED:
            return not finding.base_status
        return finding.verdict in {WORSE, *({*self.refused} & {BETTER, GONE, NEW})}


def exit_status(verdicts: Iterable[str], failing: Collection[str] = FAILING) -> int:
    """Return the first of ``STATUSES`` that a failing verdict has; 0 if none fails.

    Args:
        verdicts: Of ``VERDICTS``.
        failing: Those that fail the check.
    """
    counted = {verdict for verdict in verdicts if verdict in failing}
    return next((status for status, (_, kinds) in STATUSES.items() if counted & {*kinds}), 0)


# The rule of the gate: what an interval of a change says at a threshold


def decide(
    interval: tuple[float, float], threshold: float, direction: str, tolerance: float | None = None
) -> str:
    """Return better, worse, unchanged, or that it cannot be told.

    The whole interval has to lie beyond the threshold: a loss that is merely significant
    may be one that is tolerated, and an estimate beyond the threshold may be chance. It cannot
    be told where a loss beyond the threshold is possible, and the interval is longer than what
    is tolerated either way, as each is that reaches beyond it on both sides. A shorter one that
    begins within is of a change that is about as large as what is tolerated.

    Args:
        interval: Of the candidate's value less the baseline's, lower end first.
        threshold: The change that is tolerated, not negative, in the interval's unit.
        direction: "min" or "max", which values are better.
        tolerance: What would be tolerated without the noise by which a threshold was raised;
            the threshold by default.
    """
    size = threshold if tolerance is None else tolerance
    low, high = interval if direction == "min" else (-interval[1], -interval[0])
    if low > threshold:
        return WORSE
    if high < -threshold:
        return BETTER
    return CANNOT_TELL if high > size and high - low > 2 * size else UNCHANGED
