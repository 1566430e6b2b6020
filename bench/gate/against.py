"""A check against another revision: both are trained, measured interleaved, and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.console import Console

from bench.errors import BenchError
from bench.gate.check import paths_of, tell_unmatched
from bench.gate.from_records import side_of
from bench.gate.judge import level_of_one, report
from bench.gate.measure import Arms, Interleaved, Revision, Schedule, compare_interleaved
from bench.gate.model import Conditions, Key, Measurement, Side
from bench.gate.report.machines import RenderInput
from bench.gate.revision import checked_out
from bench.gate.settings import PAIRS, CheckOptions, CheckSettings
from bench.machine import default_bounds, describe_run, machine
from bench.metrics import METRICS, QUALITY
from bench.plan.order import Durations
from bench.plan.plan import Request
from bench.protocol import FAILED, OK, MeasureBudget
from bench.records.store import Store
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.project import left_out, registry_of
from bench.registry.source_tree import Folders, Tree
from bench.runs.executor import LocalExecutor
from bench.runs.interruption import Interruption
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_by
from bench.runs.progress import TimeLeft, observer_for
from bench.runs.runner import Context, run

#: How the present state of the working folder is called beside a revision.
HERE = "the working tree"


def compare_with_revision(
    options: CheckOptions, settings: CheckSettings, watch: Watch
) -> RenderInput:
    """Train and measure the working tree and another revision of it, and judge.

    Raises:
        BenchError: There is no such revision, or something else is wrong that shows before
            anything is run.
        KeyboardInterrupt: The user has stopped it; the other revision's files are gone.
    """
    with (
        watch.interruption.raising(),
        checked_out(options.against or "") as checkout,
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch,
    ):
        now, then = both_registries(options, checkout.tree)
        for line in left_out(now, options.names, options.task, "compared"):
            watch.say(line)
        names = _names(options, now, then)
        both = replace(now, plugins=(*now.plugins, *then.plugins))
        tell_unmatched(settings, both, say=watch.say)
        now, then = only_named(now, names, then), only_named(then, names, now)
        base = Revision(
            str(checkout),
            checkout.short,
            then,
            _chosen(then, names),
            checkout.tree.code(),
            checkout.libraries,
        )
        candidate = Revision(HERE, _commit_here(), now, _chosen(now, names))
        schedule = _schedule(options, settings, len(names))
        measured = compare_interleaved(base, candidate, options.conditions, schedule, watch.say)
        trained = None
        if QUALITY in settings.metrics:
            folders = Path(scratch, "base"), Path(scratch, "candidate")
            trained = train_both(
                Trainer(base, folders[0], watch),
                Trainer(candidate, folders[1], watch),
                names,
                options.conditions,
                options.seeds,
            )
    return _judged(measured, trained, settings, now)


def both_registries(asked: Folders, tree: Tree) -> tuple[Registry, Registry]:
    """Return what there is now, and in another revision, which has a project file of its own.

    Where one of the two has plugins of a project's own, these are what both mean: a revision
    from before the first of them means none.

    Raises:
        BenchError: A folder does not exist, or a project's file is wrong.
    """
    now, then = registry_of(asked), registry_of(asked, tree=tree)
    if now.own is None and then.own is None:
        return now, then
    return replace(now, own=now.own or frozenset()), replace(then, own=then.own or frozenset())


def only_named(registry: Registry, names: Collection[str], other: Registry) -> Registry:
    """Return one side's plugins that are compared.

    A shipped plugin is none beside a project's own of its name on the other side.
    """
    own = other.own or frozenset()
    named = [plugin for plugin in registry.plugins if plugin.label in names]
    kept = [plugin for plugin in named if registry.is_meant(plugin) or plugin.name not in own]
    return replace(registry, plugins=tuple(kept))


#: Enough to have built a model and seen it train and predict.
_LEAST = MeasureBudget(warm_up=1, steps=1, passes=1, examples=32, least=1, seconds=0.0)


def _schedule(options: CheckOptions, settings: CheckSettings, plugins: int) -> Schedule:
    """Return how many rounds there are: fewer than could be significant are of no use."""
    from bench.statistics.ratios import fewest_rounds

    noisy = sum(METRICS[name].kind in ("time", "memory") for name in settings.metrics)
    if not noisy:
        # What has no noise is known after one, and training tells quality.
        pairs = 0 if settings.metrics == (QUALITY,) else 1
        return Schedule(pairs=pairs, least=pairs, limit=options.seconds, effort=_LEAST)
    strict = level_of_one(settings.level, noisy * plugins, QUALITY in settings.metrics)
    fewest = fewest_rounds(len(fields(Arms)), strict)
    pairs = settings.pairs or max(PAIRS, fewest)
    return Schedule(pairs=pairs, least=min(pairs, fewest), limit=options.seconds)


def _judged(
    measured: Interleaved,
    trained: tuple[Side, Side] | None,
    settings: CheckSettings,
    registry: Registry,
) -> RenderInput:
    base, candidate = measured.base, measured.candidate
    if trained is not None:
        base, candidate = with_quality(base, trained[0]), with_quality(candidate, trained[1])
    candidate = with_broken(candidate, base, registry)
    found = report(base, candidate, settings, control=measured.control, paired=True)
    return RenderInput(found, candidate, paths_of(registry))


def with_quality(side: Side, trained: Side) -> Side:
    """Return a side with the quality of what it has trained, and with what failed there.

    A plugin may measure well and fail to train, or not have been measured at all.
    """
    plugins = dict(side.plugins)
    for key, learnt in trained.plugins.items():
        known = plugins.get(key)
        if known is None or known.status == OK != learnt.status:
            plugins[key] = _of_quality_alone(learnt)
        elif known.status == OK:
            plugins[key] = replace(known, quality=learnt.quality)
    return replace(side, plugins=plugins)


def with_broken(candidate: Side, base: Side, registry: Registry) -> Side:
    """Return a candidate with a failure for what the base has and it cannot even plan.

    A plugin that does not parse any more, or names another task, has not gone.
    """
    plugins = dict(candidate.plugins)
    now = {plugin.name: plugin for plugin in registry.plugins}
    of_task = {(plugin.task, plugin.name): plugin for plugin in registry.plugins}
    for key in base.plugins.keys() - plugins.keys():
        plugin = of_task.get((key.task, key.plugin)) or now.get(key.plugin)
        if plugin is not None:
            plugins[key] = Measurement(key, FAILED, _broken(plugin, key))
    return replace(candidate, plugins=plugins)


def _broken(plugin: Plugin, key: Key) -> str:
    if plugin.problems:
        first = plugin.problems[0]
        return f"{plugin.path.name}:{first.line}: {first.message}"
    return f"{plugin.path.name} is of the task {plugin.task!r} now, and was of {key.task!r}"


def _of_quality_alone(learnt: Measurement) -> Measurement:
    """Leave out the times of a training: those of the rounds are what is compared."""
    return replace(learnt, rounds={}, disturbed="")


def _names(options: CheckOptions, now: Registry, then: Registry) -> frozenset[str]:
    """Return the labels of the plugins that are asked for, of either revision.

    Raises:
        BenchError: A pattern matches nothing in either, or there is nothing to compare.
    """
    task, names = options.task, set()
    for pattern in options.names or ("*",):
        found = _matching(then, pattern, task) | _matching(now, pattern, task)
        if not found:
            now.select([pattern], task)  # Says what is wrong, and the nearest names.
        names |= found
    if not names:
        raise BenchError("there is no plugin to compare; see `python -m bench list`")
    return frozenset(names)


def _matching(registry: Registry, pattern: str, task: str | None) -> set[str]:
    try:
        return {plugin.label for plugin in registry.select([pattern], task)}
    except BenchError:
        return set()


def _chosen(registry: Registry, names: Collection[str]) -> dict[str, Plugin]:
    return {
        plugin.label: plugin
        for plugin in registry.plugins
        if plugin.label in names and plugin.task in registry.tasks
    }


def _commit_here() -> str:
    described = describe_run("check")
    return f"{described['commit'] or ''}{'+' if described['dirty'] else ''}"


# The quality of two sides: the same trials, trained by the code of each


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

    Of the revision, all plugins of its registry can be trained.
    """

    def __init__(self, revision: Revision, folder: Path, watch: Watch) -> None:
        self.name = revision.name
        self._registry = revision.registry
        self._revision = revision
        self._store = Store(folder)
        self._watch = watch

    def train(self, names: Collection[str], conditions: Conditions, seeds: Sequence[int]) -> Side:
        """Train the plugins of these names that the side has; return all it has trained.

        Raises:
            BenchError: Something is wrong that shows before anything is run.
            KeyboardInterrupt: The user has stopped it.
        """
        registry, say = self._registry, self._watch.say
        asked = [p for p in registry.plugins if p.name in names or p.label in names]
        plugins = [plugin for plugin in asked if plugin.task in registry.tasks]
        self._store.prepare()
        if plugins:
            say(f"{self.name}: training for quality, {conditions.profile}")
            executor = self._revision.executor()
            try:
                self._run(plugins, conditions, seeds, executor)
            finally:
                executor.cancel()
        return side_of(self.name, self._store.read().records, self._store, say)

    def _run(
        self,
        plugins: Sequence[Plugin],
        conditions: Conditions,
        seeds: Sequence[int],
        executor: LocalExecutor,
    ) -> None:
        profile, backend = conditions.profile, conditions.backend
        prepare = prepare_by(
            executor, self._registry, conditions.source, backend, self.name, lambda line: None
        )
        jobs = Jobs(self._registry, prepare, {profile: default_bounds(profile)})
        plan = jobs.plan(plugins, Request(profile, tuple(seeds), backend))
        durations = Durations(self._store.read().records, machine(), 1)
        observer = observer_for(self._watch.console, TimeLeft(durations))
        context, interruption = Context(jobs, describe_run("check")), self._watch.interruption
        done = run(plan, executor, self._store, context, observer, interruption)
        if done.interrupted or interruption.asked:
            raise KeyboardInterrupt


def train_both(
    base: Trainer,
    candidate: Trainer,
    names: Collection[str],
    conditions: Conditions,
    seeds: Sequence[int],
) -> tuple[Side, Side]:
    """Train on the first seed and, where the two sides then differ, on the others as well.

    What is bit-identical with one seed needs no statistics; what is not needs the noise of
    training, which one seed does not tell.

    Raises:
        BenchError: Something is wrong that shows before anything is run.
        KeyboardInterrupt: The user has stopped it.
    """
    first, others = seeds[:1], seeds[1:]
    sides = base.train(names, conditions, first), candidate.train(names, conditions, first)
    differing = differ(*sides)
    if not others or not differing:
        return sides
    return (
        base.train(differing, conditions, others),
        candidate.train(differing, conditions, others),
    )


def differ(base: Side, candidate: Side) -> set[str]:
    """Return the labels of what both sides have trained, with different predictions."""
    return {
        key.label
        for key in base.plugins.keys() & candidate.plugins.keys()
        if _digests(base, key) != _digests(candidate, key)
    }


def _digests(side: Side, key: Key) -> dict[int, str] | None:
    measured: Measurement = side.plugins[key]
    if measured.quality is None:
        return None
    return {score.seed: score.digest for score in measured.quality.seeds}
