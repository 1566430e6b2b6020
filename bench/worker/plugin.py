"""A plugin's source as a module, and what its ``build`` makes."""

from __future__ import annotations

import ast
import contextlib
import sys
import traceback
from collections.abc import Container
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import Job
from bench.task import Array, OpenTask

if TYPE_CHECKING:
    import keras


class PluginTask:
    """The ``task`` argument of a plugin's ``build``: shapes and facts, never examples.

    ``files`` has the names of the files that the plugin declares it needs.
    """

    def __init__(self, name: str, opened: OpenTask, files: Container[str] = ()) -> None:
        self.name = name
        self._files = files
        self.input_shape = opened.input_shape
        self.input_dtype = opened.input_dtype
        self._facts = dict(opened.facts)

    def inputs(self) -> keras.KerasTensor:
        """Return a Keras input of this view's shape and dtype."""
        import keras

        return keras.Input(self.input_shape, dtype=self.input_dtype, name="inputs")

    def word_vectors(self, file: str) -> Array:
        """Return word vectors, shape (len(vocabulary), numbers), float32.

        Row i is the vector of the word of index i, zeros where the file does not have it.

        Args:
            file: The name of a file of the data folder, one of the plugin's ``FILES``.

        Raises:
            BenchError: The plugin does not declare the file, or a line of it is malformed.
            CannotRun: The file is not there, or the data have no words.
            AttributeError: The task is not one of words.
        """
        from bench.data.word_vectors import path_of
        from bench.text.vectors import read_vectors

        if file not in self._files:
            # What a trial reads must be in its identity.
            raise BenchError(f"task.word_vectors({file!r}): declare it, FILES = [{file!r}]")
        return read_vectors(path_of(file), self.vocabulary)

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("_facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(
            f"task {self.__dict__.get('name')!r} has no attribute {name!r}; "
            f"it has inputs(), input_shape, input_dtype, {', '.join(sorted(facts))}"
        )


_LONGEST_REASON = 300


def reason_of(error: BaseException, plugin_path: str) -> str:
    """Return the error on one line, with the plugin's line that led to it."""
    try:
        text = str(error)
    except BaseException:
        text = "(an error without a readable message)"
    # Cut twice: a message may be of any length.
    kind = type(error).__name__[:_LONGEST_REASON]
    text = one_line(f"{kind}: {text[: 10 * _LONGEST_REASON]}", longest=_LONGEST_REASON)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == plugin_path
    ]
    where = f"{Path(plugin_path).name}:{lines[-1]}: " if lines else ""
    return f"{where}{text}"


def module_name(job: Job) -> str:
    """Return the name under which the plugin's module is known."""
    return f"bench_plugin_{job.trial.plugin}"


def load_plugin(job: Job) -> ModuleType:
    """Run the plugin's source as it was planned; a later call runs it anew.

    Raises:
        Exception: Whatever the plugin raises.
    """
    module = ModuleType(module_name(job))
    module.__file__ = job.plugin_path
    # Data classes, pickling and Keras' registry look a module up by its name.
    sys.modules[module.__name__] = module
    exec(compile(job.plugin_source, job.plugin_path, "exec"), vars(module))
    return module


def call_build(module: ModuleType, job: Job, opened: OpenTask) -> object:
    """Return what the plugin's ``build`` makes of the task and its hyperparameters.

    Raises:
        Exception: Whatever the plugin raises.
    """
    task = PluginTask(job.trial.task, opened, job.trial.versions)
    model: object = module.build(task, **dict(job.trial.hyperparameters))
    return model


def import_libraries(job: Job) -> None:
    """Import what the plugin imports, and none of its own lines.

    Libraries may set themselves up as they are imported; only what a plugin's own lines
    change is held against it. What cannot be imported shows when the plugin is run.
    """
    for node in ast.walk(ast.parse(job.plugin_source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            statement = ast.Module([node], type_ignores=[])
            with contextlib.suppress(Exception):
                exec(compile(statement, job.plugin_path, "exec"), {})
