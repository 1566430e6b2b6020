"""Import Keras as a trial needs it: soon, and without what Keras looks for and few models use.

Where scikit-learn and matplotlib are installed Keras imports both, for its wrappers of
estimators and its galleries of images. They are a quarter of what a process imports before a
trial can begin. A plugin that asks for ``keras.wrappers`` or ``keras.visualization`` gets them
whole: they are then imported as if for the first time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: What Keras imports where it is installed, and the parts of Keras that do so.
_OPTIONAL = ("matplotlib", "sklearn")
_PARTS = ("visualization", "wrappers")
#: The packages that have a module of each of these names.
_OWNERS = ("keras", "keras.src", "keras._tf_keras.keras")


def import_keras() -> None:
    """Import Keras, which imports its backend, once.

    What is imported stays for as long as the process: Python's collector of garbage looks at
    none of it, neither meanwhile nor in the processes that are forked from this one.
    """
    if "keras" in sys.modules:
        return
    with _no_collection(), _as_not_installed():
        importlib.import_module("keras")
    _forget_parts()


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _as_not_installed() -> Iterator[None]:
    """Have the optional packages look as if they were not there, where nobody has them yet."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in _OPTIONAL if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


def _forget_parts() -> None:
    """Have the parts that went without imported again when somebody asks for one."""
    parts = tuple(f"{owner}.{part}" for owner in _OWNERS for part in _PARTS)
    for name in [*sys.modules]:
        if name in parts or name.startswith(tuple(f"{part}." for part in parts)):
            del sys.modules[name]
    for name in _OWNERS:
        if owner := sys.modules.get(name):
            _import_when_asked(owner)


def _import_when_asked(owner: ModuleType) -> None:
    """Let a package import these parts at the first look at them (see PEP 562)."""
    for part in _PARTS:
        vars(owner).pop(part, None)
    before = vars(owner).get("__getattr__")

    def found(name: str) -> Any:
        if name in _PARTS:
            return importlib.import_module(f"{owner.__name__}.{name}")
        if before is not None:
            return before(name)
        raise AttributeError(f"module {owner.__name__!r} has no attribute {name!r}")

    vars(owner)["__getattr__"] = found
