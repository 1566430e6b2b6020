"""Measure two revisions in turns, and one of them twice: its two halves differ by noise alone.

Whatever slows the machine for a while slows all arms of a round alike, so the n-th processes
of the arms are partners. Each process is fresh, and each round forks from servers of its own:
where code and data come to lie in memory is drawn once for a process and all its forks, and
changes its times for as long as it lives; what varies between processes has to be repeated
between processes (Kalibera and Jones: Rigorous benchmarking in reasonable time, ISMM 2013).
"""

from __future__ import annotations

import compileall
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bench.gate.sampler import Sampled, Sampler, Sampling, SamplingSettings, measured
from bench.gate.side import Measured, Side
from bench.machine import machine
from bench.protocol import OK
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.run.executor import LocalExecutor
from bench.run.preparation import prepare_by

_Say = Callable[[str], None]


@dataclass(frozen=True)
class Revision:
    """A state of the code and the plugins: ``name`` is how a reader knows it.

    ``plugins`` are those to be measured, by name. ``code`` is the folder that workers
    import ``bench`` from, None for where this process did; see ``bench.registry.source_tree.Tree``.
    """

    name: str
    commit: str
    registry: Registry
    plugins: Mapping[str, Plugin]
    code: Path | None = None


@dataclass(frozen=True)
class Arm:
    """A revision with what measures it."""

    revision: Revision
    sampler: Sampling


@dataclass(frozen=True)
class Arms:
    """What takes turns; ``again`` is the base's revision a second time."""

    base: Arm
    again: Arm
    candidate: Arm


@dataclass(frozen=True)
class Turns:
    """How long it goes on: ``pairs`` rounds, of which none begins after ``limit`` seconds.

    The first ``least`` begin at any rate. ``seed`` decides the order of the arms.
    """

    pairs: int = 8
    least: int = 3
    limit: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Interleaved:
    """What was measured in so many ``rounds``.

    The n-th process of a plugin on one side is the partner of the others' n-th. A plugin
    that only one revision has was measured once.
    """

    base: Side
    candidate: Side
    again: Side
    rounds: int


def compare_interleaved(
    base: Revision,
    candidate: Revision,
    settings: SamplingSettings,
    turns: Turns,
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
            executor = LocalExecutor(root=revision.code)
            source, backend = settings.source, settings.backend
            prepare = prepare_by(
                executor, revision.registry, source, backend, revision.name, say_once
            )
            sampler = Sampler(revision.registry, executor, settings, prepare)
            stack.callback(sampler.close)
            return Arm(revision, sampler)

        return interleave(Arms(arm(base), arm(base), arm(candidate)), turns, say)


def interleave(arms: Arms, turns: Turns, say: _Say) -> Interleaved:
    """Measure the arms round by round, plugin by plugin, in an order drawn by chance.

    A plugin that fails in any arm is left out of the rounds that follow.
    """
    rounds = _Rounds(arms, random.Random(turns.seed))
    started = time.monotonic()
    while rounds.left and rounds.done < turns.pairs:
        seconds = time.monotonic() - started
        if turns.limit is not None and rounds.done >= turns.least and seconds >= turns.limit:
            say(f"stopped after {rounds.done} of {turns.pairs} rounds: {turns.limit:g} s are over")
            break
        rounds.go(f"round {rounds.done + 1} of {turns.pairs}", say)
    return rounds.result()


class _Rounds:
    """The rounds so far: each arm's samples by plugin, and the plugins that go on."""

    def __init__(self, arms: Arms, chance: random.Random) -> None:
        self.done = 0
        base, candidate = arms.base.revision.plugins, arms.candidate.revision.plugins
        self.left = [*candidate, *(name for name in base if name not in candidate)]
        self._paired = base.keys() & candidate.keys()
        self._arms = {"base": arms.base, "again": arms.again, "candidate": arms.candidate}
        self._samples: dict[str, dict[str, list[Sampled]]] = {role: {} for role in self._arms}
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
            again=self._side("again"),
            rounds=self.done,
        )

    def _side(self, role: str) -> Side:
        revision = self._arms[role].revision
        found: list[Measured] = [measured(samples) for samples in self._samples[role].values()]
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
