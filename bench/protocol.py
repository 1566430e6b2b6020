"""What travels to a worker, and what it sends back while it works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Protocol

from bench.trial import Trial
from bench.values import is_a


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

    metrics: train (metric name -> value), best_epoch, and curves (name -> one value an
    epoch); validation and test are added by the run, which scores the predictions. timing:
    build, compile, first_epoch, steady_epoch, fit, predict (of the scored test examples),
    predict_per_1000, total. memory: peak_rss, and inherited, what of it is
    shared with a fork server (see ``bench.worker.memory``). model: parameters, size, summary.
    environment: what the worker knows of where it ran.
    """

    status: str
    reason: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


#: What a worker may be asked: to train and score, to check a plugin, to
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
    training examples are counted. In the job's file of predictions the worker leaves what
    predictions under each view are scored against.
    """

    source: str = "auto"
    views: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """A trial with the files it needs and what it may take.

    The plugin's source travels as text, so that what runs is what the identity was
    taken of, even if the file is edited meanwhile. ``prepared`` is the folder of parsed
    data, ``predictions`` the file in which the worker leaves its test predictions, ``model``
    that in which it leaves its model, "" if none is to be kept.
    ``effort`` counts for a measuring job alone, ``data`` for a preparing one, which has no
    plugin. ``python`` is the interpreter of the environment that the plugin needs, "" for that of
    the run.
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
    model: str = ""
    python: str = ""

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
class WorkerNote:
    """A line for the user."""

    line: str


@dataclass(frozen=True)
class DataReady:
    """A task's data are prepared.

    ``folder`` holds the parsed arrays, ``description`` is the data section of a record.
    ``examples`` has for each view that was asked for either its number of training examples
    under the key "examples" and the view's units under "units" (with "width" and "are_shares" of
    ``bench.data.ready.Answers``), or a reason under the key "skipped" (the view has no meaning on
    these data) or "failed" (an option of the view is
    wrong).
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


@dataclass(frozen=True)
class Malformed:
    """A line that names a kind of message and is none; ``reason`` says what is wrong."""

    reason: str


#: What a worker tells while it works and the parent passes on.
Report = EpochDone | Checked | Readings | WorkerNote | DataReady
Message = WorkerReady | Report | Outcome | WorkerExited

# What a runner knows of an executor: three words, submit, events, cancel, and what happens


@dataclass(frozen=True)
class Started:
    """A worker has begun with a job; ``where`` is the machine's name, where it may be another."""

    where: str = ""


@dataclass(frozen=True)
class MoreSlots:
    """There is room for more jobs than there was; it comes with any of those submitted."""


WorkerEvent = Started | Report | Finished | MoreSlots
Event = tuple[Job, WorkerEvent]


class ExecutorLost(Exception):
    """What an executor sends jobs to is gone; says what. What has finished is whole."""


class Executor(Protocol):
    """Runs jobs somewhere and tells what happens to them.

    ``slots`` is how many jobs it runs at once: a runner that shares a results folder with
    others keeps no more than these submitted.
    """

    @property
    def slots(self) -> int:
        """How many jobs it runs at once now."""

    def submit(self, job: Job) -> None:
        """Queue a job."""

    def events(self) -> Iterator[Event]:
        """Yield what happens, until every submitted job has finished.

        Raises:
            ExecutorLost: What runs the jobs is gone for good.
        """

    def cancel(self) -> None:
        """Stop the running jobs, forget the queued ones, and let go of all resources."""


#: The names by which messages travel: other revisions know them by these.
_KINDS: Mapping[str, type[Message]] = {
    "Begun": WorkerReady,
    "EpochDone": EpochDone,
    "Checked": Checked,
    "Readings": Readings,
    "Note": WorkerNote,
    "DataReady": DataReady,
    "Outcome": Outcome,
    "Ended": WorkerExited,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message) -> str:
    """Return a message as one line of JSON."""
    return json.dumps({"kind": _NAMES[type(message)], **asdict(message)}) + "\n"


def decode(line: str) -> Message | Malformed | None:
    """Read a line written by ``encode``; anything else, which a plugin may print, is None.

    A plugin has its trial's rights, and so may send what it likes: what names a kind of
    message and does not have that kind's parts, of their types and in bounds, is Malformed.
    """
    try:
        document: Mapping[str, Any] = json.loads(line)
        name = document["kind"]
        kind = _KINDS[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    content = {key: value for key, value in document.items() if key != "kind"}
    parts = {part.name: part for part in fields(kind)}
    absent = [
        part
        for part, declared in parts.items()
        if part not in content and declared.default is declared.default_factory is MISSING
    ]
    if absent or not content.keys() <= parts.keys():
        return Malformed(f"a message {name} with other parts than it has")
    for part, value in content.items():
        if not (_is_exit_status if kind is WorkerExited else _FORMS[part])(value):
            return Malformed(f"a message {name} whose {part} is not what it must be")
    return kind(**content)


# What the parts of messages must be: types and bounds

#: Honest texts have a line or two, and what a plugin raised is cut before it is sent.
_LONGEST_TEXT = 10_000
#: Values in a message at most: the curves of ten thousand epochs are fifty thousand.
_MOST_VALUES = 1_000_000
_DEEPEST = 8
#: Beyond this, what is computed from a number overflows.
_LARGEST_NUMBER = 1e300
_LARGEST_COUNT = 2**53


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _is_number(value: Any) -> bool:
    """Say whether this is a finite number; the comparison is false for NaN."""
    return is_a(value, float) and -_LARGEST_NUMBER < value < _LARGEST_NUMBER


def _is_reading(value: Any) -> bool:
    """Say whether this is a number; one of a training that diverged need not be finite."""
    return is_a(value, float) and (isinstance(value, float) or abs(value) < _LARGEST_COUNT)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_count(value: Any) -> bool:
    return is_a(value, int) and 0 <= value <= _LARGEST_COUNT


def _is_exit_status(value: Any) -> bool:
    return is_a(value, int) and abs(value) < _LARGEST_COUNT


def _each(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return what says whether a value is an object with such values."""

    def are_all(value: Any) -> bool:
        return isinstance(value, dict) and _is_modest(value) and all(map(is_one, value.values()))

    return are_all


def _row_of(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return what says whether a value is a list of such values."""
    return lambda value: isinstance(value, list) and all(map(is_one, value))


def _is_modest(value: Any) -> bool:
    """Say whether a value, as read from JSON, is neither deep nor large."""
    left = [(value, 0)]
    seen = 0
    while left:
        one, depth = left.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            return False
        if isinstance(one, dict):
            if not all(map(_is_text, one)):
                return False
            left += [(item, depth + 1) for item in one.values()]
        elif isinstance(one, list):
            left += [(item, depth + 1) for item in one]
        elif not (one is None or isinstance(one, bool) or _is_text(one) or _is_reading(one)):
            return False
    return True


def _are_metrics(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_modest(value):
        return False
    forms = {
        "best_epoch": _is_count,
        "curves": _each(_row_of(_is_reading)),
        **dict.fromkeys(("train", "validation", "test"), _each(_is_reading)),
    }
    return all(form(value[name]) for name, form in forms.items() if name in value)


#: By the name of a part, which is the same thing in every message that has it.
_FORMS: Mapping[str, Callable[[Any], bool]] = {
    "epoch": _is_count,
    "epochs": _is_count,
    "metric": _is_number,
    "check": _is_text,
    "reason": _is_text,
    "rounds": _each(_row_of(_is_amount)),
    "line": _is_text,
    "folder": _is_text,
    "description": _each(_is_modest),
    "examples": _row_of(_each(_is_modest)),
    "status": lambda value: isinstance(value, str) and value in STATUSES,
    "metrics": _are_metrics,
    "timing": _each(_is_amount),
    "memory": _each(_is_count),
    "model": _each(_is_modest),
    "environment": _each(_is_modest),
}


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
