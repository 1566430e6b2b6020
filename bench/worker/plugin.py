"""A plugin's source as a module, and what its ``build`` and its ``callbacks`` make."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, CannotRun, TaskError
from bench.formatting import one_line
from bench.protocol import Job
from bench.registry.declarations import Function, parse_declarations
from bench.registry.tasks import TaskInfo, read_task
from bench.task import Absent, Array, OpenTask
from bench.values import OF_CLASSES
from bench.worker.sampling import loss_of_classes

if TYPE_CHECKING:
    import keras


class PluginTask:
    """The ``task`` argument of a plugin's ``build``: shapes and facts, never examples.

    ``outputs`` is how many units the last layer has, ``activation`` what it ends in (None,
    "sigmoid" or "softmax"), ``loss`` what the suite compiles a model with that is not compiled;
    ``classes`` are the names of the classes, where there are any. ``files`` has the names of the
    files that the plugin declares it needs, ``plugin`` is its own file.
    """

    def __init__(
        self,
        name: str,
        opened: OpenTask,
        files: Container[str] = (),
        plugin: Path = Path(),
        info: TaskInfo | None = None,
    ) -> None:
        self.name = name
        self._files = files
        self._plugin = plugin
        self.input_shape = opened.input_shape
        self.input_dtype = opened.input_dtype
        self._facts = {**_of_output(opened, info), **opened.facts}

    def inputs(self) -> keras.KerasTensor:
        """Return a Keras input of this view's shape and dtype."""
        import keras

        return keras.Input(self.input_shape, dtype=self.input_dtype, name="inputs")

    def path(self, file: str) -> Path:
        """Return where a file lies: beside the plugin or, where it is not there, among the data.

        Args:
            file: A file's name, one of the plugin's ``FILES``.

        Raises:
            BenchError: The plugin does not declare the file.
            CannotRun: The file is not there.
        """
        return self._declared(file, "path")

    def word_vectors(self, file: str) -> Array:
        """Return word vectors, shape (len(vocabulary), numbers), float32.

        Row i is the vector of the word of index i, zeros where the file does not have it.

        Args:
            file: A file's name, one of the plugin's ``FILES``; see ``path``.

        Raises:
            BenchError: The plugin does not declare the file, or a line of it is malformed.
            CannotRun: The file is not there, or the data have no words.
            AttributeError: The task is not one of words.
        """
        from bench.text.vectors import read_vectors

        return read_vectors(self._declared(file, "word_vectors"), self.vocabulary)

    def _declared(self, file: str, asked: str) -> Path:
        from bench.data.word_vectors import path_of

        if file not in self._files:
            # What a trial reads must be in its identity.
            raise BenchError(f"task.{asked}({file!r}): declare it, FILES = [{file!r}]")
        return path_of(file, self._plugin)

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("_facts", {})
        if isinstance(facts.get(name), Absent):
            raise CannotRun(facts[name].reason)
        if name in facts:
            return facts[name]
        raise AttributeError(
            f"task {self.__dict__.get('name')!r} has no attribute {name!r}; "
            f"it has inputs(), path(), input_shape, input_dtype, {', '.join(sorted(facts))}"
        )


def _of_output(opened: OpenTask, info: TaskInfo | None) -> dict[str, Any]:
    """Return the facts that a model's end follows from."""
    many = len(opened.classes) > 2
    loss, metric = (info.loss, info.metric) if info else ("", "")
    one = "sigmoid" if metric in OF_CLASSES else None
    return {
        "outputs": opened.width,
        "classes": opened.classes,
        "activation": "softmax" if many else one,
        "loss": loss_of_classes(loss) if many else loss,
    }


class PluginError(BenchError):
    """What is wrong with a plugin on a line of its file."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def told_of(error: BenchError, plugin_path: str) -> str:
    """Return what an error says, behind the plugin's name and the line, where it has them."""
    if isinstance(error, TaskError):
        return error.told
    if not plugin_path:
        return str(error)
    line = f":{error.line}" if isinstance(error, PluginError) else ""
    return f"{Path(plugin_path).name}{line}: {error}"


_LONGEST_REASON = 300

#: What libraries put before and behind a cause: Keras writes it in bold, TensorFlow behind the
#: frames that led to it.
_BOLD = re.compile(r"\x1b\[1m(.*?)\x1b\[0m", re.DOTALL)
_GRAPH = "Graph execution error:"
_FRAME = re.compile(r'\s*(File ".*", line \d+, in |Detected at node |<stack traces unavail|$)')
_NOT_COMPILED = "Detected unsupported operations when trying to compile graph"
_OPERATIONS = re.compile(r"_JIT: (\w+)")


def reason_of(error: BaseException, plugin_path: str, task_path: str = "") -> str:
    """Return the error on one line, with the plugin's line, or the task's, that led to it."""
    try:
        text = str(error)
    except BaseException:
        text = "(an error without a readable message)"
    text = _cause(text)
    # Cut twice: a message may be of any length.
    kind = type(error).__name__[:_LONGEST_REASON]
    text = one_line(f"{kind}: {text[: 10 * _LONGEST_REASON]}", longest=_LONGEST_REASON)
    frames = traceback.extract_tb(error.__traceback__)
    for path in filter(None, (plugin_path, task_path)):
        lines = [frame.lineno for frame in frames if frame.filename == path]
        if lines:
            return f"{Path(path).name}:{lines[-1]}: {text}"
    return text


def _cause(text: str) -> str:
    """Return what a library's long message comes to, first; other messages as they are."""
    if _NOT_COMPILED in text:
        operation = _OPERATIONS.search(text)
        return (
            f"XLA cannot compile {operation[1] if operation else 'an operation'}: write "
            '"jit_compile": False into HYPERPARAMETERS, or use operations of keras.ops alone'
        )
    if text.startswith(_GRAPH):
        lines = [line for line in text.splitlines()[1:] if not _FRAME.match(line)]
        return "\n".join(lines) or text
    bold = _BOLD.search(text)
    return f"{bold[1]} ({text[: bold.start()].strip()})" if bold else text


def task_of(job: Job) -> TaskInfo:
    """Return the task that a job is of, read from its file.

    Raises:
        TaskError: The file is another one than when the trial was planned.
    """
    task = read_task(Path(job.task_path))
    if job.trial.task_sha256 not in ("", task.sha256):
        raise TaskError(
            task.path.parent,
            f"{task.path.name}: was edited after the trial was planned, and what would be "
            "trained is not what was planned; run again",
        )
    return task


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


def call_build(module: ModuleType, job: Job, opened: OpenTask, info: TaskInfo) -> object:
    """Return what the plugin's ``build`` makes of the task and its hyperparameters.

    Raises:
        Exception: Whatever the plugin raises.
    """
    model: object = module.build(_task(job, opened, info), **_arguments(job, "build"))
    return model


def call_callbacks(
    module: ModuleType, job: Job, opened: OpenTask, info: TaskInfo
) -> list[keras.callbacks.Callback]:
    """Return what the plugin's ``callbacks`` makes; nothing where it has no such function.

    Raises:
        PluginError: It returns something else.
        Exception: Whatever the plugin raises.
    """
    function = functions_of(job).get("callbacks")
    if function is None:
        return []
    import keras

    made = module.callbacks(_task(job, opened, info), **_arguments(job, "callbacks"))
    several = made if isinstance(made, list | tuple) else [made]
    wrong = [each for each in several if not isinstance(each, keras.callbacks.Callback)]
    if wrong or several is not made:
        kind = type((wrong or [made])[0]).__name__
        what = kind if several is not made else f"a list with {kind}"
        raise PluginError(
            f"callbacks returned {what}; return a list of Keras callbacks", function.line
        )
    return [*made]


def functions_of(job: Job) -> Mapping[str, Function]:
    """Return the top-level functions of the plugin, as its source defines them."""
    return parse_declarations(Path(job.plugin_path), job.plugin_source, ()).functions


def _task(job: Job, opened: OpenTask, info: TaskInfo) -> PluginTask:
    return PluginTask(job.trial.task, opened, job.trial.versions, Path(job.plugin_path), info)


def _arguments(job: Job, taker: str) -> dict[str, Any]:
    """Return the hyperparameters that one of the plugin's functions takes.

    One with ``**`` takes what the other does not name.
    """
    given, functions = dict(job.trial.hyperparameters), functions_of(job)
    if "callbacks" not in functions:
        return given
    other = functions["build" if taker == "callbacks" else "callbacks"].parameters[1:]
    function = functions[taker]
    named = function.parameters[1:]
    return {
        key: value
        for key, value in given.items()
        if key in named or (function.takes_anything and key not in other)
    }


class AuditWatch(ABC):
    """Hears of what Python code of this process does with files, while it is to note that.

    The audit hook stays for the rest of the process's life; only a worker has any use for it.
    """

    def __init__(self) -> None:
        self._noting = False
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is done meanwhile."""
        self._noting = True
        try:
            yield
        finally:
            self._noting = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._noting:
            self._note(event, arguments)

    @abstractmethod
    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event; see the documentation of ``sys.audit`` for its arguments."""


class NeighbourWatch(AuditWatch):
    """Notes the files beside a plugin that it reads and does not declare in ``FILES``.

    What a trial reads and its identity does not cover can change unnoticed. An audit hook
    stays for the rest of the process's life.
    """

    #: More are not told.
    _MOST = 8

    def __init__(self, job: Job) -> None:
        self._folder = Path(job.plugin_path).parent
        self._known = {Path(job.plugin_path).name, *job.trial.versions}
        # A plugin may lie in a folder that has the suite, or its libraries, below it.
        self._apart = [Path(sys.prefix), Path(__file__).parents[1], Path(job.task_path).parent]
        self._found: dict[str, None] = {}
        super().__init__()

    @property
    def found(self) -> list[str]:
        """The files' paths as seen from the plugin's folder, in order, each once."""
        return [*self._found]

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            with contextlib.suppress(Exception):
                self._look_at(Path(os.path.abspath(os.fsdecode(arguments[0]))))

    def _look_at(self, path: Path) -> None:
        if not path.is_relative_to(self._folder) or any(map(path.is_relative_to, self._apart)):
            return
        parts = path.relative_to(self._folder).parts
        name = "/".join(parts)
        hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        is_full = len(self._found) >= self._MOST
        if name not in self._known and not hidden and not is_full and path.is_file():
            self._found[name] = None


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
