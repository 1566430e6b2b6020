"""Tasks: one file each, read without running it (``task_code`` runs it)."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.formatting import nearest
from bench.registry.declarations import Declarations, Problem, read_declarations
from bench.registry.source_tree import shipped
from bench.registry.training_options import (
    LIMITS,
    PROFILES,
    TRAINING_OPTIONS,
    as_stored,
    is_training_option,
)
from bench.values import NAMES, SCORES, TASK_KINDS, is_a, is_figure, unstorable

_LITERALS: dict[str, type] = {
    "VERSION": int,
    "METRIC": str,
    "DIRECTION": str,
    "LOSS": str,
    "BASELINE": str,
    "UNITS": dict,
    "GROUPS": str,
    "VIEW": dict,
    "CHOICES": dict,
    "TRAINING": dict,
    "PROFILES": dict,
    "OFFICIAL": list,
    "LOCAL": list,
    "SYNTHETIC": str,
    "TEST_TARGETS": list,
    "IN_TIME": bool,
}
_OF_KIND = (*_LITERALS, "KIND", "DATA")
#: What a task may leave out, with what it then is.
_OPTIONAL: dict[str, Any] = {"TEST_TARGETS": [], "IN_TIME": False}
#: Of plugins and tasks: folders and files are named after them.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FUNCTIONS = ("read", "synthesise", "open_view")


@dataclass(frozen=True)
class TaskInfo:
    """What a task file declares.

    ``view`` holds every option of the view with its default, ``training`` the default
    schedule, ``groups`` is what examples that are not independent have in common, in the
    plural, such as days. ``profiles`` are the limits that each profile puts on it. ``official`` and
    ``local`` are alternative bundles of files; ``synthetic`` is the version of the synthetic data.
    ``test_targets`` names the prepared arrays that hold the targets of the test split: no
    trial gets these. ``in_time`` says that groups follow each other in time, so that
    neighbours may err alike. ``kind`` is that of its data, "" for none; of a task whose file says
    no more, ``data`` is what DATA says, defaults filled in. ``sha256`` is the digest of the file
    and of those beside it that it imports.
    """

    name: str
    path: Path
    description: str
    version: int
    metric: str
    direction: str
    loss: str
    baseline: str
    units: Mapping[str, str]
    groups: str
    view: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]]
    training: Mapping[str, Any]
    profiles: Mapping[str, Mapping[str, Any]]
    official: list[list[dict[str, Any]]]
    local: list[list[str]]
    synthetic: str
    test_targets: Sequence[str] = ()
    in_time: bool = False
    sha256: str = ""
    kind: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WrongTask:
    """A task file that cannot be used; ``reason`` names file, line and fix."""

    name: str
    path: Path
    reason: str


@dataclass(frozen=True)
class FoundTasks:
    """The tasks that there are, by name, and the files that are none."""

    right: Mapping[str, TaskInfo]
    wrong: tuple[WrongTask, ...] = ()

    def find(self, name: str) -> TaskInfo:
        """Return the task of this name.

        Raises:
            BenchError: Its file is wrong, or there is none; see ``find_task``.
        """
        for task in self.wrong:
            if task.name == name:
                raise BenchError(task.reason)
        return find_task(name, self.right)


def discover_tasks(folder: Path | None = None) -> dict[str, TaskInfo]:
    """Return the tasks of a folder (by default the suite's own) by name.

    Raises:
        BenchError: A task file is wrong.
    """
    return {path.stem: read_task(path) for path in files_in(folder or shipped("datasets"))}


def read_tasks(paths: Iterable[Path]) -> FoundTasks:
    """Read task files; one that is wrong, or has the name of another, costs nothing else.

    A copy of a file is the same task. Of other files of one name none is taken.
    """
    found: dict[str, dict[str, TaskInfo]] = {}
    wrong: list[WrongTask] = []
    for path in {os.path.realpath(path): path for path in reversed([*paths])}.values():
        try:
            task = read_task(path)
        except BenchError as error:
            wrong.append(WrongTask(path.stem, path, str(error)))
        else:
            found.setdefault(task.name, {})[task.sha256] = task
    failed = {task.name: task for task in wrong}
    right = {}
    for name, tasks in sorted(found.items()):
        files = sorted([*(str(t.path) for t in tasks.values()), *_paths_of(failed.get(name))])
        if len(files) == 1:
            right[name] = tasks.popitem()[1]
            continue
        several = f"several tasks have this name: {', '.join(files)}; rename all but one"
        wrong += [WrongTask(name, t.path, f"{t.path}:1: {several}") for t in tasks.values()]
    return FoundTasks(right, tuple(sorted(wrong, key=lambda task: (task.name, str(task.path)))))


def _paths_of(task: WrongTask | None) -> list[str]:
    return [] if task is None else [str(task.path)]


def files_in(folder: Path) -> list[Path]:
    """Return a folder's Python files: not its helpers (_x.py) nor an editor's (.x.py)."""
    return sorted(path for path in folder.glob("*.py") if path.name[0] not in "_.")


def find_task(name: str, tasks: Mapping[str, TaskInfo]) -> TaskInfo:
    """Return the task of this name.

    Raises:
        BenchError: There is none; the message offers the nearest and lists them all.
    """
    if name in tasks:
        return tasks[name]
    raise BenchError(
        f"unknown task {name!r}{nearest(name, tasks)}; there are: {', '.join(sorted(tasks))}"
    )


def read_task(path: Path) -> TaskInfo:
    """Read one task file without running it.

    Raises:
        BenchError: It lacks a part or declares it wrongly; file, line and fix are named.
    """
    found = read_declarations(path, (*_LITERALS, "KIND"))
    # Without a kind, what else is called DATA is the file's own.
    return _task(read_declarations(path, _OF_KIND) if "KIND" in found.constants else found)


def _task(found: Declarations) -> TaskInfo:
    if found.problems:
        raise BenchError(str(found.problems[0]))
    kind = _kind(found)
    values: dict[str, Any] = {}
    for name, wanted in _LITERALS.items():
        constant = found.constants.get(name)
        if constant is not None and not is_a(constant.value, wanted):
            raise BenchError(f"{found.path}:{constant.line}: {name} must be {NAMES[wanted]}")
        if constant is not None:
            values[name] = constant.value
    data, given = _of_kind(found, kind, values) if "DATA" in found.constants else ({}, {})
    values = {**_OPTIONAL, **given, **values}
    for name in _LITERALS:
        if name not in values:
            raise BenchError(f"{found.path}:1: a task declares {name}; {_remedy(kind)}")
    missing = [name for name in _FUNCTIONS if name not in found.functions and not data]
    if missing:
        raise BenchError(f"{found.path}:1: a task defines {missing[0]}(); see bench/task.py")
    declared = {name.lower(): values[name] for name in _LITERALS}
    task = TaskInfo(
        found.name,
        found.path,
        found.description,
        **declared,
        sha256=_digest(found),
        kind=kind,
        data=data,
    )
    for name, message in _contradictions(task):
        constant = found.constants.get(name) or found.constants["DATA"]
        raise BenchError(f"{found.path}:{constant.line}: {name} {message}")
    return task


def _kind(found: Declarations) -> str:
    constant = found.constants.get("KIND")
    if constant is None:
        return ""
    if constant.value not in TASK_KINDS:
        hint = nearest(str(constant.value), TASK_KINDS)
        raise BenchError(
            f"{found.path}:{constant.line}: KIND must be one of {', '.join(TASK_KINDS)}, not "
            f"{constant.value!r}{hint}"
        )
    return str(constant.value)


def _of_kind(
    found: Declarations, kind: str, declared: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what DATA says, defaults filled in, and the literals that follow from it.

    Raises:
        BenchError: Something in DATA is wrong; names the line.
    """
    # Late: the suite's own tasks say all themselves.
    from bench.registry.kinds import KINDS, data_of, literals_of

    data = data_of(found, KINDS[kind])
    return data, literals_of(KINDS[kind], data, declared)


def _remedy(kind: str) -> str:
    if kind:
        return f"add it as a literal, or DATA, from which the kind {kind!r} gives it"
    return "add it as a literal, or, for a task without code, KIND and DATA (docs/tasks.md)"


def files_of_task(path: Path) -> list[Path]:
    """Return a task's file and those beside it that it imports, which is what its digest covers."""
    beside = _beside(read_declarations(path, ()))
    return [path, *(each.path for each in beside.values())]


def _digest(found: Declarations) -> str:
    """Return the digest of a file's source, with those of the files beside it that it imports."""
    known = _beside(found)
    if not known:
        return found.sha256
    text = "\n".join([found.sha256, *(f"{name} {known[name].sha256}" for name in sorted(known))])
    return hashlib.sha256(text.encode()).hexdigest()


def _beside(found: Declarations) -> dict[str, Declarations]:
    """Return the files beside a file that it imports, and that those import, by module name."""
    known: dict[str, Declarations] = {}
    waiting = [*found.beside]
    while waiting:
        name = waiting.pop()
        for path in (found.path.parent / f"{name}.py", found.path.parent / name / "__init__.py"):
            if name not in known and path.is_file():
                known[name] = read_declarations(path, ())
                waiting += known[name].beside if path.name != "__init__.py" else ()
    return known


def _contradictions(task: TaskInfo) -> Iterator[tuple[str, str]]:
    """Yield the name of each wrong literal and what is wrong with it."""
    if task.direction not in ("min", "max"):
        yield "DIRECTION", "must be 'min' or 'max'"
    if task.name in TASK_KINDS:
        yield "VERSION", f"is of a file to be renamed: {task.name!r} is a kind of tasks"
    if not SAFE_NAME.fullmatch(task.name):
        yield "VERSION", "is of a file to be renamed: a task's name has letters, digits, _ and -"
    if task.metric not in SCORES:
        known = ", ".join(SCORES)
        yield "METRIC", f"must be one of {known}, not {task.metric!r}{nearest(task.metric, SCORES)}"
    if task.metric not in task.units:
        yield "UNITS", f"must give the unit of {task.metric!r}"
    yield from _wrong_files(task)
    for key, default in task.view.items():
        if key in TRAINING_OPTIONS:
            yield "VIEW", f"has {key!r}, which is a training option; give it another name"
        if unstorable({key: default}):
            yield "VIEW", f"option {key!r} {unstorable({key: default})}"
    for key, choices in task.choices.items():
        if key not in task.view or task.view[key] not in choices:
            yield "CHOICES", f"of {key!r} must hold the default that VIEW gives it"
    for key, value in task.training.items():
        if key not in TRAINING_OPTIONS:
            hint = nearest(str(key), TRAINING_OPTIONS)
            yield "TRAINING", f"has {key!r}, which is no training option{hint}"
        elif TRAINING_OPTIONS[key].complaint(value):
            yield "TRAINING", f"option {key!r} {TRAINING_OPTIONS[key].complaint(value)}"
    for profile in PROFILES:
        limits = task.profiles.get(profile)
        if not isinstance(limits, dict):
            yield "PROFILES", f"must give the limits of {profile!r}; {{}} is none"
            continue
        for key, limit in limits.items():
            if key not in LIMITS:
                known = ", ".join(LIMITS)
                hint = nearest(str(key), LIMITS)
                yield "PROFILES", f"has the limit {key!r}{hint}; there are: {known}"
            elif limit is not None and not (is_a(limit, int) and limit > 0):
                yield "PROFILES", f"limit {key!r} must be a whole number above 0, not {limit!r}"


# Judge the value of an option, whoever gives it: a plugin's file or the command line


def complaint(key: str, value: Any, task: TaskInfo, parameters: Collection[str] = ()) -> str:
    """Return what is wrong with an option's value ("must be ..."), or an empty string.

    Options of a view are held to their choices and to the kind of their default; what a
    text in place of a number means ("10d") the task says when the view is opened. What is one of
    a plugin's ``parameters`` may be the plugin's own; see ``training_options.LATER``.
    """
    if is_training_option(key, parameters):
        wrong = unstorable(as_stored(key, value)) or TRAINING_OPTIONS[key].complaint(value)
        return wrong or _meaningless(key, value, task)
    reason = unstorable(value)
    if reason:
        return reason
    if key in task.choices:
        if value in task.choices[key]:
            return ""
        known = [str(choice) for choice in task.choices[key]]
        return f"must be one of {', '.join(known)}, not {value!r}{nearest(str(value), known)}"
    if key in task.view:
        return _view_complaint(value, task.view[key])
    return ""


def _meaningless(key: str, value: Any, task: TaskInfo) -> str:
    """Return why a training option means nothing in a task, or an empty string."""
    if key != "class_weight" or value is None or has_classes(task):
        return ""
    return f"has no meaning for {task.name}, which predicts a number and no class"


def has_classes(task: TaskInfo) -> bool:
    """Say whether a task predicts classes: it is trained by a loss of probabilities."""
    return task.loss.endswith("crossentropy")


def mismatch(key: str, value: Any, declared: Any, task: TaskInfo) -> str:
    """Return why a value is not of the kind of the declared one, or an empty string.

    Options of the view and of the training are judged by ``complaint``; a declared None
    tells no kind.
    """
    judged = key in task.view or key in TRAINING_OPTIONS or declared is None or value is None
    if judged or is_a(value, type(declared)):
        return ""
    return f"must be {NAMES[type(declared)]}"


def _view_complaint(value: Any, default: Any) -> str:
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else f"must be {NAMES[bool]}, not {value!r}"
    if default is None or isinstance(default, str) or value is None or isinstance(value, str):
        return ""
    if is_a(value, type(default)):
        return ""
    return f"must be {NAMES[type(default)]}, not {value!r}"


def _wrong_files(task: TaskInfo) -> Iterator[tuple[str, str]]:
    known = {"name", "url", "sha256", "md5", "size"}
    for bundle in task.official:
        if not isinstance(bundle, list) or not bundle:
            yield "OFFICIAL", "must be a list of lists, each of the files that belong together"
        elif not all(isinstance(f, dict) and "name" in f and f.keys() <= known for f in bundle):
            yield "OFFICIAL", f"must give each file's name, and may give {', '.join(sorted(known))}"
    for names in task.local:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            yield "LOCAL", "must be a list of lists of names, like [['data.csv']]"


# Published figures: what REFERENCE of a plugin declares, of the data of its one task

REFERENCE_LITERALS = ("REFERENCE", "REFERENCE_SOURCE", "REFERENCE_NOTE")
#: Published figures that are none of quality.
COST_FIGURES = ("epoch_seconds", "parameters")
_TEXTS = {
    "REFERENCE_SOURCE": "says where the published figures are from, like 'listing 6-41'",
    "REFERENCE_NOTE": "says why the published figure is not met",
}


def reference_problems(found: Declarations, task: TaskInfo) -> Iterator[Problem]:
    """Tell what is wrong with the published figures of a plugin of one task, each with its line."""
    for name, about in _TEXTS.items():
        text = found.constants.get(name)
        if text is not None and not isinstance(text.value, str):
            yield Problem(str(found.path), text.line, f"{name} must be a text that {about}")
    constant = found.constants.get("REFERENCE")
    if constant is None:
        return
    splits = ("val", "test", "last_val")
    known = {*(f"{split}_{metric}" for split in splits for metric in task.units), *COST_FIGURES}
    if not isinstance(constant.value, dict):
        message = f"REFERENCE must be a dictionary, like {{'val_{task.metric}': 0.5}}"
        yield Problem(str(found.path), constant.line, message)
        return
    for key, value in constant.value.items():
        line = constant.key_lines.get(key, constant.line)
        if key not in known:
            message = f"unknown reference figure {key!r}{nearest(str(key), known)}"
            yield Problem(str(found.path), line, f"{message}; use {', '.join(sorted(known))}")
        elif not is_figure(value):
            message = f"{key} must be a finite number, not {value!r}"
            yield Problem(str(found.path), line, message)


def problems_of_several(found: Declarations) -> tuple[Problem, ...]:
    """Tell of figures of a file that serves several tasks: beside which would they stand?"""
    constant = found.constants.get("REFERENCE")
    if constant is None:
        return ()
    message = "REFERENCE belongs to the data of one task, and TASK names a kind or several: leave "
    return (Problem(str(found.path), constant.line, f"{message}it out"),)
