"""Examine plugins: check each, in a worker of its own, on synthetic data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bench.machine import default_bounds
from bench.plan.plan import Request
from bench.protocol import (
    CHECKS,
    CHECKS_TIMEOUT,
    FAILED,
    NOT_REACHED,
    OK,
    PARSES,
    PASSED,
    SKIPPED,
    TEST,
    Bounds,
    Checked,
    Executor,
    Finished,
    Job,
    Outcome,
    Verdict,
)
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_here

_PROFILE = "smoke"


class Examiner:
    """Examines one plugin after the other; the data of a task are made ready once.

    ``backend`` is what Keras computes with, ``timeout`` the seconds that each may take.
    """

    def __init__(
        self,
        registry: Registry,
        executor: Executor,
        say: Callable[[str], None],
        *,
        backend: str = "tensorflow",
        timeout: float = CHECKS_TIMEOUT,
    ) -> None:
        self._executor = executor
        bounds = Bounds(timeout, default_bounds(_PROFILE).memory)
        self._jobs = Jobs(registry, prepare_here("synthetic", {}, say), {_PROFILE: bounds})
        self._request = Request(_PROFILE, backend=backend)

    def examine(self, plugin: Plugin) -> Iterator[Verdict]:
        """Yield a verdict on each check as it is made; a crash costs this plugin only.

        Raises:
            BenchError: The synthetic data cannot be made; nothing has been run.
        """
        if plugin.problems:
            yield _verdict(plugin, PARSES, FAILED, "; ".join(map(str, plugin.problems)))
            yield from _not_reached(plugin, CHECKS[1:], PARSES)
            return
        (planned,) = self._jobs.plan([plugin], self._request)
        if planned.verdict == FAILED:
            yield _verdict(plugin, PARSES, FAILED, planned.reason)
            yield from _not_reached(plugin, CHECKS[1:], PARSES)
            return
        yield _verdict(plugin, PARSES, PASSED)
        if planned.verdict:
            yield from (_verdict(plugin, name, SKIPPED, planned.reason) for name in CHECKS[1:])
        else:
            yield from self._run(plugin, self._jobs.job(planned, TEST))

    def close(self) -> None:
        """End the running worker and let go of what the executor holds."""
        self._executor.cancel()

    def _run(self, plugin: Plugin, job: Job) -> Iterator[Verdict]:
        left = [*CHECKS[1:]]
        culprit = ""
        outcome = Outcome(OK)
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
        if outcome.status == SKIPPED:
            yield from (_verdict(plugin, name, SKIPPED, outcome.reason) for name in left)
            return
        if outcome.status != OK and left:
            culprit = left.pop(0)
            yield _verdict(plugin, culprit, FAILED, outcome.reason)
        yield from _not_reached(plugin, left, culprit)


def _verdict(plugin: Plugin, check: str, status: str, reason: str = "") -> Verdict:
    return Verdict(plugin.label, str(plugin.path), check, status, reason)


def _not_reached(plugin: Plugin, checks: Iterable[str], culprit: str) -> Iterator[Verdict]:
    reason = f"{culprit} failed" if culprit else "the worker ended early"
    return (_verdict(plugin, name, NOT_REACHED, reason) for name in checks)
