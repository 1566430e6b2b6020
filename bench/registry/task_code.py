"""The code of a task file: run, its functions called, and what it raises told as its own."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

from bench.errors import BenchError, TaskError
from bench.registry.declarations import read_declarations
from bench.registry.source_tree import shipped
from bench.registry.tasks import TaskInfo

T = TypeVar("T")


def load_module(info: TaskInfo) -> ModuleType:
    """Run a task file and return its module, which has read, synthesise and open_view.

    Its package is its folder, so that ``from . import _helper`` finds what lies beside it. A
    file of another content is another module.

    Raises:
        BenchError: It is no Python file.
        Exception: Whatever the file raises.
    """
    key = f"{os.path.realpath(info.path)} {info.sha256}"
    package = f"bench_task_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    name = f"{package}.{info.name}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, info.path)
    if spec is None or spec.loader is None:
        raise BenchError(f"{info.path}: is not a Python file; rename it to end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(info.path.parent)]
    sys.modules[name] = module
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        # Bytecode that is kept is known by second and size, which an edit can leave as they are.
        spec.loader.exec_module(module)
    except BaseException:
        # Half a module must not pass for a whole one next time.
        for each in [each for each in sys.modules if each.partition(".")[0] == package]:
            del sys.modules[each]
        raise
    finally:
        sys.dont_write_bytecode = writes_none
    return module


def function_of(info: TaskInfo, name: str) -> Callable[..., Any] | None:
    """Return a function of a task: its file's own, else its kind's, else None.

    Raises:
        Exception: Whatever the file raises.
    """
    own: Callable[..., Any] | None = getattr(load_module(info), name, None)
    if own is not None or not info.data:
        return own
    from bench.registry.kinds import KINDS

    # By name: what a kind does stands above the registry.
    function = getattr(importlib.import_module(KINDS[info.kind].module), name, None)
    return None if function is None else partial(function, info.data)


def call_task(info: TaskInfo, function: str, *arguments: Any, kind: type[T]) -> T:
    """Call a function of a task file, and see that it returns what it has to.

    Raises:
        TaskError: The file raised something, at its import too, or the function returns
            something else; file and line are named. What it raises of this kind itself, and
            errors of the operating system in ``read``, pass as they are.
        Exception: Whatever a task of the suite itself raises.
    """
    with told_of_task(info, function):
        called = function_of(info, function)
        if called is None:
            raise BenchError(f"{info.path}:1: a task defines {function}(); see bench/task.py")
        made = called(*arguments)
    if not isinstance(made, kind):
        line = _line_of(info, function)
        raise TaskError(
            info.path.parent,
            f"{info.path.name}:{line}: {function} returned {type(made).__name__}; it returns "
            f"{kind.__name__}, see bench/task.py",
        )
    return made


@contextlib.contextmanager
def told_of_task(info: TaskInfo, function: str = "") -> Iterator[None]:
    """Have what a task file's code raises told as an error in that file.

    Args:
        info: The task.
        function: What is called of it; of ``read`` an error of the operating system is one
            of the data.

    Raises:
        TaskError: In place of any other error, but of a task that the suite ships, or of a
            kind's own code.
    """
    try:
        yield
    except (BenchError, MemoryError):
        raise
    except Exception as error:
        is_of_data = isinstance(error, OSError) and function == "read"
        is_of_kind = info.data and not _own_lines(info, error)
        if is_of_data or is_of_kind or info.path.parent == shipped("datasets"):
            raise
        raise TaskError(info.path.parent, _told(info, error)) from error


def _own_lines(info: TaskInfo, error: Exception) -> list[tuple[str, int | None]]:
    """Return the files and lines of a task's folder that led to an error."""
    folder = os.path.realpath(info.path.parent)
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    return [each for each in frames if os.path.dirname(os.path.realpath(each[0])) == folder]


def _told(info: TaskInfo, error: Exception) -> str:
    from bench.formatting import one_line

    own = _own_lines(info, error)
    file, line = own[-1] if own else (str(info.path), 1)
    hint = ""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and (info.path.parent / f"{missing}.py").is_file():
        hint = f"; write: from . import {missing}"
    return one_line(f"{os.path.basename(file)}:{line}: {type(error).__name__}: {error}{hint}", 400)


def _line_of(info: TaskInfo, function: str) -> int:
    found = read_declarations(info.path, ()).functions.get(function)
    return found.line if found else 1
