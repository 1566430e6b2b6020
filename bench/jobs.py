"""From a plugin and a request to a job: for a run, the gate and the contract suite alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.data.ready import PreparedTask, prepare_task
from bench.data.word_vectors import digest_of
from bench.errors import BenchError, CannotRun
from bench.executor import Executor, LocalExecutor
from bench.machine import version_of
from bench.plan.plan import Planned, Request, Surroundings, make_plan, view_of
from bench.protocol import (
    CRASHED,
    OK,
    PREPARE,
    TRAIN,
    Bounds,
    DataReady,
    DataRequest,
    Effort,
    Finished,
    Job,
    Note,
    Outcome,
)
from bench.records.record import Record
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.tasks import TaskInfo
from bench.trial import Trial

#: Returns the data of a task, prepared.
Prepare = Callable[[TaskInfo], PreparedTask]
Say = Callable[[str], None]


class Jobs:
    """Plans the trials of a registry's plugins, and makes the jobs that do them.

    A task's data are prepared once, when the first of its plugins is planned. ``bounds``
    are by profile.
    """

    def __init__(self, registry: Registry, prepare: Prepare, bounds: Mapping[str, Bounds]) -> None:
        self.registry = registry
        self._prepare = prepare
        self._bounds = bounds
        self._data: dict[str, PreparedTask] = {}
        self._surroundings = surroundings_of(self._data)

    def prepare(self, tasks: Iterable[str]) -> None:
        """Prepare the data of these tasks that are not prepared yet.

        Raises:
            DataError: The data are not to be had, or damaged.
        """
        for name in tasks:
            if name not in self._data:
                self._data[name] = self._prepare(self.registry.tasks[name])

    def plan(
        self,
        plugins: Sequence[Plugin],
        request: Request,
        latest: Mapping[str, Record] | None = None,
    ) -> list[Planned]:
        """Plan one trial a plugin and seed, in the order given; see ``bench.plan.plan.make_plan``.

        Args:
            plugins: Those to be run; each belongs to a task of the registry.
            request: What the user asked for.
            latest: The record that answers for each identity; by default there is none.

        Raises:
            BenchError: The data are not to be had, or the request is wrong.
        """
        self.prepare(plugin.task for plugin in plugins)
        return make_plan(plugins, self.registry, request, self._surroundings, latest or {})

    def job(
        self,
        planned: Planned,
        kind: str = TRAIN,
        *,
        predictions: Path | None = None,
        effort: Effort | None = None,
    ) -> Job:
        """Make the job that does a planned trial.

        Args:
            planned: One of this object's plans.
            kind: What is to be done; see ``bench.protocol``.
            predictions: The file in which a trained trial leaves its predictions.
            effort: How much a measuring job does.
        """
        trial, plugin = planned.trial, planned.plugin
        # A worker has a current directory of its own: here alone paths are made absolute.
        return Job(
            trial=trial,
            plugin_path=str(plugin.path.absolute()),
            plugin_source=plugin.source,
            task_path=str(self.registry.tasks[trial.task].path.absolute()),
            prepared=str(self._data[trial.task].folder.absolute()),
            predictions=str(predictions.absolute()) if predictions else "",
            bounds=self._bounds[trial.profile],
            kind=kind,
            effort=effort or Effort(),
        )

    def data(self, task: str) -> PreparedTask:
        """Return the data of a task that has been prepared."""
        return self._data[task]


def surroundings_of(data: Mapping[str, PreparedTask]) -> Surroundings:
    """Return what planning has to know of this machine and the data on it.

    What is installed is looked up once a package: many plugins need the same, and a
    package whose distribution has another name is looked for in all of them.
    """
    return Surroundings(
        sources=data,
        training_examples=lambda task, view: data[task.name].training_examples(view),
        version_of=cache(version_of),
        digest_of=cache(digest_of),
    )


def prepare_here(source: str, paths: Mapping[str, Path], say: Say) -> Prepare:
    """Return what prepares data in this process; see ``bench.data.ready.prepare_task``.

    Args:
        source: One of auto, official, local and synthetic.
        paths: The user's own file or folder, by task.
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

    The worker may run the code of another revision (see ``bench.executor.LocalExecutor``),
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
        views = {_key(view): view for view in (view_of(plugin, task, {}) for plugin in plugins)}
        ready = self._ask(task, [*views.values()])
        counts = dict(zip(views, ready.examples, strict=True))
        return PreparedTask(
            Path(ready.folder), ready.description, lambda view: _count(counts[_key(view)])
        )

    def _ask(self, task: TaskInfo, views: list[dict[str, Any]]) -> DataReady:
        ready: DataReady | None = None
        outcome = Outcome(CRASHED, "the worker gave no outcome")
        self.executor.submit(self._job(task, views))
        for _, event in self.executor.events():
            if isinstance(event, Note):
                self.say(event.line)
            elif isinstance(event, DataReady):
                ready = event
            elif isinstance(event, Finished):
                outcome = event.outcome
        if ready is None or outcome.status != OK:
            raise BenchError(f"{task.name} of {self.name} cannot be prepared: {outcome.reason}")
        return ready

    def _job(self, task: TaskInfo, views: list[dict[str, Any]]) -> Job:
        """Make a job of no plugin; of its trial, only the backend counts."""
        trial = Trial(
            task=task.name,
            task_version=task.version,
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
            predictions="",
            kind=PREPARE,
            data=DataRequest(self.source, views),
        )


def _key(view: Mapping[str, Any]) -> str:
    return json.dumps(view, sort_keys=True)


def _count(counted: Mapping[str, Any]) -> int:
    """Return a number of examples, or raise as the worker has: see ``DataReady``."""
    if "skipped" in counted:
        raise CannotRun(counted["skipped"])
    if "failed" in counted:
        raise BenchError(counted["failed"])
    return int(counted["examples"])
