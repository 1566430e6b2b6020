"""Judge the value of an option, whoever gives it: a plugin's file or the command line."""

from __future__ import annotations

from typing import Any

from bench.registry.declarations import nearest
from bench.registry.tasks import TaskInfo
from bench.training import TRAINING_OPTIONS
from bench.values import NAMES, is_a, unstorable


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


def _view_complaint(value: Any, default: Any) -> str:
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else f"must be {NAMES[bool]}, not {value!r}"
    if default is None or isinstance(default, str) or value is None or isinstance(value, str):
        return ""
    if is_a(value, type(default)):
        return ""
    return f"must be {NAMES[type(default)]}, not {value!r}"
