"""Measure a plugin: one fresh process a sample, which trains a little and predicts a little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median_low
from typing import Any, Protocol

from bench.analysis.contention import MOST_OTHERS
from bench.gate.side import Key, Measured
from bench.machine import default_bounds
from bench.plan.plan import Planned, Request
from bench.protocol import CRASHED, MEASURE, OK, Bounds, Effort, Finished, Job, Outcome, Readings
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.run.executor import Executor
from bench.run.jobs import Jobs
from bench.run.preparation import Prepare

#: Seconds that one process may take.
TIMEOUT = 600.0

#: What of a worker's environment may differ between two sides.
_SETTINGS = ("python", "versions", "threads", "device", "start", "compilation")


@dataclass(frozen=True)
class SamplingSettings:
    """What is measured: the schedule and the data of a trial, and how much of it is done.

    ``timeout`` is in seconds a process; of what a trial would do, ``effort`` is done.
    """

    profile: str = "quick"
    source: str = "auto"
    backend: str = "tensorflow"
    timeout: float = TIMEOUT
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True)
class Sampled:
    """What one process measured of a plugin; ``Measured`` joins several.

    ``status`` and ``reason`` are as in a record. ``rounds`` are raw, in seconds or bytes,
    by metric. ``data`` is the fingerprint of the data, ``settings`` the versions, threads
    and device. ``others_cpu`` is the share of the machine's CPU time that other processes
    used meanwhile, None where that is not known.
    """

    key: Key
    status: str
    reason: str = ""
    rounds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    parameters: int | None = None
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    others_cpu: float | None = None


class Sampling(Protocol):
    """What measures plugins, one process at a time."""

    def sample(self, plugin: Plugin) -> Sampled:
        """Measure a plugin once."""

    def renew(self) -> None:
        """Let the next process start from nothing that earlier ones have shared."""

    def close(self) -> None:
        """End what is under way and let go of what is held."""


class Sampler:
    """Measures plugins, one fresh process a sample; a task's data are made ready once."""

    def __init__(
        self,
        registry: Registry,
        executor: Executor,
        settings: SamplingSettings,
        prepare: Prepare,
    ) -> None:
        self._executor = executor
        self._effort = settings.effort
        bounds = Bounds(settings.timeout, default_bounds(settings.profile).memory)
        self._jobs = Jobs(registry, prepare, {settings.profile: bounds})
        self._request = Request(settings.profile, backend=settings.backend)
        self._planned: dict[str, Planned] = {}

    def sample(self, plugin: Plugin) -> Sampled:
        """Measure a plugin in a process of its own; what goes wrong there is in the status.

        Raises:
            BenchError: The data are not to be had, or the task cannot be read; nothing has
                been run.
        """
        planned = self._plan(plugin)
        trial = planned.trial
        key = Key(trial.task, trial.label, trial.source, trial.profile, trial.backend)
        sampled = Sampled(key, planned.verdict, planned.reason, data=trial.fingerprint)
        if planned.verdict:
            return sampled
        return self._run(sampled, self._jobs.job(planned, MEASURE, effort=self._effort))

    def renew(self) -> None:
        """End the server that processes are forked from: the next has a memory of its own."""
        self._executor.cancel()

    def close(self) -> None:
        """End the process under way and let go of what the executor holds."""
        self._executor.cancel()

    def _plan(self, plugin: Plugin) -> Planned:
        if plugin.name not in self._planned:
            (self._planned[plugin.name],) = self._jobs.plan([plugin], self._request)
        return self._planned[plugin.name]

    def _run(self, sampled: Sampled, job: Job) -> Sampled:
        outcome = Outcome(CRASHED, "the worker gave no outcome")
        rounds: dict[str, tuple[float, ...]] = {}
        self._executor.submit(job)
        for _, event in self._executor.events():
            if isinstance(event, Readings):
                rounds = {name: tuple(values) for name, values in event.rounds.items()}
            elif isinstance(event, Finished):
                outcome = event.outcome
        sampled = replace(sampled, status=outcome.status, reason=outcome.reason)
        if outcome.status != OK:
            return sampled
        environment = outcome.environment
        return replace(
            sampled,
            rounds=rounds,
            parameters=outcome.model["parameters"],
            settings={name: environment[name] for name in _SETTINGS if name in environment},
            others_cpu=environment.get("contention", {}).get("others_cpu"),
        )


def measured(samples: Sequence[Sampled]) -> Measured:
    """Join the processes of one plugin, one tuple of rounds a process.

    One that failed makes the whole a failure. The machine was disturbed if in more than
    half of the processes others used more than ``bench.analysis.contention.MOST_OTHERS`` of it.

    Args:
        samples: In the order in which they were taken, one at least, all of the same key.
    """
    first = samples[0]
    failed = next((sample for sample in samples if sample.status != OK), None)
    if failed is not None:
        return Measured(failed.key, failed.status, failed.reason, data=failed.data)
    return Measured(
        key=first.key,
        status=OK,
        # A metric that some process lacks has no pairs.
        rounds={
            name: tuple(sample.rounds[name] for sample in samples)
            for name in first.rounds
            if all(sample.rounds.get(name) for sample in samples)
        },
        parameters=first.parameters,
        disturbed=_disturbed([s.others_cpu for s in samples if s.others_cpu is not None]),
        data=first.data,
        settings=first.settings,
    )


def _disturbed(others: Sequence[float]) -> str:
    usual = median_low(others) if others else 0.0
    return f"others used {usual:.0%}" if usual > MOST_OTHERS else ""
