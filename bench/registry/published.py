"""Published figures: what REFERENCE of a plugin's file declares, and what is wrong with it.

A figure was published for the data of one task, and so a file that serves several has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.formatting import nearest
from bench.registry.declarations import Declarations, Problem
from bench.registry.tasks import TaskInfo
from bench.values import is_a, unstorable


def is_figure(value: Any) -> bool:
    """Say whether this is a finite number."""
    return is_a(value, float) and not unstorable(value)


def reference_problems(found: Declarations, task: TaskInfo) -> Iterator[Problem]:
    """Tell what is wrong with the published figures of a plugin of one task, each with its line."""
    note = found.constants.get("REFERENCE_NOTE")
    if note is not None and not isinstance(note.value, str):
        message = "REFERENCE_NOTE must be a text that says why the published figure is not met"
        yield Problem(str(found.path), note.line, message)
    constant = found.constants.get("REFERENCE")
    if constant is None:
        return
    known = {f"{split}_{metric}" for split in ("val", "test") for metric in task.units}
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
