"""What a plugin must leave as it finds it: the state of the process, and other people's files."""

from __future__ import annotations

import contextlib
import hashlib
import locale
import logging
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import platformdirs
import psutil

from bench.formatting import one_line
from bench.worker.plugin import AuditWatch

#: What is looked at, by name: a text, or a row of texts of which some may come or go.
State = Mapping[str, str | tuple[str, ...]]

_LONGEST = 60
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CATEGORIES = ("LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME")


def process_state(plugin: Path) -> State:
    """Return what can be seen of this process, and of the plugin's own file."""
    return {
        "its own file": _file(plugin),
        **_of_python(),
        **_of_the_system(),
        **_of_the_libraries(),
        **{f"the environment variable {name}": value for name, value in os.environ.items()},
    }


def differences(before: State, after: State) -> list[str]:
    """Say what changed from what to what, one text a change."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        _difference(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


class FileWatch(AuditWatch):
    """Notes the files that Python code of this process writes, renames or removes.

    Temporary files and caches are anybody's to write and are not noted. An audit hook
    stays for the rest of the process's life; only a worker has any use for it.
    """

    def __init__(self) -> None:
        self._deeds: dict[str, None] = {}
        self._free = [Path(tempfile.gettempdir()), platformdirs.user_cache_path(), _keras_home()]
        super().__init__()

    @property
    def deeds(self) -> list[str]:
        """What was done to which file, in order, each once."""
        return [*self._deeds]

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            self._add("wrote", arguments[0])
        elif event in ("os.remove", "shutil.rmtree"):
            self._add("removed", arguments[0])
        elif event == "os.rename":
            self._add("renamed", arguments[0])

    def _add(self, deed: str, name: object) -> None:
        if not isinstance(name, str | bytes):
            return
        path = Path(os.path.abspath(os.fsdecode(name)))
        compiled = "__pycache__" in path.parts
        if not compiled and not any(path.is_relative_to(f) for f in [*self._free, Path("/dev")]):
            self._deeds[f"it {deed} {path}"] = None


def _difference(
    name: str, before: str | tuple[str, ...] | None, after: str | tuple[str, ...] | None
) -> str:
    if isinstance(before, tuple) and isinstance(after, tuple):
        gained = [_short(item) for item in after if item not in before]
        lost = [_short(item) for item in before if item not in after]
        parts = [f"gained {', '.join(gained)}"] if gained else []
        parts += [f"lost {', '.join(lost)}"] if lost else []
        return f"{name} {' and '.join(parts) or 'changed their order or number'}"
    return f"{name} changed from {_short(before)} to {_short(after)}"


def _short(value: object) -> str:
    return "unset" if value is None else one_line(str(value), _LONGEST) or "empty"


def _of_python() -> State:
    root = logging.getLogger()
    return {
        "sys.path": tuple(sys.path),
        "sys.stdout": _stream(sys.stdout),
        "sys.stderr": _stream(sys.stderr),
        "the recursion limit": str(sys.getrecursionlimit()),
        "the warnings filters": tuple(map(_filter, warnings.filters)),
        "the level of the root logger": logging.getLevelName(root.level),
        "the handlers of the root logger": tuple(type(h).__name__ for h in root.handlers),
        "the level that logging disables": logging.getLevelName(root.manager.disable),
        "the threads": tuple(thread.name for thread in threading.enumerate()),
    }


def _of_the_system() -> State:
    mask = os.umask(0)
    os.umask(mask)
    state: dict[str, str | tuple[str, ...]] = {
        "the working directory": _working_directory(),
        "the mask of new files' permissions": f"{mask:03o}",
        "the child processes": tuple(_children()),
    }
    for name in _CATEGORIES:
        state[f"the locale's {name}"] = locale.setlocale(getattr(locale, name))
    for number in signal.valid_signals():
        with contextlib.suppress(ValueError, OSError):
            state[f"the handler of {_signal_name(number)}"] = _handler(signal.getsignal(number))
    if sys.platform != "win32":
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        state["the blocked signals"] = tuple(sorted(map(_signal_name, blocked)))
    return state


def _of_the_libraries() -> State:
    printing = {f"NumPy's print option {k}": str(v) for k, v in np.get_printoptions().items()}
    errors = {f"NumPy's reaction to {kind}": str(how) for kind, how in np.geterr().items()}
    return {
        **printing,
        **errors,
        "Keras' dtype policy": str(keras.config.dtype_policy().name),
        "Keras' floatx": str(keras.config.floatx()),
        "Keras' epsilon": str(keras.config.epsilon()),
        "Keras' image data format": str(keras.config.image_data_format()),
    }


def _file(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"none ({error.strerror or error})"
    return f"{len(content)} bytes ({hashlib.sha256(content).hexdigest()[:12]})"


def _stream(stream: object) -> str:
    return f"{type(stream).__name__} {getattr(stream, 'name', '')}".strip()


def _filter(entry: tuple[Any, ...]) -> str:
    """Write a warnings filter as Python's -W option does."""
    action, message, category, module, line = entry
    texts = [getattr(pattern, "pattern", pattern) or "" for pattern in (message, module)]
    return f"{action}:{texts[0]}:{category.__name__}:{texts[1]}:{line}".rstrip(":0")


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "none (it was removed)"


def _children() -> Iterator[str]:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                yield f"{child.name()} ({child.pid})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _handler(handler: object) -> str:
    if isinstance(handler, signal.Handlers):
        return handler.name
    return str(getattr(handler, "__qualname__", handler))


def _keras_home() -> Path:
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
