"""From a grid of hyperparameters, in a plugin's file or in what is overridden, to its points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from bench.errors import BenchError
from bench.plan.plan import Group
from bench.registry.grid import GridAxis
from bench.registry.plugins import Plugin
from bench.registry.tasks import TaskInfo
from bench.registry.training_options import DEFAULTS, TRAINING_OPTIONS
from bench.values import Several, may_be_several

_Point = dict[str, Any]
_MISSING = object()


def points_of(plugin: Plugin, task: TaskInfo, overrides: Mapping[str, Any]) -> list[_Point]:
    """Return what is overridden at each point of a plugin's grid; one point without any.

    Several values of an option are an axis: a list or values between commas, unless the
    option is itself a list, of which they are the elements, or its kind is not known. An axis of
    the plugin's ``GRID`` that is overridden has those values instead; of an axis of several
    names, of which some are overridden, the values that agree are left. A point says what
    differs from the plugin as it is declared, and what was overridden with one value.

    Raises:
        BenchError: No value of an axis agrees with what is overridden, or one comes twice.
    """
    if plugin.problems:
        # It is not judged; its row shows what was asked for.
        return [{key: _whole(value) for key, value in overrides.items()}]
    declared = {**DEFAULTS, **task.training, **task.view, **plugin.hyperparameters}
    asked = {key: _choices(key, value, declared, task) for key, value in overrides.items()}
    axes = [left for axis in plugin.grid if (left := _narrowed(axis, asked))]
    joint = {name for axis in axes for point in axis[:1] for name in point}
    axes += [[{key: v} for v in values] for key, values in asked.items() if key not in joint]
    given = {key for key, values in asked.items() if len(values) == 1}
    return [_named(chosen, declared, given) for chosen in product(*axes)]


def told_of_grids(groups: Iterable[Group]) -> list[str]:
    """Say of each plugin of which there are several points how many, and how many trials."""
    points: dict[str, set[str]] = {}
    trials: Counter[str] = Counter()
    for group in groups:
        for plugin in group.plugins:
            points.setdefault(plugin.name, set()).add(repr(group.request.overrides))
            trials[plugin.name] += len(group.request.seeds)
    return [
        f"{name}: a grid of {len(found)} points, {trials[name]} trials"
        for name, found in points.items()
        if len(found) > 1
    ]


def _choices(key: str, value: Any, declared: Mapping[str, Any], task: TaskInfo) -> Sequence[Any]:
    """Return the values that an option is to have, one after the other.

    Raises:
        BenchError: One comes twice.
    """
    several = value.values if isinstance(value, Several) else value
    if not may_be_several(several) or not several:
        return [value]
    if _takes_all(key, several, declared.get(key), task):
        return [_whole(value)]
    for number, each in enumerate(several):
        if _written(each) in map(_written, several[:number]):
            raise BenchError(f"--set {key}: {each!r} is given twice; keep one")
    return several


def _takes_all(key: str, values: Sequence[Any], declared: Any, task: TaskInfo) -> bool:
    """Say whether several values are one value of an option: it is a list, or may be one."""
    if key in TRAINING_OPTIONS or key in task.choices:
        return False
    if isinstance(declared, list | tuple):
        # Lists for a list of what is no list are several.
        return not all(map(_is_list, values)) or any(map(_is_list, declared)) or not declared
    return declared is None or isinstance(declared, dict)


def _narrowed(axis: GridAxis, asked: Mapping[str, Sequence[Any]]) -> list[_Point]:
    """Return what is left of an axis; nothing where all of it is overridden.

    Raises:
        BenchError: Its names vary together, and no value agrees with what is overridden.
    """
    given = [name for name in axis.names if name in asked]
    if len(given) == len(axis.names):
        return []
    points = [dict(zip(axis.names, values, strict=True)) for values in axis.values]
    left = [p for p in points if all(_is_among(p[name], asked[name]) for name in given)]
    if not left:
        others = ", ".join(name for name in axis.names if name not in given)
        raise BenchError(
            f"--set {', '.join(given)}: varies with {others} in GRID, where no point has this "
            f"value; give {others} too"
        )
    return left


def _named(chosen: Sequence[_Point], declared: Mapping[str, Any], given: set[str]) -> _Point:
    """Put a point together, without what is as it is declared anyway."""
    return {
        key: value
        for part in chosen
        for key, value in part.items()
        if key in given or _written(value) != _written(declared.get(key, _MISSING))
    }


def _whole(value: Any) -> Any:
    return value.text if isinstance(value, Several) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_among(value: Any, values: Sequence[Any]) -> bool:
    return _written(value) in map(_written, values)


def _written(value: Any) -> str:
    # 1, 1.0 and True are three values here, as they are in an identity.
    return repr(list(value) if isinstance(value, tuple) else value)
