"""From a plugin and a request to a job: for a run, the gate and the contract suite alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from bench.data.ready import Answers, ArrayGuard, PreparedTask
from bench.machine import version_of
from bench.plan.plan import PackagesOf, PlanContext, Planned, Request, make_plan
from bench.protocol import TRAIN, Bounds, Job, MeasureBudget
from bench.records.record import Record
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.runs.preparation import Prepare
from bench.trial import Trial

Warn = Callable[[str], None]


class Jobs:
    """Plans the trials of a registry's plugins, and makes the jobs that do them.

    A task's data are prepared once, when the first of its plugins is planned. ``bounds``
    are by profile; ``packages_of`` is as in ``bench.plan.plan.PlanContext``.
    """

    def __init__(
        self,
        registry: Registry,
        prepare: Prepare,
        bounds: Mapping[str, Bounds],
        packages_of: PackagesOf | None = None,
    ) -> None:
        self.registry = registry
        self._prepare = prepare
        self._bounds = bounds
        self._data: dict[str, PreparedTask] = {}
        self._context = plan_context_of(self._data, packages_of)

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
            latest: The current record of each identity; by default there is none.

        Raises:
            BenchError: The data are not to be had, or the request is wrong.
        """
        self.prepare(plugin.task for plugin in plugins)
        return make_plan(plugins, self.registry, request, self._context, latest or {})

    def job(
        self,
        planned: Planned,
        kind: str = TRAIN,
        *,
        predictions: Path | None = None,
        model: Path | None = None,
        effort: MeasureBudget | None = None,
        warn: Warn = lambda line: None,
    ) -> Job:
        """Make the job that does a planned trial.

        Args:
            planned: One of this object's plans.
            kind: What is to be done; see ``bench.protocol``.
            predictions: The file in which a trained trial leaves its predictions.
            model: That in which it leaves its model; None if it is not to be kept.
            effort: How much a measuring job does.
            warn: Told of data that had to be made again.

        Raises:
            DataError: The data were damaged since and cannot be prepared again.
        """
        trial, plugin = planned.trial, planned.plugin
        repaired = self.make_sound(trial)
        if repaired:
            warn(f"{repaired}: was damaged, deleted or changed; made again")
        # A worker has a current directory of its own: here alone paths are made absolute.
        return Job(
            trial=trial,
            plugin_path=str(plugin.path.absolute()),
            plugin_source=plugin.source,
            task_path=str(self.registry.tasks[trial.task].path.absolute()),
            prepared=str(self._data[trial.task].folder.absolute()),
            predictions=str(predictions.absolute()) if predictions else "",
            model=str(model.absolute()) if model else "",
            bounds=self._bounds[trial.profile],
            kind=kind,
            effort=effort or MeasureBudget(),
            python=self._context.packages(plugin).python,
        )

    def make_sound(self, trial: Trial) -> str:
        """Repair a trial's data where they are not as they were, and have its view encoded.

        Returns:
            The names of the folders that were damaged, or an empty string.

        Raises:
            DataError: They cannot be prepared again.
        """
        data = self._data[trial.task]
        repaired = data.guard.make_sound() if data.guard else ""
        data.encode(trial.view)
        if data.guard:
            data.guard.make_sound()  # What was encoded now is watched from now on.
        return repaired

    def changed_data(self) -> str:
        """Return which folder of data holds other content than it did, or an empty string."""
        return next(filter(None, (each.changed() for each in self._guards())), "")

    def data_are_whole(self) -> bool:
        """Say whether nothing of the data is missing or changed."""
        return all(each.is_whole() for each in self._guards())

    def answers(self, trial: Trial) -> Answers | None:
        """Return what a trial's predictions are scored against; see ``PreparedTask``."""
        return self._data[trial.task].answers(trial.view)

    def _guards(self) -> list[ArrayGuard]:
        return [data.guard for data in self._data.values() if data.guard is not None]

    def data(self, task: str) -> PreparedTask:
        """Return the data of a task that has been prepared."""
        return self._data[task]


def plan_context_of(
    data: Mapping[str, PreparedTask], packages_of: PackagesOf | None = None
) -> PlanContext:
    """Return what planning has to know of this machine and its data, looked up once each."""
    return PlanContext(
        sources=data,
        training_examples=lambda task, view: data[task.name].training_examples(view),
        version_of=cache(version_of),
        digest_of=cache(_digest_of),
        packages_of=packages_of,
    )


def _digest_of(name: str, beside: Path) -> str | None:
    from bench.data.word_vectors import digest_of  # Few plugins read files.

    return digest_of(name, beside)
