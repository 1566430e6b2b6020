"""Read one plugin file: what it declares and what is wrong with it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.formatting import nearest
from bench.registry.declarations import Declarations, Problem, read_declarations
from bench.registry.tasks import (
    REFERENCE_LITERALS,
    SAFE_NAME,
    TaskInfo,
    complaint,
    reference_problems,
)
from bench.registry.training_options import (
    ALIASES,
    FUNCTIONS,
    TRAINING_OPTIONS,
    as_stored,
    hyperparameter_problems,
    is_training_option,
    parameters_in,
    taken_by,
)
from bench.values import NAMES, TASK_KINDS, is_figure, unstorable

if TYPE_CHECKING:
    from bench.registry.grid import GridAxis

LITERALS = ("TASK", "HYPERPARAMETERS", "GRID", "FILES", "REQUIRES", *REFERENCE_LITERALS)
_COMPILE = "compile the model in build, where that is wanted"
#: What a plugin does not declare, though others would: what to do instead.
_ELSEWHERE = {
    "CALLBACKS": "define callbacks(task, ...) beside build; it returns a list of Keras callbacks",
    "LOSS": _COMPILE,
    "METRIC": "the task has the metric",
    "METRICS": _COMPILE,
    "PARAMETERS": "write them into HYPERPARAMETERS",
    "PARAMS": "write them into HYPERPARAMETERS",
    "TRAINING": "write its options into HYPERPARAMETERS",
    "VIEW": "write its options into HYPERPARAMETERS",
    "SEED": "seeds are given on the command line, --seeds 0,1,2",
    "SEEDS": "seeds are given on the command line, --seeds 0,1,2",
}
_Tasks = Mapping[str, TaskInfo]
_Reasons = Mapping[str, str]
_PLAIN_REQUIREMENT = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_.][A-Za-z0-9]+)*([>=]=\d+(\.\d+)*)?")
_ALWAYS_THERE = {"keras", "numpy", "bench"} | set(sys.stdlib_module_names)


@dataclass(frozen=True)
class Plugin:
    """One model, as its file declares it.

    A file that serves ``several`` tasks is a plugin for each, and ``by_kind`` says of one that the
    file names the task's kind. ``hyperparameters`` and ``reference`` hold what a record can hold;
    the rest is among the problems. ``build_parameters`` are those of ``build`` after the task,
    and the hyperparameters that a ``**`` parameter takes, ``callback_parameters`` those of
    ``callbacks`` likewise. ``grid`` is what varies, none for one model; each point of it is one
    value of every axis. ``reference_source`` says where published figures are from,
    ``reference_note`` why one is not met. ``needs`` names the packages that the
    file imports beyond Keras and NumPy, ``requires`` what it says of their versions, ``files`` the
    files beside it, or in the data folder, that the model is made with. A plugin with problems is
    listed, never run.
    """

    name: str
    path: Path
    description: str = ""
    task: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    grid: tuple[GridAxis, ...] = ()
    reference: Mapping[str, float] = field(default_factory=dict)
    reference_note: str = ""
    reference_source: str = ""
    build_parameters: tuple[str, ...] = ()
    callback_parameters: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    source: str = ""
    sha256: str = ""
    problems: tuple[Problem, ...] = ()
    several: bool = False
    by_kind: bool = False

    @property
    def label(self) -> str:
        """Its name, with its task where its file serves several."""
        return f"{self.name} ({self.task})" if self.several else self.name

    @property
    def points(self) -> int:
        """How many points its grid has, 1 without one."""
        return math.prod(len(axis.values) for axis in self.grid)

    @property
    def parameters(self) -> tuple[str, ...]:
        """What ``build`` and ``callbacks`` take, each once."""
        return tuple(dict.fromkeys([*self.build_parameters, *self.callback_parameters]))

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of ``values`` that ``build`` or ``callbacks`` takes."""
        return {key: values[key] for key in values if key in self.parameters}


def read_plugin(path: Path, tasks: _Tasks, wrong: _Reasons = MappingProxyType({})) -> Plugin:
    """Read a plugin file without running it; ``wrong`` says why some tasks cannot be used."""
    return plugin_of(read_declarations(path, LITERALS), tasks, wrong)


def plugin_of(found: Declarations, tasks: _Tasks, wrong: _Reasons) -> Plugin:
    """Return the plugin that a file declares for one task, the text that its TASK is."""
    task = _value(found, "TASK", str) or ""
    parameters, view = parameters_in(found), tasks[task].view if task in tasks else ()
    hyperparameters = {
        key: as_stored(key, value) if is_training_option(key, parameters) else value
        for key, value in (_value(found, "HYPERPARAMETERS", dict) or {}).items()
    }
    reference = _value(found, "REFERENCE", dict) or {}
    files = _value(found, "FILES", list) or []
    problems = found.problems or tuple(_problems(found, tasks, wrong))
    return Plugin(
        name=found.name,
        path=found.path,
        description=found.description,
        task=task,
        hyperparameters={k: v for k, v in hyperparameters.items() if not unstorable({k: v})},
        grid=() if problems else _grid(found),
        reference={k: v for k, v in reference.items() if isinstance(k, str) and is_figure(v)},
        reference_note=_value(found, "REFERENCE_NOTE", str) or "",
        reference_source=_value(found, "REFERENCE_SOURCE", str) or "",
        build_parameters=taken_by(found, "build", hyperparameters, view),
        callback_parameters=taken_by(found, "callbacks", hyperparameters, view),
        needs=tuple(name for name in found.imports if name not in _ALWAYS_THERE),
        requires=() if problems else tuple(_value(found, "REQUIRES", list) or ()),
        files=tuple(name for name in files if _is_plain_name(name)),
        source=found.source,
        sha256=found.sha256,
        problems=problems,
    )


def _value(found: Declarations, name: str, kind: type) -> Any:
    constant = found.constants.get(name)
    return constant.value if constant and isinstance(constant.value, kind) else None


def _problems(found: Declarations, tasks: _Tasks, wrong: _Reasons) -> Iterator[Problem]:
    problem = partial(Problem, str(found.path))
    if not SAFE_NAME.fullmatch(found.name):
        yield problem(1, "rename the file: a plugin's name has letters, digits, _ and - only")
    if not found.description:
        yield problem(1, "lacks a docstring: its first line is the description in every listing")
    for name, kind, example in (("TASK", str, "'jena'"), ("HYPERPARAMETERS", dict, "{}")):
        constant = found.constants.get(name)
        if constant is None:
            yield problem(1, f"lacks {name}: add a line like {name} = {example}")
        elif not isinstance(constant.value, kind):
            yield problem(constant.line, f"{name} must be {NAMES[kind]}, like {example}")
    if "build" not in found.functions:
        yield problem(1, "lacks build: define build(task, ...) that returns a model")
    for name in FUNCTIONS:
        if name in found.functions and not found.functions[name].parameters:
            line = found.functions[name].line
            yield problem(line, f"{name} takes the task as its first parameter: {name}(task, ...)")

    yield from _file_problems(found)
    yield from _requirement_problems(found)
    yield from _name_problems(found)
    task_name = _value(found, "TASK", str)
    if task_name is None:
        return
    line = found.constants["TASK"].line
    if task_name in wrong:
        yield problem(line, f"its task {task_name!r} cannot be used: {wrong[task_name]}")
    elif task_name not in tasks:
        known = [name for name in (*tasks, *TASK_KINDS) if name != task_name]
        hint = nearest(task_name, known) or f"; there are: {', '.join(sorted(known))}"
        yield problem(line, f"unknown task {task_name!r}{hint}")
    else:
        judge = partial(complaint, task=tasks[task_name], parameters=parameters_in(found))
        yield from hyperparameter_problems(found, tasks[task_name].view, judge)
        if "GRID" in found.constants:
            from bench.registry.grid import grid_problems

            yield from grid_problems(found, tasks[task_name])
        yield from reference_problems(found, tasks[task_name])


def _grid(found: Declarations) -> tuple[GridAxis, ...]:
    if "GRID" not in found.constants:
        return ()
    # Late, here and below: few plugins have one.
    from bench.registry.grid import read_grid

    return read_grid(found)


def _name_problems(found: Declarations) -> Iterator[Problem]:
    """Tell of constants that look like a declaration and are none.

    A plugin's own constants, which its code reads, and what is like no declaration are its own.
    """
    for name, line in found.unused.items():
        option = name.lower()
        if option in TRAINING_OPTIONS or option in ALIASES:
            known = option if option in TRAINING_OPTIONS else ALIASES[option]
            message = f"{name} has no effect: write {known!r} into HYPERPARAMETERS"
        elif name in _ELSEWHERE:
            message = f"{name} has no effect: {_ELSEWHERE[name]}"
        elif close := nearest(name, LITERALS, 0.75):
            message = (
                f"unknown declaration {name}{close}; a constant of the file's own has to be read"
            )
        else:
            continue
        yield Problem(str(found.path), line, message)


def _file_problems(found: Declarations) -> Iterator[Problem]:
    constant = found.constants.get("FILES")
    if constant is None:
        return
    right = isinstance(constant.value, list) and all(map(_is_plain_name, constant.value))
    if not right:
        message = (
            "FILES must be a list of names of files beside it or in the data folder, like ['a.txt']"
        )
        yield Problem(str(found.path), constant.line, message)


def _requirement_problems(found: Declarations) -> Iterator[Problem]:
    words = found.constants["REQUIRES"].value if "REQUIRES" in found.constants else []
    if not isinstance(words, list) or not all(map(_is_plain_requirement, words)):
        # Late: to read the others takes a parser.
        from bench.registry.requirements import requirement_problems

        yield from requirement_problems(found)


def _is_plain_requirement(word: Any) -> bool:
    """Say whether this is a name, or a name and a version, as most requirements are."""
    return isinstance(word, str) and _PLAIN_REQUIREMENT.fullmatch(word) is not None


def _is_plain_name(name: Any) -> bool:
    """Say whether this is a file's name without a folder, visible and printable."""
    if not isinstance(name, str) or not name.isprintable() or unstorable(name):
        return False
    return name not in ("", "..") and name[0] != "." and not {*name} & {"/", "\\", ":"}
