"""Measure a plugin: one fresh process a sample, which trains a little and predicts a little."""

from __future__ import annotations

import compileall
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median_low
from typing import Any, Protocol

from bench.analysis.contention import MOST_OTHERS
from bench.gate.model import Conditions, Key, Measurement, Side
from bench.machine import default_bounds, machine
from bench.plan.plan import Planned, Request
from bench.protocol import (
    CRASHED,
    MEASURE,
    OK,
    Bounds,
    Executor,
    Finished,
    Job,
    MeasureBudget,
    Outcome,
    Readings,
)
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.runs.executor import LocalExecutor
from bench.runs.jobs import Jobs
from bench.runs.preparation import Prepare, prepare_by

#: Seconds that one process may take.
TIMEOUT = 600.0

#: What of a worker's environment may differ between two sides.
_SETTINGS = (
    "python",
    "versions",
    "threads",
    "inter_op_threads",
    "device",
    "start",
    "memory_pages",
    "compilation",
)


@dataclass(frozen=True)
class Sample:
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

    def sample(self, plugin: Plugin) -> Sample:
        """Measure a plugin once."""

    def renew(self) -> None:
        """Let the next process start from nothing that earlier ones have shared."""

    def close(self) -> None:
        """End what is in progress and let go of what is held."""


class Sampler:
    """Measures plugins, one fresh process a sample; a task's data are made ready once.

    Of what a trial would do, ``effort`` is done. ``timeout`` is in seconds a process.
    """

    def __init__(
        self,
        registry: Registry,
        executor: Executor,
        conditions: Conditions,
        prepare: Prepare,
        *,
        effort: MeasureBudget | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._executor = executor
        self._effort = effort
        bounds = Bounds(timeout, default_bounds(conditions.profile).memory)
        self._jobs = Jobs(registry, prepare, {conditions.profile: bounds})
        self._request = Request(conditions.profile, backend=conditions.backend)
        self._planned: dict[str, Planned] = {}

    def sample(self, plugin: Plugin) -> Sample:
        """Measure a plugin in a process of its own; what goes wrong there is in the status.

        Raises:
            BenchError: The data are not to be had, or the task cannot be read; nothing has
                been run.
        """
        planned = self._plan(plugin)
        trial = planned.trial
        key = Key(trial.task, trial.label, trial.source, trial.profile, trial.backend)
        sampled = Sample(key, planned.verdict, planned.reason, data=trial.fingerprint)
        if planned.verdict:
            return sampled
        return self._run(sampled, self._jobs.job(planned, MEASURE, effort=self._effort))

    def renew(self) -> None:
        """End the server that processes are forked from: the next has a memory of its own."""
        self._executor.cancel()

    def close(self) -> None:
        """End the running process and let go of what the executor holds."""
        self._executor.cancel()

    def _plan(self, plugin: Plugin) -> Planned:
        if plugin.label not in self._planned:
            (self._planned[plugin.label],) = self._jobs.plan([plugin], self._request)
        return self._planned[plugin.label]

    def _run(self, sampled: Sample, job: Job) -> Sample:
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


def joined(samples: Sequence[Sample]) -> Measurement:
    """Join the processes of one plugin, one tuple of rounds a process.

    One that failed makes the whole a failure. The machine was disturbed if in more than
    half of the processes others used more than ``bench.analysis.contention.MOST_OTHERS`` of it.

    Args:
        samples: In the order in which they were taken, one at least, all of the same key.
    """
    first = samples[0]
    failed = next((sample for sample in samples if sample.status != OK), None)
    if failed is not None:
        return Measurement(failed.key, failed.status, failed.reason, data=failed.data)
    return Measurement(
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


# Measure two revisions interleaved, and one of them twice: its two halves differ by noise alone


_Say = Callable[[str], None]


@dataclass(frozen=True)
class Revision:
    """A state of the code and the plugins: ``name`` is how a reader knows it.

    ``plugins`` are those to be measured, by label. ``code`` is the folder that workers
    import ``bench`` from, None for where this process did, see
    ``bench.registry.source_tree.Tree``; in ``libraries`` they look for modules first.
    """

    name: str
    commit: str
    registry: Registry
    plugins: Mapping[str, Plugin]
    code: Path | None = None
    libraries: tuple[Path, ...] = ()

    def executor(self) -> LocalExecutor:
        """Return what runs jobs with the revision's code."""
        return LocalExecutor(root=self.code, libraries=self.libraries)


@dataclass(frozen=True)
class Arm:
    """A revision with what measures it."""

    revision: Revision
    sampler: Sampling


@dataclass(frozen=True)
class Arms:
    """What takes turns; ``control`` is the base's revision a second time."""

    base: Arm
    control: Arm
    candidate: Arm


@dataclass(frozen=True)
class Schedule:
    """How long it goes on: ``pairs`` rounds, of which none begins after ``limit`` seconds.

    The first ``least`` begin at any rate. ``seed`` decides the order of the arms, ``effort`` how
    much each process does.
    """

    pairs: int = 8
    least: int = 3
    limit: float | None = None
    seed: int = 0
    effort: MeasureBudget | None = None


@dataclass(frozen=True)
class Interleaved:
    """What was measured in so many ``rounds``.

    The n-th process of a plugin on one side is the partner of the others' n-th. A plugin
    that only one revision has was measured once.
    """

    base: Side
    candidate: Side
    control: Side
    rounds: int


def compare_interleaved(
    base: Revision,
    candidate: Revision,
    conditions: Conditions,
    schedule: Schedule,
    say: _Say,
) -> Interleaved:
    """Measure two revisions on this machine; ``say`` is told of each process.

    Raises:
        BenchError: The data are not to be had, or a task cannot be read.
        KeyboardInterrupt: The user has stopped it; all processes are gone.
    """
    said: set[str] = set()

    def say_once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    with ExitStack() as stack:

        def arm(revision: Revision) -> Arm:
            _compile(revision.code)
            executor = revision.executor()
            source, backend = conditions.source, conditions.backend
            prepare = prepare_by(
                executor, revision.registry, source, backend, revision.name, say_once
            )
            sampler = Sampler(
                revision.registry, executor, conditions, prepare, effort=schedule.effort
            )
            stack.callback(sampler.close)
            return Arm(revision, sampler)

        return interleave(Arms(arm(base), arm(base), arm(candidate)), schedule, say)


def interleave(arms: Arms, schedule: Schedule, say: _Say) -> Interleaved:
    """Measure the arms round by round, plugin by plugin, in an order drawn by chance.

    A plugin that fails in any arm is left out of the rounds that follow.
    """
    rounds = _Rounds(arms, random.Random(schedule.seed))
    pairs, limit = schedule.pairs, schedule.limit
    started = time.monotonic()
    while rounds.left and rounds.done < pairs:
        seconds = time.monotonic() - started
        if limit is not None and rounds.done >= schedule.least and seconds >= limit:
            say(f"stopped after {rounds.done} of {pairs} rounds: {limit:g} s are over")
            break
        rounds.go(f"round {rounds.done + 1} of {pairs}", say)
    return rounds.result()


class _Rounds:
    """The rounds so far: each arm's samples by plugin, and the plugins that go on."""

    def __init__(self, arms: Arms, chance: random.Random) -> None:
        self.done = 0
        base, candidate = arms.base.revision.plugins, arms.candidate.revision.plugins
        self.left = [*candidate, *(name for name in base if name not in candidate)]
        self._paired = base.keys() & candidate.keys()
        self._arms = {"base": arms.base, "control": arms.control, "candidate": arms.candidate}
        self._samples: dict[str, dict[str, list[Sample]]] = {role: {} for role in self._arms}
        self._chance = chance

    def go(self, title: str, say: _Say) -> None:
        """Measure every plugin that goes on, in a fresh process an arm."""
        for arm in self._arms.values():
            arm.sampler.renew()
        self.left = [name for name in self.left if self._measure(name, title, say)]
        self.done += 1

    def _measure(self, name: str, title: str, say: _Say) -> bool:
        """Measure a plugin in each arm that has it; say whether it goes on."""
        roles = [role for role, arm in self._arms.items() if name in arm.revision.plugins]
        all_ok = True
        for role in self._chance.sample(roles, len(roles)):
            say(f"{title}: {name}, {role}")
            arm = self._arms[role]
            sampled = arm.sampler.sample(arm.revision.plugins[name])
            self._samples[role].setdefault(name, []).append(sampled)
            all_ok = all_ok and sampled.status == OK
        return all_ok and name in self._paired

    def result(self) -> Interleaved:
        """Return the sides as they are now."""
        return Interleaved(
            base=self._side("base"),
            candidate=self._side("candidate"),
            control=self._side("control"),
            rounds=self.done,
        )

    def _side(self, role: str) -> Side:
        revision = self._arms[role].revision
        found: list[Measurement] = [joined(samples) for samples in self._samples[role].values()]
        return Side(
            name=revision.name,
            machine=machine(),
            commit=revision.commit,
            written=datetime.now(timezone.utc).isoformat(),
            plugins={each.key: each for each in found},
        )


def _compile(code: Path | None) -> None:
    """Have a revision's modules compiled: a fresh checkout's first process would start late."""
    if code is not None and not sys.dont_write_bytecode:
        compileall.compile_dir(code / "bench", quiet=2)
