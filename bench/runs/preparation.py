"""How the data of a task are prepared: in this process, or by a worker of another revision."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.ready import Answers, PreparedTask, no_inputs, prepare_task, view_key
from bench.errors import BenchError, CannotRun
from bench.plan.plan import view_of
from bench.protocol import (
    CRASHED,
    OK,
    PREPARE,
    DataReady,
    DataRequest,
    Executor,
    Finished,
    Job,
    Outcome,
    WorkerNote,
)
from bench.records.predictions import take_from, unpack
from bench.registry.discover import Registry
from bench.registry.tasks import TaskInfo
from bench.runs.executor import LocalExecutor
from bench.trial import Trial

if TYPE_CHECKING:
    from bench.task import Array, Examples

#: Returns the data of a task, prepared.
Prepare = Callable[[TaskInfo], PreparedTask]
Say = Callable[[str], None]


def prepare_here(source: str, paths: Mapping[str, Sequence[Path]], say: Say) -> Prepare:
    """Return what prepares data in this process; see ``bench.data.ready.prepare_task``.

    Args:
        source: One of auto, official, local and synthetic.
        paths: The user's own files or folders, by task.
        say: Takes a line for the user.
    """
    return lambda task: prepare_task(task, source, paths.get(task.name), say)


def prepare_by(
    executor: LocalExecutor, registry: Registry, source: str, backend: str, name: str, say: Say
) -> Prepare:
    """Return what prepares data for the workers of an executor.

    It is this process, unless they run the code of another revision; see ``PrepareThere``
    for the arguments.
    """
    if executor.root is None:
        return prepare_here(source, {}, say)
    return PrepareThere(executor, registry, source, backend, name, say)


@dataclass(frozen=True)
class PrepareThere:
    """Has the data of a task prepared, and counted, by a worker that an executor starts.

    The worker may run the code of another revision (see ``bench.runs.executor.LocalExecutor``),
    which alone can read that revision's task file. All views of the registry's plugins are
    counted at once. ``name`` is the revision, for messages.
    """

    executor: Executor
    registry: Registry
    source: str
    backend: str
    name: str
    say: Say

    def __call__(self, task: TaskInfo) -> PreparedTask:
        """Prepare the data of a task.

        Raises:
            BenchError: The worker could not; what it says is in the message.
        """
        plugins = [plugin for plugin in self.registry.plugins if plugin.task == task.name]
        views = {view_key(view): view for view in (view_of(plugin, task, {}) for plugin in plugins)}
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            file = Path(folder) / "answers.npz"
            ready = self._ask(task, [*views.values()], file)
            found = dict(zip(views, ready.examples, strict=True))
            answers = dict(zip(views, _answers(ready, file), strict=True))
        return PreparedTask(
            Path(ready.folder),
            ready.description,
            lambda view: _count(found[view_key(view)]),
            lambda view: answers[view_key(view)],
        )

    def _ask(self, task: TaskInfo, views: list[dict[str, Any]], answers: Path) -> DataReady:
        ready: DataReady | None = None
        outcome = Outcome(CRASHED, "the worker gave no outcome")
        self.executor.submit(self._job(task, views, answers))
        for _, event in self.executor.events():
            if isinstance(event, WorkerNote):
                self.say(event.line)
            elif isinstance(event, DataReady):
                ready = event
            elif isinstance(event, Finished):
                outcome = event.outcome
        if ready is None or outcome.status != OK:
            raise BenchError(f"{task.name} of {self.name} cannot be prepared: {outcome.reason}")
        return ready

    def _job(self, task: TaskInfo, views: list[dict[str, Any]], answers: Path) -> Job:
        """Make a job of no plugin; of its trial, only the backend counts."""
        trial = Trial(
            task=task.name,
            task_version=task.version,
            task_sha256=task.sha256,
            plugin="",
            plugin_sha256="",
            hyperparameters={},
            view={},
            training={},
            scored_examples=None,
            source=self.source,
            fingerprint="",
            profile="",
            seed=0,
            backend=self.backend,
            versions={},
        )
        return Job(
            trial=trial,
            plugin_path="",
            plugin_source="",
            task_path=str(task.path.absolute()),
            prepared="",
            predictions=str(answers),
            kind=PREPARE,
            data=DataRequest(self.source, views),
        )


def _answers(ready: DataReady, file: Path) -> list[Answers | None]:
    """Read what predictions under each view are scored against.

    None of it is there of a revision whose workers score their predictions themselves.

    Raises:
        BenchError: The file is not of this form.
    """
    content = take_from(file)
    arrays = {} if content is None else unpack(file, content)
    return [
        Answers(
            _split(arrays, f"{number}_validation"),
            _split(arrays, f"{number}_test"),
            told["units"],
            told.get("width", 1),
            told.get("are_shares", False),
        )
        if "units" in told and f"{number}_test_targets" in arrays
        else None
        for number, told in enumerate(ready.examples)
    ]


def _split(arrays: Mapping[str, Array], name: str) -> Examples:
    from bench.task import Examples

    return Examples(arrays[f"{name}_targets"], no_inputs, arrays[f"{name}_groups"])


def _count(counted: Mapping[str, Any]) -> int:
    """Return a number of examples, or raise as the worker has: see ``DataReady``."""
    if "skipped" in counted:
        raise CannotRun(counted["skipped"])
    if "failed" in counted:
        raise BenchError(counted["failed"])
    return int(counted["examples"])
