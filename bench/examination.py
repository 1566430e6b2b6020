"""Examine plugins: hold each to the contract, in a worker of its own, on synthetic data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bench import record
from bench.bounds import Bounds, default_bounds
from bench.contract import (
    CHECKS,
    FAILED,
    NOT_REACHED,
    PARSES,
    PASSED,
    SKIPPED,
    TIMEOUT,
    Verdict,
)
from bench.data.ready import ReadyData, make_ready, surroundings_of
from bench.executor import Executor
from bench.job import TEST, Checked, Finished, Job
from bench.plan import Planned, Request, make_plan
from bench.record import Outcome
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin

_PROFILE = "smoke"


@dataclass(frozen=True)
class Settings:
    """How plugins are examined: what Keras computes with, and the seconds that each may take."""

    backend: str = "tensorflow"
    timeout: float = TIMEOUT


class Examiner:
    """Examines one plugin after the other; the data of a task are made ready once."""

    def __init__(
        self,
        registry: Registry,
        executor: Executor,
        settings: Settings,
        say: Callable[[str], None],
    ) -> None:
        self._registry = registry
        self._executor = executor
        self._settings = settings
        self._say = say
        self._ready: dict[str, ReadyData] = {}

    def examine(self, plugin: Plugin) -> Iterator[Verdict]:
        """Yield a verdict on each check as it is made; a crash costs this plugin only.

        Raises:
            BenchError: The synthetic data cannot be made; nothing has been run.
        """
        if plugin.problems:
            yield _verdict(plugin, PARSES, FAILED, "; ".join(map(str, plugin.problems)))
            yield from _not_reached(plugin, CHECKS[1:], PARSES)
            return
        planned = self._plan(plugin)
        if planned.verdict == record.FAILED:
            yield _verdict(plugin, PARSES, FAILED, planned.reason)
            yield from _not_reached(plugin, CHECKS[1:], PARSES)
            return
        yield _verdict(plugin, PARSES, PASSED)
        if planned.verdict:
            yield from (_verdict(plugin, name, SKIPPED, planned.reason) for name in CHECKS[1:])
        else:
            yield from self._run(plugin, self._job(planned))

    def close(self) -> None:
        """End the worker under way and let go of what the executor holds."""
        self._executor.cancel()

    def _plan(self, plugin: Plugin) -> Planned:
        if plugin.task not in self._ready:
            task = self._registry.tasks[plugin.task]
            self._ready |= make_ready({task.name: task}, "synthetic", {}, self._say)
        surroundings = surroundings_of(self._ready)
        request = Request(_PROFILE, backend=self._settings.backend)
        (planned,) = make_plan([plugin], self._registry, request, surroundings, {})
        return planned

    def _job(self, planned: Planned) -> Job:
        plugin, task = planned.plugin, self._registry.tasks[planned.trial.task]
        return Job(
            trial=planned.trial,
            # The worker has a current directory of its own.
            plugin_path=str(plugin.path.absolute()),
            plugin_source=plugin.source,
            task_path=str(task.path),
            prepared=str(self._ready[task.name].folder),
            predictions="",
            bounds=Bounds(self._settings.timeout, default_bounds(_PROFILE).memory),
            kind=TEST,
        )

    def _run(self, plugin: Plugin, job: Job) -> Iterator[Verdict]:
        left = [*CHECKS[1:]]
        culprit = ""
        outcome = Outcome(record.OK)
        self._executor.submit(job)
        for _, event in self._executor.events():
            if isinstance(event, Checked) and event.check in left:
                left.remove(event.check)
                yield _verdict(
                    plugin, event.check, FAILED if event.reason else PASSED, event.reason
                )
                culprit = culprit or (event.check if event.reason else "")
            elif isinstance(event, Finished):
                outcome = event.outcome
        if outcome.status == record.SKIPPED:
            yield from (_verdict(plugin, name, SKIPPED, outcome.reason) for name in left)
            return
        if outcome.status != record.OK and left:
            culprit = left.pop(0)
            yield _verdict(plugin, culprit, FAILED, outcome.reason)
        yield from _not_reached(plugin, left, culprit)


def _verdict(plugin: Plugin, check: str, status: str, reason: str = "") -> Verdict:
    return Verdict(plugin.name, str(plugin.path), check, status, reason)


def _not_reached(plugin: Plugin, checks: Iterable[str], culprit: str) -> Iterator[Verdict]:
    reason = f"{culprit} failed" if culprit else "the worker ended early"
    return (_verdict(plugin, name, NOT_REACHED, reason) for name in checks)
