"""What values may be: of options and hyperparameters, of a task's kind and metric; in a record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    list: "a list",
    tuple: "a list",
    dict: "a dictionary",
}

#: The kinds of tasks; see ``bench.registry.kinds``.
TASK_KINDS = ("series", "text")
#: What predictions may be scored by, and which values of it are better; see
#: ``bench.statistics.scores``.
SCORES: Mapping[str, str] = {
    "mae": "min",
    "rmse": "min",
    "mase": "min",
    "smape": "min",
    "accuracy": "max",
    "macro_f1": "max",
    "log_loss": "min",
}
#: Those of them that are of classes.
OF_CLASSES = ("accuracy", "macro_f1", "log_loss")


@dataclass(frozen=True)
class Several:
    """Values between commas, where ``text`` is what stands there, a text of itself elsewhere."""

    text: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return self.text


def may_be_several(value: Any) -> bool:
    """Say whether a value can stand for several, one after the other."""
    return isinstance(value, list | tuple | Several)


def is_a(value: Any, kind: type) -> bool:
    """Say whether a value is of a kind: whole numbers are numbers, truth values are not."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (list, tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, kind)


def is_figure(value: Any) -> bool:
    """Say whether this is a finite number that a record can hold."""
    return is_a(value, float) and not unstorable(value)


def unstorable(value: Any) -> str:
    """Return why a record cannot hold a value, or an empty string.

    Records are JSON. A value that JSON does not know, or gives back as another one,
    would give a trial an identity that no later run can match.
    """
    if isinstance(value, list | tuple):
        return next(filter(None, map(unstorable, value)), "")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return "must have texts as the keys of a dictionary"
        return next(filter(None, map(unstorable, [*value, *value.values()])), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "must be finite"
    if isinstance(value, int) and value.bit_length() > 64:
        return "must be a number of at most 64 bits"
    if isinstance(value, str) and not _is_unicode(value):
        return "must be a text without half characters (lone surrogates)"
    if value is None or isinstance(value, int | float | str):
        return ""
    kind = type(value).__name__
    return f"must be a number, text, True, False, None, or a list or dictionary of these, no {kind}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
