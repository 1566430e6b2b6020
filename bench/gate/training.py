"""The quality of two sides: the same trials, trained by the code of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.gate.from_records import side_of
from bench.gate.side import Key, Measured, Side
from bench.machine import default_bounds, describe_run, machine
from bench.plan.order import Durations
from bench.plan.plan import Request
from bench.records.store import Store
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.run.executor import LocalExecutor
from bench.run.jobs import Jobs
from bench.run.preparation import prepare_by
from bench.run.progress import TimeLeft, observer_for
from bench.run.runner import Context, Interruption, run


@dataclass(frozen=True)
class Schooling:
    """What is trained: ``seeds`` after the first only where the first tells two sides apart."""

    profile: str
    seeds: tuple[int, ...]
    source: str
    backend: str


@dataclass(frozen=True)
class Watch:
    """Where a person sees how a training goes, and how they stop it."""

    console: Console
    interruption: Interruption

    def say(self, line: str) -> None:
        """Write a line."""
        self.console.print(line, markup=False)


class Trainer:
    """Trains plugins with one side's code, and keeps the records in a folder of its own.

    ``root`` is where the code comes from; see ``bench.run.executor.LocalExecutor``.
    """

    def __init__(
        self, name: str, registry: Registry, root: Path | None, folder: Path, watch: Watch
    ) -> None:
        self.name = name
        self._registry = registry
        self._root = root
        self._store = Store(folder)
        self._watch = watch

    def train(self, names: Collection[str], schooling: Schooling, seeds: Sequence[int]) -> Side:
        """Train the plugins of these names that the side has; return all it has trained.

        Raises:
            BenchError: Something is wrong that shows before anything is run.
            KeyboardInterrupt: The user has stopped it.
        """
        registry, say = self._registry, self._watch.say
        plugins = [p for p in registry.plugins if p.name in names and p.task in registry.tasks]
        self._store.prepare()
        if plugins:
            say(f"{self.name}: training for quality, {schooling.profile}")
            executor = LocalExecutor(root=self._root)
            try:
                self._run(plugins, schooling, seeds, executor)
            finally:
                executor.cancel()
        return side_of(self.name, self._store.read().records, self._store, say)

    def _run(
        self,
        plugins: Sequence[Plugin],
        schooling: Schooling,
        seeds: Sequence[int],
        executor: LocalExecutor,
    ) -> None:
        profile, backend = schooling.profile, schooling.backend
        prepare = prepare_by(
            executor, self._registry, schooling.source, backend, self.name, lambda line: None
        )
        jobs = Jobs(self._registry, prepare, {profile: default_bounds(profile)})
        plan = jobs.plan(plugins, Request(profile, tuple(seeds), backend))
        durations = Durations(self._store.read().records, machine(), 1)
        observer = observer_for(self._watch.console, TimeLeft(durations, 1))
        context, interruption = Context(jobs, describe_run("check")), self._watch.interruption
        done = run(plan, executor, self._store, context, observer, interruption)
        if done.interrupted or interruption.asked:
            raise KeyboardInterrupt


def train_both(
    base: Trainer, candidate: Trainer, names: Collection[str], schooling: Schooling
) -> tuple[Side, Side]:
    """Train on the first seed and, where the two sides then differ, on the others as well.

    What is bit-identical with one seed needs no statistics; what is not needs the noise of
    training, which one seed does not tell.

    Raises:
        BenchError: Something is wrong that shows before anything is run.
        KeyboardInterrupt: The user has stopped it.
    """
    first, others = schooling.seeds[:1], schooling.seeds[1:]
    sides = base.train(names, schooling, first), candidate.train(names, schooling, first)
    differing = differ(*sides)
    if not others or not differing:
        return sides
    return (
        base.train(differing, schooling, others),
        candidate.train(differing, schooling, others),
    )


def differ(base: Side, candidate: Side) -> set[str]:
    """Return the labels of what both sides have trained, with different predictions."""
    return {
        key.label
        for key in base.plugins.keys() & candidate.plugins.keys()
        if _digests(base, key) != _digests(candidate, key)
    }


def _digests(side: Side, key: Key) -> dict[int, str] | None:
    measured: Measured = side.plugins[key]
    if measured.quality is None:
        return None
    return {score.seed: score.digest for score in measured.quality.seeds}
