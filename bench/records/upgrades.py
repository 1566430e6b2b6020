"""The forms that records have had on disk: each is made into the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_Document = dict[str, Any]


def _from_1(document: _Document) -> _Document:
    """Version 1 knew of its predictions only what their file is called."""
    name = document.get("predictions")
    described = None if name is None else {"file": name, "bytes": None, "sha256": None}
    return {**document, "predictions": described}


def _from_2(document: _Document) -> _Document:
    """Version 2 knew of no repeats: every record was an ordinary one."""
    return {**document, "repeat": None}


def _from_3(document: _Document) -> _Document:
    """Version 3 knew of a task's source only its version."""
    trial = document.get("trial")
    known = {"trial": {**trial, "task_sha256": ""}} if isinstance(trial, dict) else {}
    return {**document, **known}


def _from_4(document: _Document) -> _Document:
    """Version 4 kept no models."""
    return {**document, "kept_model": None}


#: By the version that is read, what makes the next one of it.
UPGRADES: Mapping[int, Callable[[_Document], _Document]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
}
