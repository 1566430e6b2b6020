"""Find the tasks: one file each in ``datasets/``, read without running them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import BenchError
from bench.registry.declarations import Declarations, nearest, read_declarations
from bench.registry.source_tree import shipped
from bench.registry.training_options import LIMITS, PROFILES, TRAINING_OPTIONS
from bench.values import NAMES, is_a, unstorable

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
#: What a task may leave out, with what it then is.
_OPTIONAL: dict[str, Any] = {"TEST_TARGETS": [], "IN_TIME": False}
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
    neighbours may err alike.
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


def discover_tasks(folder: Path | None = None) -> dict[str, TaskInfo]:
    """Return the tasks of a folder (by default the suite's own) by name.

    Raises:
        BenchError: A task file is wrong; the suite cannot judge plugins without it.
    """
    folder = folder or shipped("datasets")
    files = [path for path in sorted(folder.glob("*.py")) if path.name[0] not in "_."]
    found = [read_task(path) for path in files]
    return {task.name: task for task in found}


def load_module(info: TaskInfo) -> ModuleType:
    """Run a task file and return its module, which has read, synthesise and open_view.

    Raises:
        BenchError: It is no Python file.
        Exception: Whatever the file raises.
    """
    name = f"bench_task_{info.name}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(info.path):
        return loaded
    spec = importlib.util.spec_from_file_location(name, info.path)
    if spec is None or spec.loader is None:
        raise BenchError(f"{info.path}: is not a Python file; rename it to end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # Half a module must not pass for a whole one next time.
        raise
    return module


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
    return _task(read_declarations(path, _LITERALS))


def _task(found: Declarations) -> TaskInfo:
    if found.problems:
        raise BenchError(str(found.problems[0]))
    values: dict[str, Any] = {}
    for name, kind in _LITERALS.items():
        constant = found.constants.get(name)
        if constant is None and name in _OPTIONAL:
            values[name.lower()] = _OPTIONAL[name]
            continue
        if constant is None:
            raise BenchError(f"{found.path}:1: a task declares {name}; add it as a literal")
        if not is_a(constant.value, kind):
            raise BenchError(f"{found.path}:{constant.line}: {name} must be {NAMES[kind]}")
        values[name.lower()] = constant.value
    missing = [name for name in _FUNCTIONS if name not in found.functions]
    if missing:
        raise BenchError(f"{found.path}:1: a task defines {missing[0]}(); see bench/task.py")
    task = TaskInfo(found.name, found.path, found.description, **values)
    for name, message in _contradictions(task):
        raise BenchError(f"{found.path}:{found.constants[name].line}: {name} {message}")
    return task


def _contradictions(task: TaskInfo) -> Iterator[tuple[str, str]]:
    """Yield the name of each wrong literal and what is wrong with it."""
    if task.direction not in ("min", "max"):
        yield "DIRECTION", "must be 'min' or 'max'"
    if task.metric not in task.units:
        yield "UNITS", f"must give the unit of {task.metric!r}"
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


def complaint(key: str, value: Any, task: TaskInfo) -> str:
    """Return what is wrong with an option's value ("must be ..."), or an empty string.

    Options of a view are held to their choices and to the kind of their default; what a
    text in place of a number means ("10d") the task says when the view is opened.
    """
    reason = unstorable(value)
    if reason:
        return reason
    if key in TRAINING_OPTIONS:
        return TRAINING_OPTIONS[key].complaint(value)
    if key in task.choices:
        if value in task.choices[key]:
            return ""
        known = [str(choice) for choice in task.choices[key]]
        return f"must be one of {', '.join(known)}, not {value!r}{nearest(str(value), known)}"
    if key in task.view:
        return _view_complaint(value, task.view[key])
    return ""


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
