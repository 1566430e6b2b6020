"""What the GRID of a plugin declares: hyperparameters that vary, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.registry.declarations import Declarations, Problem
from bench.registry.tasks import TaskInfo, complaint, mismatch
from bench.registry.training_options import (
    TRAINING_OPTIONS,
    as_stored,
    nearest_option,
    parameters_in,
)

#: Says of a name and a value what is wrong with it, or nothing.
Judge = Callable[[str, Any], str]


@dataclass(frozen=True)
class GridAxis:
    """Hyperparameters that vary together, and what values they have, in the order of the names."""

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    def __str__(self) -> str:
        if len(self.names) == 1:
            return f"{self.names[0]}={', '.join(repr(value) for (value,) in self.values)}"
        return f"({', '.join(self.names)})={', '.join(map(repr, self.values))}"


def read_grid(found: Declarations) -> tuple[GridAxis, ...]:
    """Return the axes of a GRID without problems; none where a file has no GRID."""
    constant = found.constants.get("GRID")
    return tuple(
        GridAxis(key, tuple(_stored(key, each) for each in values))
        if isinstance(key, tuple)
        else GridAxis((key,), tuple(_stored((key,), (value,)) for value in values))
        for key, values in (constant.value if constant else {}).items()
    )


def _stored(names: tuple[str, ...], values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(as_stored(name, value) for name, value in zip(names, values, strict=True))


def grid_problems(found: Declarations, task: TaskInfo) -> Iterator[Problem]:
    """Tell what is wrong with the GRID of a file that has one, each with the line of its key."""
    constant, build = found.constants["GRID"], found.functions.get("build")
    hyperparameters = found.constants.get("HYPERPARAMETERS")
    declared = hyperparameters.value if hyperparameters else None
    if build is None or not isinstance(declared, dict):
        return  # Which has been told.
    parameters = parameters_in(found)
    known = [*parameters, *task.view, *TRAINING_OPTIONS, *map(str, declared)]

    def judge(name: str, value: Any) -> str:
        wrong = complaint(name, value, task, parameters)
        return wrong or mismatch(name, value, declared.get(name), task)

    if not isinstance(constant.value, dict):
        message = "GRID must be a dictionary, like {'units': [16, 32]}"
        yield Problem(str(found.path), constant.line, message)
        return
    varied: set[str] = set()
    for key, values in constant.value.items():
        names = key if isinstance(key, tuple) else (key,)
        message = _names_complaint(names, known, varied)
        if not message:
            varied.update(names)
            message = _values_complaint(names, values, isinstance(key, tuple), judge)
        if message:
            line = constant.key_lines.get(key, constant.line)
            yield Problem(str(found.path), line, f"GRID {message}")


def _names_complaint(names: tuple[Any, ...], known: Collection[str], varied: set[str]) -> str:
    for number, name in enumerate(names):
        if not isinstance(name, str):
            return f"has the key {name!r}: use a name, or a tuple of names"
        if name not in known:
            return (
                f"varies an unknown hyperparameter {name!r}{nearest_option(name, known)}: it is no "
                "parameter of build, no option of the task's view and no training option"
            )
        if name in varied or name in names[:number]:
            return f"varies {name!r} twice: keep one"
    return "" if names else "has an empty key: use a name, or a tuple of names"


def _values_complaint(names: tuple[str, ...], values: Any, is_joint: bool, judge: Judge) -> str:
    shown = ", ".join(names)
    if not isinstance(values, list | tuple) or not values:
        return f"must give {shown} a list of values"
    seen: list[str] = []
    for value in values:
        parts = value if is_joint else (value,)
        if not isinstance(parts, list | tuple) or len(parts) != len(names):
            return f"must give {shown} a tuple of {len(names)} values each, not {value!r}"
        for name, part in zip(names, parts, strict=True):
            wrong = judge(name, part)
            if wrong:
                return f"has {name}={part!r}: {wrong}"
        if repr(value) in seen:
            return f"gives {shown} the value {value!r} twice: keep one"
        seen.append(repr(value))
    return ""
