"""Data prepared for trials: found, parsed, opened to count, and described for the records."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.prepared import (
    array_damage,
    discard,
    files_of,
    has_digest,
    kept_of,
    open_prepared,
    prepare,
    prepared_folder,
)
from bench.data.sources import Source, resolve
from bench.errors import BenchError, DataError, TaskError
from bench.files import FileStamp, stamp_of
from bench.formatting import counted, nearest, notes_of
from bench.registry.task_code import call_task, function_of, told_of_task
from bench.registry.tasks import TaskInfo

if TYPE_CHECKING:
    from bench.task import Array, Encoded, Examples, Look, OpenTask, Prepared, Question
    from bench.trial import Trial


@dataclass(frozen=True)
class Answers:
    """What predictions under a view are scored against: targets, groups, and further units.

    The examples have no inputs; ``units`` is as in ``bench.task.OpenTask``. ``width`` is how many
    numbers a prediction has, and ``are_shares`` whether these are the probabilities of classes;
    ``parts`` are some of the numbers that are scored by themselves, too.
    """

    validation: Examples
    test: Examples
    units: Mapping[str, float]
    width: int = 1
    are_shares: bool = False
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class ArrayGuard:
    """Knows how a task's prepared arrays, and the views kept of them, were when verified.

    A trial has the rights to change them for all that come later. A look costs a ``stat`` a
    file; what was written since is read whole. Where a machine has no targets of the test
    split, ``with_targets`` is false.
    """

    def __init__(
        self, folder: Path, renew: Callable[[], object], with_targets: bool = True
    ) -> None:
        self._folder = folder
        self._renew = renew
        self._with_targets = with_targets
        self._known: dict[Path, dict[Path, tuple[FileStamp | None, str]]] = {}
        self._replaced: set[Path] = set()

    def changed(self) -> str:
        """Return which folder holds other content than it did, or an empty string."""
        return next((str(folder) for folder in self._known if self._state(folder) == _OTHER), "")

    def replaced(self) -> str:
        """Return which folder has other files, of the same content, than when it was made sound.

        Another process has made it sound since, so that it may have held anything meanwhile.
        """
        for folder in self._known:
            self._state(folder)
        return next(map(str, sorted(self._replaced)), "")

    def is_whole(self) -> bool:
        """Say whether nothing is missing or changed."""
        return all(self._state(folder) == _SAME for folder in self._known)

    def make_sound(self) -> str:
        """Verify what is not verified yet, and make again what is damaged; say what was.

        Raises:
            DataError: The arrays cannot be prepared again.
        """
        repaired = []
        for folder in dict.fromkeys([self._folder, *kept_of(self._folder), *self._known]):
            known = folder in self._known
            state = self._state(folder) if known else self._first_look(folder)
            if state == _SAME and known:
                continue
            if state != _SAME:
                repaired += [folder.name] if folder.exists() or folder == self._folder else []
                with contextlib.suppress(OSError):
                    discard(folder)
                self._known.pop(folder, None)
                if folder != self._folder:
                    continue  # Whoever needs this view makes it again.
                self._renew()
            digests = files_of(folder, self._with_targets)
            self._known[folder] = {file: (stamp_of(file), digests[file]) for file in digests}
        self._replaced.clear()
        return ", ".join(repaired)

    def _state(self, folder: Path) -> str:
        states = [self._state_of(folder, file) for file in self._known[folder]]
        return max(states, key=_STATES.index)

    def _state_of(self, folder: Path, file: Path) -> str:
        stamp, digest = self._known[folder][file]
        now = stamp_of(file)
        if now is None:
            return _GONE
        if now != stamp:
            if not has_digest(file, digest):
                return _OTHER
            if stamp is None or (now[0], now[2]) != (stamp[0], stamp[2]):
                self._replaced.add(folder)
            self._known[folder][file] = (now, digest)
        return _SAME

    def _first_look(self, folder: Path) -> str:
        damage = array_damage(folder, thorough=True, with_targets=self._with_targets)
        return _SAME if damage is None else _OTHER


#: From the best to the worst.
_SAME, _GONE, _OTHER = _STATES = ("same", "gone", "other")


@dataclass(frozen=True)
class PreparedTask:
    """The data of one task, as a plan and a job need them.

    ``folder`` holds the parsed arrays. ``description`` is the data section of a record.
    ``training_examples`` returns how many training examples there are under a view; it
    raises ``CannotRun`` where the view has no meaning on these data and ``BenchError`` for a
    wrong option. ``answers`` returns what predictions under a view are scored against, None
    where the workers of an earlier revision score them. ``encode`` has a view's arrays made
    that are kept, so that no trial makes them; ``guard`` watches over all arrays.
    """

    folder: Path
    description: Mapping[str, Any]
    training_examples: Callable[[Mapping[str, Any]], int]
    answers: Callable[[Mapping[str, Any]], Answers | None] = lambda view: None
    encode: Callable[[Mapping[str, Any]], None] = lambda view: None
    guard: ArrayGuard | None = None

    @property
    def kind(self) -> str:
        """One of official, local and synthetic."""
        return str(self.description["source"])

    @property
    def fingerprint(self) -> str:
        """Digest of the data."""
        return str(self.description["fingerprint"])


def prepare_task(
    task: TaskInfo, wanted: str, path: Path | Sequence[Path] | None, say: Callable[[str], None]
) -> PreparedTask:
    """Find and parse the data of a task; ``say`` is told which, why, and what is odd in them.

    Args:
        task: The task; its file is run.
        wanted: One of auto, official, local and synthetic.
        path: The user's own file or folder, or several, if any.
        say: Takes a line for the user.

    Raises:
        DataError: The data are not to be had, or damaged.
    """
    source = resolve(task, wanted, path)
    where = f" ({Path(source.files[0]).parent})" if source.files else ""
    say(f"{task.name}: {source.kind} data: {source.why}{where}")
    folder = prepare(task, source, say=say)
    description = _description(task, source, folder)
    for note in notes_of(description["meta"]):
        say(f"{task.name}: {note}")
    views = _Views(task, folder)
    return PreparedTask(
        folder,
        description,
        views.count,
        views.answers,
        views.encode,
        ArrayGuard(folder, lambda: prepare(task, source, say=say)),
    )


def ready_in(task: TaskInfo, folder: Path) -> PreparedTask:
    """Return the data of a folder of arrays that was prepared elsewhere, for trials alone.

    The targets of the test split may be lacking. What is damaged is not made again: the guard
    raises a ``DataError`` in place of that.
    """

    def renew() -> None:
        raise DataError(f"{folder}: is damaged")

    views = _Views(task, folder)
    guard = ArrayGuard(folder, renew, with_targets=False)
    return PreparedTask(folder, {}, views.count, encode=views.encode, guard=guard)


@dataclass(frozen=True)
class Looked:
    """A task's data as they are shown: what they say of themselves, and what the task shows."""

    facts: Mapping[str, Any]
    look: Look | None


def look_at(
    task: TaskInfo,
    wanted: str,
    path: Sequence[Path] | None,
    options: Mapping[str, Any],
    split: str,
    number: int,
    say: Callable[[str], None],
) -> Looked:
    """Return what is shown of a task's data, and of one example.

    Args:
        task: The task; its file is run.
        wanted: One of auto, official, local and synthetic.
        path: The user's own files, if any.
        options: Of the view; the others are as the task has them.
        split: One of train, validation and test.
        number: Which example of it, from 0.
        say: Takes a line for the user.

    Raises:
        BenchError: The data are not to be had, an option is wrong, or there is no such example.
    """
    for key in options:
        if key not in task.view:
            raise BenchError(
                f"--set {key}: {task.name} has no such option{nearest(key, task.view)}"
            )
    prepared = prepare_task(task, wanted, path, say)
    opened, view = open_prepared(prepared.folder, with_targets=True), {**task.view, **options}
    count = len(getattr(open_task(task, opened, view), split))
    if number >= count:
        raise BenchError(
            f"--example {number}: {split} has {count:,} examples; give one from 0 to {count - 1}"
        )
    facts = {name: fact for name, fact in opened.meta.items() if name != "notes"}
    with told_of_task(task):
        shown = function_of(task, "look")
        return Looked(facts, None if shown is None else shown(opened, view, split, number))


def encode_question(
    task: TaskInfo, trial: Trial, question: Question, say: Callable[[str], None]
) -> Encoded:
    """Return what a trial's model is given for a question, and what its answer means.

    Args:
        task: The trial's task; its file is run.
        trial: Says what view and which data the model was trained on.
        question: What is asked.
        say: Takes a line for the user.

    Raises:
        BenchError: The task or its data are others now, or the question is none for the task.
    """
    from bench.task import Encoded

    if trial.task_sha256 not in ("", task.sha256) or trial.task_version != task.version:
        raise BenchError(
            f"{task.path}: was edited since {trial} was trained, and may encode otherwise; run "
            "it again"
        )
    prepared = open_prepared(_data_of(task, trial, say))
    with told_of_task(task):
        encode = function_of(task, "encode")
    if encode is None:
        raise BenchError(
            f"{task.path}: answers no questions; add encode() to it, see bench/task.py"
        )
    return call_task(task, "encode", prepared, dict(trial.view), question, kind=Encoded)


def _data_of(task: TaskInfo, trial: Trial, say: Callable[[str], None]) -> Path:
    """Return the folder of the parsed data that a trial had, parsed again where they are gone.

    Raises:
        BenchError: Others are found in their place.
    """
    source = Source(task.name, trial.source, (), trial.fingerprint, "")
    folder = prepared_folder(task, source)
    if folder.exists() and array_damage(folder) is None:
        return folder
    found = prepare_task(task, trial.source, None, say)
    if found.fingerprint != trial.fingerprint:
        raise BenchError(
            f"{task.name}: {trial} was trained on other {trial.source} data than are here; "
            "put those back, or run it again"
        )
    return found.folder


#: Of more views the answers are read anew: those of a long series take some megabytes.
_MOST_ANSWERS = 4


class _Views:
    """Opens a task's views, each as seldom as possible."""

    def __init__(self, task: TaskInfo, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._counts: dict[str, int] = {}
        self._answers: dict[str, Answers] = {}
        self._encoded: set[str] = set()

    def count(self, view: Mapping[str, Any]) -> int:
        """Return the number of training examples."""
        key = view_key(view)
        if key not in self._counts:
            self._counts[key] = len(self._open(view).train)
        return self._counts[key]

    def answers(self, view: Mapping[str, Any]) -> Answers:
        """Return what predictions are scored against."""
        key = view_key(view)
        if key not in self._answers:
            opened = self._open(view, with_targets=True)
            while len(self._answers) >= _MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
            splits = (opened.validation, opened.test)
            validation, test = map(without_inputs, splits)
            self._answers[key] = Answers(
                validation,
                test,
                dict(opened.units),
                opened.width,
                len(opened.classes) > 2,
                dict(opened.parts),
            )
        return self._answers[key]

    def encode(self, view: Mapping[str, Any]) -> None:
        """Have a view that is encoded once encoded now."""
        key = view_key(view)
        if key not in self._encoded:
            import numpy as np

            opened = self._open(view)
            with told_of_task(self._task):
                opened.train.gather(np.zeros(1, dtype="int64"))
            self._encoded.add(key)

    def _open(self, view: Mapping[str, Any], with_targets: bool = False) -> OpenTask:
        prepared = open_prepared(self._folder, with_targets)
        return open_task(self._task, prepared, view)


def open_task(task: TaskInfo, prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Open a task's prepared data under a view.

    Raises:
        CannotRun: The view has no meaning on these data.
        BenchError: An option of the view is wrong.
        TaskError: The task's file is.
    """
    from bench.task import OpenTask

    opened = call_task(task, "open_view", prepared, dict(view), kind=OpenTask)
    for name in ("train", "validation", "test"):
        split = getattr(opened, name)
        if len(split.targets) == 0 or len(split.groups) != len(split.targets):
            raise TaskError(
                task.path.parent,
                f"{task.path.name}: open_view made {len(split.targets)} {name} targets and "
                f"{len(split.groups)} groups; make one group a target, and one target at least",
            )
        wanted = split.targets.shape[:1] + ((opened.outputs,) if opened.outputs > 1 else ())
        if split.targets.shape != wanted:
            raise TaskError(
                task.path.parent,
                f"{task.path.name}: open_view made {name} targets of shape {split.targets.shape}; "
                f"of {counted(opened.outputs, 'output')} it is {wanted}",
            )
    return opened


def without_inputs(split: Examples) -> Examples:
    """Return a split's targets and groups alone, in memory."""
    from bench.task import Examples

    return Examples(split.targets.copy(), no_inputs, split.groups.copy())


def no_inputs(numbers: Array) -> Array:
    """Stand in for what gathers inputs, where there are none to be had.

    Raises:
        DataError: Always.
    """
    raise DataError("only targets and groups of these examples are at hand")


def view_key(view: Mapping[str, Any]) -> str:
    """Return a text by which a view is known from all others."""
    return repr(sorted(view.items()))


def _description(task: TaskInfo, source: Source, folder: Path) -> dict[str, Any]:
    return {
        "source": source.kind,
        "fingerprint": source.fingerprint,
        "why": source.why,
        "files": [Path(file).name for file in source.files],
        "meta": dict(open_prepared(folder).meta),
        "metric": {
            "name": task.metric,
            "direction": task.direction,
            "baseline": task.baseline,
            "units": dict(task.units),
            "groups": task.groups,
            "in_time": task.in_time,
        },
    }
