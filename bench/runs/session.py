"""One run of the suite, from what the user asked for to the leaderboard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.errors import BenchError
from bench.formatting import counted
from bench.machine import WHOLE, can_confine, cpu_shares, describe_run, machine
from bench.plan.order import Durations, in_order
from bench.plan.plan import AskedAgain, Group, Planned, RunOptions
from bench.protocol import OK, SKIPPED, Executor
from bench.records.record import Record
from bench.records.selection import WorkingTree, working_tree
from bench.records.store import Store
from bench.registry.discover import Registry, is_file_name
from bench.registry.plugins import Plugin
from bench.registry.project import left_out, registry_of
from bench.registry.training_options import PROFILES
from bench.runs.executor import LocalExecutor
from bench.runs.interruption import INTERRUPTED, Interruption
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_here
from bench.runs.progress import TimeLeft, observer_for
from bench.runs.recorder import judged_board, make_room_for, publish, without_models
from bench.runs.runner import Context, run
from bench.values import may_be_several

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard


@dataclass(frozen=True)
class RunResult:
    """How a run ended: the exit status and, if it got as far, the tables it touched.

    ``records`` has those of its trials, reused ones and repeats too; see ``runner.Result``.
    """

    status: int
    board: Leaderboard | None = None
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class _Prepared:
    """A run that can begin; ``left_out`` says what was asked for and cannot be planned.

    ``gone`` says what failed once and is there no more, which is no failure of this run.
    ``durations`` are what its trials are known to take, ``baselines`` the plugins that
    others are compared with, ``configurations`` those of its own trials.
    """

    plan: list[Planned]
    context: Context
    left_out: Sequence[str]
    gone: Sequence[str]
    durations: Durations
    baselines: frozenset[str]
    registry: Registry
    configurations: frozenset[str]

    def tree(self, records: Iterable[Record]) -> WorkingTree:
        """Return what is known of the present identities, its own trials' among them."""
        return working_tree(self.registry, records).knowing(self.configurations)

    def in_order(self, plan: Sequence[Planned]) -> list[Planned]:
        """Order some of its trials; see ``bench.plan.order``."""
        return in_order(plan, self.durations, self.baselines)


_Say = Callable[[str], None]


def run_benchmark(options: RunOptions, console: Console, interruption: Interruption) -> RunResult:
    """Discover, plan, run, record and render.

    Raises:
        BenchError: Something is wrong that shows before anything is run.
    """
    registry = registry_of(options, [Path(n) for n in options.names if is_file_name(n)])
    for task in options.data:
        registry.task(task)

    def say(line: str) -> None:
        console.print(line, markup=False)

    for line in () if options.failed else left_out(registry, options.names, options.task, "run"):
        say(line)
    store = Store(options.results)
    shares = cpu_shares(options.jobs) if options.on is None else ()
    if len(shares) > 1 and not can_confine():
        say(f"--jobs {len(shares)}: trials share all cores, this system keeps none to its own")
    local = LocalExecutor(shares=shares or WHOLE)
    try:
        return _run(options, registry, store, local, console, say, interruption)
    finally:
        local.cancel()  # What was started ahead, and whatever else is left.


def _run(
    options: RunOptions,
    registry: Registry,
    store: Store,
    local: LocalExecutor,
    console: Console,
    say: _Say,
    interruption: Interruption,
) -> RunResult:
    """Plan, run, record and render, on this machine or where the options say."""
    executor: Executor = local

    def start_ahead(backend: str) -> None:
        with interruption.deferred():
            local.start_ahead(backend)

    try:
        with interruption.raising():
            prepared = _prepare(options, registry, store, say, start_ahead)
            if options.on is not None:
                from bench.runs.cluster.start import cluster_executor

                jobs = prepared.context.jobs
                executor = cluster_executor(options, prepared.plan, jobs, say) or local
    except KeyboardInterrupt:
        say(f"interrupted; resume with: {options.resume}")
        return RunResult(INTERRUPTED)
    if not prepared.plan:
        if options.shard is None and not prepared.left_out and not prepared.gone:
            say(f"{options.results}: nothing failed of what was asked for")
        return RunResult(1 if prepared.left_out else 0)
    plan, context = prepared.plan, prepared.context
    observer = observer_for(console, TimeLeft(prepared.durations, lambda: executor.slots))

    def board_so_far() -> Leaderboard:
        records = store.read().records
        return judged_board(store, records, prepared.tree(records), say)

    rounds = None
    if options.until_separated:
        from bench.runs.adaptive_seeds import Rounds

        rounds = Rounds(options.max_seeds, plan, board_so_far, say)
    verification = None
    if options.verify is not None:
        from bench.runs.verification import Verification

        verification = Verification(options.verify, plan, store, observer.warn)

    def further(records: Sequence[Record]) -> Sequence[Planned]:
        more = rounds.further() if rounds else ()
        return prepared.in_order(more or (verification.further(records) if verification else ()))

    ordered = prepared.in_order(plan)
    result = run(ordered, executor, store, context, observer, interruption, further)
    for line in rounds.spent(result.records) if rounds else ():
        say(line)
    told = options, store, result.records, result.reused, prepared.baselines
    board = publish(*told, prepared.tree, say)
    if result.unwritten:
        say(f"warning: records that could not be written: {result.unwritten}; run again for them")
    if result.interrupted or interruption.asked:
        say(f"interrupted; resume with: {options.resume}")
        return RunResult(INTERRUPTED, board, tuple(result.records))
    failed = any(record.status not in (OK, SKIPPED) for record in result.records)
    unconfirmed = verification is not None and verification.unconfirmed(result.records)
    wrong = failed or prepared.left_out or result.unwritten or unconfirmed
    return RunResult(1 if wrong else 0, board, tuple(result.records))


def choose(
    registry: Registry, names: Sequence[str], task: str | None
) -> tuple[list[Plugin], list[Plugin]]:
    """Return the plugins to be run, and those that belong to no task and cannot be.

    A plugin asked for by its own name has to be right; among many, a wrong one becomes
    a failed row, so that the others run.

    Raises:
        BenchError: A name is unknown, its plugin is wrong, or nothing is left to run.
    """
    if task is not None:
        registry.task(task)
    chosen = registry.select(names, task)
    files = {os.path.realpath(name) for name in names if is_file_name(name)}
    for plugin in chosen:
        if plugin.problems and (plugin.name in names or os.path.realpath(plugin.path) in files):
            raise BenchError(str(plugin.problems[0]))
    runnable = [plugin for plugin in chosen if plugin.task in registry.tasks]
    if not runnable:
        raise BenchError("there is no plugin to run; see `python -m bench list`")
    return runnable, [plugin for plugin in chosen if plugin not in runnable]


def _prepare(
    options: RunOptions,
    registry: Registry,
    store: Store,
    say: _Say,
    start_ahead: Callable[[str], None],
) -> _Prepared:
    """Choose the plugins, make the data ready, and plan.

    ``start_ahead`` is told of a backend that trials are sure to need, before the data are read.

    Raises:
        BenchError: Something is wrong that shows before anything is run.
    """
    chosen = None if options.failed else choose(registry, options.names, options.task)
    # A store may be a thousand times as large as what is planned.
    contents = store.read(None if chosen is None else {plugin.name for plugin in chosen[0]})
    if chosen is None:
        from bench.plan.retry import asked_again

        asked = asked_again(options, registry, contents.records)
    else:
        asked = _asked(options, registry, *chosen)
    if backend := _needed(options, asked.groups, contents.latest.values()):
        start_ahead(backend)
    for line in [] if options.failed else _grids(asked.groups):
        say(line)
    groups, left_out, gone = asked.groups, asked.left_out, asked.gone
    tasks = {p.task: registry.tasks[p.task] for group in groups for p in group.plugins}
    if tasks:
        store.prepare()
        make_room_for(options.leaderboard)
    stray = [name for name in options.data if name not in tasks]
    if stray and tasks:
        there = ", ".join(sorted(tasks))
        raise BenchError(f"--data {stray[0]}: no chosen plugin is of this task; there are: {there}")
    bounds = {profile: options.bounds(profile) for profile in PROFILES}
    packages_of = None
    if options.environments:
        from bench.runs.environments import Environments

        packages_of = Environments(say)
    jobs = Jobs(registry, prepare_here(options.source, options.data, say), bounds, packages_of)
    jobs.prepare(tasks)
    plan: dict[str, Planned] = {}
    for group in groups:
        try:
            planned = jobs.plan(group.plugins, group.request, contents.latest)
        except BenchError as error:
            if not options.failed:
                raise
            # A plugin may have changed so that it no longer takes what it was given then.
            left_out.append(f"{group.plugins[0].name}: {error}")
        else:
            plan.update((each.trial.identity, each) for each in planned)
    for line in [*left_out, *gone]:
        say(f"left out: {line}")
    part = [*plan.values()]
    if options.shard is not None:
        part = options.shard.part(part)
        say(f"shard {options.shard}: {len(part)} of {counted(len(plan), 'trial')}")
    if options.keep_models and (line := without_models(part)):
        say(line)
    context = Context(
        jobs=jobs,
        environment=describe_run(options.command, options.configuration),
        reuse=options.reuse,
        known=frozenset((record.identity, record.finished) for record in contents.records),
        retries=options.retry,
        keep_models=options.keep_models,
    )
    durations = Durations(contents.records, machine(), options.jobs)
    baselines = frozenset(task.baseline for task in tasks.values())
    configurations = frozenset(planned.trial.configuration for planned in plan.values())
    known = durations, baselines, registry, configurations
    return _Prepared(part, context, left_out, gone, *known)


def _needed(options: RunOptions, groups: Sequence[Group], records: Iterable[Record]) -> str:
    """Return the backend of the first trial if it is sure to be run here by a process of this one.

    It is where its plugin has no record at all under this profile, seed and backend; "" elsewhere.
    """
    if options.failed or options.environments or options.on is not None or not groups:
        return ""
    asked, names = groups[0].request, {plugin.name for plugin in groups[0].plugins}
    recorded = {
        (record.trial.plugin, record.trial.profile, record.trial.seed, record.trial.backend)
        for record in records
    }
    wanted = {(name, asked.profile, seed, asked.backend) for name in names for seed in asked.seeds}
    return "" if wanted & recorded else asked.backend


def _asked(
    options: RunOptions,
    registry: Registry,
    plugins: Sequence[Plugin],
    unassigned: Sequence[Plugin],
) -> AskedAgain:
    """Return what is asked of which plugins, and what is left out and why."""
    left_out = [str(plugin.problems[0]) for plugin in unassigned]
    # Backends of one plugin side by side: what is compared must find the machine alike.
    groups = [
        Group((plugin,), replace(asked, overrides=point))
        for plugin in plugins
        for point in _points(plugin, registry, options.overrides)
        for asked in options.requests
    ]
    return AskedAgain(groups, left_out, [])


def _points(
    plugin: Plugin, registry: Registry, overrides: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    if not plugin.grid and not any(map(may_be_several, overrides.values())):
        return [overrides]  # Nothing varies, and a run starts sooner.
    from bench.plan.grid import points_of

    return points_of(plugin, registry.tasks[plugin.task], overrides)


def _grids(groups: Sequence[Group]) -> list[str]:
    if len({(group.plugins[0].name, group.request.backend) for group in groups}) == len(groups):
        return []
    from bench.plan.grid import told_of_grids

    return told_of_grids(groups)
