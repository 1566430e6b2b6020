"""A check against another revision: both are trained, measured in turns, and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bench.errors import BenchError
from bench.gate.check import Selection
from bench.gate.interleave import Arms, Interleaved, Revision, Turns, compare_interleaved
from bench.gate.judge import report
from bench.gate.revision import checked_out
from bench.gate.sampler import SamplingSettings
from bench.gate.settings import Settings
from bench.gate.side import Measured, Side
from bench.gate.training import Schooling, Trainer, Watch, train_both
from bench.machine import describe_run
from bench.metrics import METRICS, QUALITY
from bench.protocol import OK
from bench.registry.discover import Registry, discover
from bench.registry.plugins import Plugin
from bench.render.gate.formats import Told

#: How the present state of the working folder is called beside a revision.
HERE = "the working tree"


@dataclass(frozen=True)
class Comparison:
    """What is compared with another revision, and how.

    ``patterns`` are names and globs of plugins, none for all; ``folders`` further folders of
    plugins. No round of measuring begins after ``limit_seconds``, if given.
    """

    revision: str
    patterns: tuple[str, ...]
    task: str | None
    folders: tuple[Path, ...]
    schooling: Schooling
    sampling: SamplingSettings
    limit_seconds: float | None
    settings: Settings


def compare_with_revision(comparison: Comparison, watch: Watch) -> Told:
    """Train and measure the working tree and another revision of it, and judge.

    Raises:
        BenchError: There is no such revision, or something else is wrong that shows before
            anything is run.
        KeyboardInterrupt: The user has stopped it; the other revision's files are gone.
    """
    settings = comparison.settings
    with (
        watch.interruption.heeded(),
        checked_out(comparison.revision) as checkout,
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch,
    ):
        now = discover(comparison.folders)
        then = discover(comparison.folders, tree=checkout.tree)
        names = _names(comparison, now, then)
        base = Revision(
            str(checkout), checkout.short, then, _chosen(then, names), checkout.tree.code()
        )
        candidate = Revision(HERE, _commit_here(), now, _chosen(now, names))
        turns = _turns(comparison)
        measured = compare_interleaved(base, candidate, comparison.sampling, turns, watch.say)
        trained = None
        if QUALITY in settings.metrics:
            folders = Path(scratch, "base"), Path(scratch, "candidate")
            trained = train_both(
                Trainer(base.name, then, base.code, folders[0], watch),
                Trainer(candidate.name, now, candidate.code, folders[1], watch),
                names,
                comparison.schooling,
            )
    return _judged(measured, trained, settings, Selection(comparison.patterns, None, now))


def _turns(comparison: Comparison) -> Turns:
    """Return how many rounds there are: fewer than could be significant are of no use."""
    from bench.statistics.ratios import fewest_rounds

    settings = comparison.settings
    pairs = settings.pairs
    if all(METRICS[name].kind in ("quality", "count") for name in settings.metrics):
        # What has no noise is known after one, and training tells quality.
        pairs = 0 if settings.metrics == (QUALITY,) else 1
    least = min(pairs, fewest_rounds(len(fields(Arms)), settings.level))
    return Turns(pairs=pairs, least=least, limit=comparison.limit_seconds)


def _judged(
    measured: Interleaved,
    trained: tuple[Side, Side] | None,
    settings: Settings,
    selection: Selection,
) -> Told:
    base, candidate = measured.base, measured.candidate
    if trained is not None:
        base, candidate = with_quality(base, trained[0]), with_quality(candidate, trained[1])
    found = report(base, candidate, settings, again=measured.again, paired=True)
    return Told(found, candidate, selection.paths())


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


def _of_quality_alone(learnt: Measured) -> Measured:
    """Leave out the times of a training: those of the rounds are what is compared."""
    return replace(learnt, rounds={}, disturbed="")


def _names(comparison: Comparison, now: Registry, then: Registry) -> frozenset[str]:
    """Return the plugins that are asked for, of either revision.

    Raises:
        BenchError: A pattern matches nothing in either, or there is nothing to compare.
    """
    patterns, task = comparison.patterns, comparison.task
    names = set()
    for pattern in patterns or ("*",):
        found = _matching(then, pattern, task) | _matching(now, pattern, task)
        if not found:
            now.select([pattern], task)  # Says what is wrong, and the nearest names.
        names |= found
    if not names:
        raise BenchError("there is no plugin to compare; see `python -m bench list`")
    return frozenset(names)


def _matching(registry: Registry, pattern: str, task: str | None) -> set[str]:
    try:
        return {plugin.name for plugin in registry.select([pattern], task)}
    except BenchError:
        return set()


def _chosen(registry: Registry, names: Collection[str]) -> dict[str, Plugin]:
    return {
        plugin.name: plugin
        for plugin in registry.plugins
        if plugin.name in names and plugin.task in registry.tasks
    }


def _commit_here() -> str:
    described = describe_run("check")
    return f"{described['commit'] or ''}{'+' if described['dirty'] else ''}"
