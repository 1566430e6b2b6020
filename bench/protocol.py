"""What travels to a worker, and what it sends back while it works."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench.trial import Trial


@dataclass(frozen=True)
class Bounds:
    """What one trial may take: seconds of wall-clock time, bytes of memory; None is no bound."""

    timeout: float | None = None
    memory: int | None = None


#: Seconds that a process gets for what it has been asked to do.
GRACE = 2.0


OK = "ok"
SKIPPED = "skipped"
FAILED = "failed"
DIVERGED = "diverged"
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out_of_memory"
CRASHED = "crashed"
STATUSES = (OK, SKIPPED, FAILED, DIVERGED, TIMEOUT, OUT_OF_MEMORY, CRASHED)


@dataclass(frozen=True)
class Outcome:
    """What a worker reports at its end; times in seconds, memory in bytes.

    metrics: train, validation, test (metric name -> value), best_epoch, and curves
    (name -> one value an epoch). timing: build, compile, first_epoch, steady_epoch, fit,
    predict (of the scored test examples), predict_per_1000, total. memory: peak_rss.
    model: parameters, size. environment: what the worker knows of where it ran.
    """

    status: str
    reason: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


#: What a worker may be asked: to train and score, to hold a plugin to its contract, to
#: clock a plugin's steps, or to prepare a task's data.
TRAIN = "train"
TEST = "test"
MEASURE = "measure"
PREPARE = "prepare"


@dataclass(frozen=True)
class MeasureBudget:
    """How much a measuring job does: enough for steady figures, and no more.

    Of training, ``warm_up`` steps are left out and up to ``steps`` are clocked; of
    prediction, ``passes`` over ``examples`` examples. Either ends after ``seconds``, once
    there are ``least``.
    """

    warm_up: int = 5
    steps: int = 100
    passes: int = 20
    examples: int = 1024
    least: int = 10
    seconds: float = 4.0


@dataclass(frozen=True)
class DataRequest:
    """What a preparing job is asked for.

    ``source`` is one of auto, official, local and synthetic; under each of ``views`` the
    training examples are counted.
    """

    source: str = "auto"
    views: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """A trial with the files it needs and what it may take.

    The plugin's source travels as text, so that what runs is what the identity was
    taken of, even if the file is edited meanwhile. ``prepared`` is the folder of parsed
    data, ``predictions`` the file in which the worker leaves its test predictions.
    ``effort`` counts for a measuring job alone, ``data`` for a preparing one, which has no
    plugin.
    """

    trial: Trial
    plugin_path: str
    plugin_source: str
    task_path: str
    prepared: str
    predictions: str
    bounds: Bounds = field(default_factory=Bounds)
    kind: str = TRAIN
    effort: MeasureBudget = field(default_factory=MeasureBudget)
    data: DataRequest = field(default_factory=DataRequest)

    def to_json(self) -> str:
        """Return the job as one JSON document on one line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Job:
        """Read a job written by ``to_json``, also by that of a later version of the suite.

        What this version does not know is left out: `check --against` has jobs done by the
        code of an earlier revision.
        """
        document = _known(Job, json.loads(text))
        parts = {
            name: kind(**_known(kind, document[name]))
            for name, kind in _PARTS.items()
            if name in document
        }
        return Job(**{**document, **parts})


_PARTS: Mapping[str, type[Any]] = {
    "trial": Trial,
    "bounds": Bounds,
    "effort": MeasureBudget,
    "data": DataRequest,
}


def _known(kind: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a document that a data class has fields for."""
    return {f.name: document[f.name] for f in fields(kind) if f.name in document}


@dataclass(frozen=True)
class WorkerReady:
    """The worker has its libraries and begins with the job itself."""


@dataclass(frozen=True)
class EpochDone:
    """An epoch has ended: its number from 1, and the validation metric."""

    epoch: int
    epochs: int
    metric: float


@dataclass(frozen=True)
class Checked:
    """One check of a plugin's contract is done; ``reason`` says what is wrong, "" nothing."""

    check: str
    reason: str


@dataclass(frozen=True)
class Readings:
    """The raw rounds of each metric that a measuring worker took, in seconds or bytes."""

    rounds: Mapping[str, list[float]]


@dataclass(frozen=True)
class Note:
    """A line for the user."""

    line: str


@dataclass(frozen=True)
class DataReady:
    """A task's data are prepared.

    ``folder`` holds the parsed arrays, ``description`` is the data section of a record.
    ``examples`` has for each view that was asked for either its number of training examples
    under the key "examples", or a reason under the key "skipped" (the view has no meaning on
    these data) or "failed" (an option of the view is wrong).
    """

    folder: str
    description: Mapping[str, Any]
    examples: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class WorkerExited:
    """The job's process has ended; ``status`` is minus the signal's number if one did it."""

    status: int


@dataclass(frozen=True)
class Finished:
    """The worker is gone; ``log`` is the tail of what it printed."""

    outcome: Outcome
    log: str


#: What a worker tells while it works and the parent passes on.
Report = EpochDone | Checked | Readings | Note | DataReady
Message = WorkerReady | Report | Outcome | WorkerExited
#: The names by which messages travel: other revisions know them by these.
_KINDS: Mapping[str, type[Message]] = {
    "Begun": WorkerReady,
    "EpochDone": EpochDone,
    "Checked": Checked,
    "Readings": Readings,
    "Note": Note,
    "DataReady": DataReady,
    "Outcome": Outcome,
    "Ended": WorkerExited,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message) -> str:
    """Return a message as one line of JSON."""
    return json.dumps({"kind": _NAMES[type(message)], **asdict(message)}) + "\n"


def decode(line: str) -> Message | None:
    """Read a line written by ``encode``; anything else, which a plugin may print, is None."""
    try:
        document: Mapping[str, Any] = json.loads(line)
        fields = {key: value for key, value in document.items() if key != "kind"}
        return _KINDS[document["kind"]](**fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


# The contract of a plugin: the checks that it is held to, and what came of each


PARSES = "parses"
IMPORTS = "imports"
BUILDS = "builds"
GLOBAL_STATE = "global_state"
OUTPUT_SHAPE = "output_shape"
TRAINS = "trains"
SAME_SEED = "same_seed"
SAVES = "saves"

#: In the order in which they are made. The first is made by reading the file, the others
#: by a worker that runs it. A crash is put down to the first that is not yet done.
CHECKS = (PARSES, IMPORTS, BUILDS, GLOBAL_STATE, OUTPUT_SHAPE, TRAINS, SAME_SEED, SAVES)

#: Seconds for all checks of one plugin: some ten times what the slowest shipped one takes.
CHECKS_TIMEOUT = 120.0

PASSED = "passed"
NOT_REACHED = "not reached"
CHECK_STATUSES = (PASSED, FAILED, SKIPPED, NOT_REACHED)


@dataclass(frozen=True)
class Verdict:
    """What came of one check of one plugin; ``reason`` is empty where it passed."""

    plugin: str
    path: str
    check: str
    status: str
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the check passed, or could not be made here and says why."""
        return self.status in (PASSED, SKIPPED)
