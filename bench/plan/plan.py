"""From plugins to trials: which are to be run, reused, skipped, or cannot be run at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BenchError, CannotRun, TaskError
from bench.machine import Packages, default_bounds
from bench.protocol import FAILED, SKIPPED, Bounds
from bench.records.record import Record
from bench.records.repeats import VerifySample
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.source_tree import Meant
from bench.registry.tasks import TaskInfo, complaint, mismatch
from bench.registry.training_options import (
    TRAINING_OPTIONS,
    Limits,
    effect_complaint,
    is_training_option,
    nearest_option,
    schedule,
)
from bench.trial import Trial

REUSE_POLICIES = ("missing", "always", "never")

#: Returns the packages that trials of a plugin find, given what tells the versions here.
PackagesOf = Callable[[Plugin, Callable[[str], str | None]], Packages]


class SourceLike(Protocol):
    """What planning needs to know of the data a task runs on."""

    @property
    def kind(self) -> str:
        """One of official, local and synthetic."""

    @property
    def fingerprint(self) -> str:
        """Digest of the data."""


@dataclass(frozen=True)
class Request:
    """What the user asked for, apart from which plugins."""

    profile: str = "quick"
    seeds: tuple[int, ...] = (0,)
    backend: str = "tensorflow"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    reuse: str = "missing"


def asked_of(trial: Trial, seed: int | None = None) -> str:
    """Write down what was asked for, in the words of the command line.

    Args:
        trial: Of which task, plugin, profile, backend and overrides are told.
        seed: Told too, where it is given.
    """
    words = (trial.task, trial.plugin, trial.profile, trial.backend, trial.overrides, seed)
    return json.dumps(words, sort_keys=True)


@dataclass(frozen=True)
class Shard:
    """One of ``count`` parts of a plan, by its ``number`` from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def part(self, plan: Iterable[Planned]) -> list[Planned]:
        """Return the trials of this part; the parts are disjoint, and all of them are the plan.

        Trials are dealt out one by one, ordered by what is asked for and not by what the
        machine has or what is recorded: machines that are asked the same agree on the parts,
        and the seeds of a long plugin come to different ones.
        """
        ordered = sorted(plan, key=lambda each: asked_of(each.trial, each.trial.seed))
        return ordered[self.number - 1 :: self.count]


@dataclass(frozen=True)
class Cluster:
    """Which workers trials are sent to.

    ``kind`` is "dask" for those of the scheduler at ``address``, "slurm" for those that Slurm
    starts, or "local" for ``workers`` on this machine. ``asked`` is what the user wrote.
    """

    asked: str
    kind: str
    address: str = ""
    workers: int = 0


@dataclass(frozen=True)
class RunOptions(Meant):
    """All that ``python -m bench run`` is asked to do.

    ``names`` is empty for every plugin. With ``failed``, what failed is run again as it was
    asked for then, and ``reuse`` alone counts of what else is asked of a trial. ``timeout``
    is in seconds, ``memory_limit`` in GiB; None is the default of a profile. ``verify`` is
    which trials are trained again to be compared, None for none; ``shard`` the part of the
    plan that is run, None for all of it; ``keep_models`` whether models are kept;
    ``environments`` whether packages that lack are installed for the plugins that require them;
    ``on`` the workers that trials are sent to, None for this machine alone. ``config`` is
    what a run was described by, None for the command line alone, and ``configuration`` what the
    records keep of that. ``command`` is the line that the records keep, ``resume`` the one that
    goes on with an interrupted run.
    """

    names: tuple[str, ...]
    config: str | None
    everything: bool
    task: str | None
    profile: str
    seeds: tuple[int, ...]
    overrides: Mapping[str, Any]
    source: str
    data: Mapping[str, Sequence[Path]]
    backends: tuple[str, ...]
    jobs: int
    timeout: float | None
    memory_limit: float | None
    reuse: str
    failed: bool
    retry: int
    verify: VerifySample | None
    until_separated: bool
    max_seeds: int
    shard: Shard | None
    keep_models: bool
    environments: bool
    on: Cluster | None
    results: Path
    output: Path | None
    command: str = ""
    resume: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leaderboard(self) -> Path:
        """The file that the leaderboard is written to."""
        return self.output or self.results / "leaderboard.md"

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is asked of the planner, on one backend after the other."""
        return tuple(
            Request(self.profile, self.seeds, backend, self.overrides, self.reuse)
            for backend in self.backends
        )

    def bounds(self, profile: str) -> Bounds:
        """Return what a trial of a profile may take."""
        bounds = default_bounds(profile, self.jobs)
        if self.timeout is not None:
            bounds = replace(bounds, timeout=self.timeout)
        if self.memory_limit is not None:
            bounds = replace(bounds, memory=int(self.memory_limit * 1024**3))
        return bounds


@dataclass(frozen=True)
class Group:
    """Plugins of which the same is asked."""

    plugins: tuple[Plugin, ...]
    request: Request


@dataclass(frozen=True)
class AskedAgain:
    """What is planned again, and what cannot be.

    ``left_out`` has a line for each plugin that is wrong; ``gone`` one for each that there is
    no more, of which nothing can be expected.
    """

    groups: list[Group]
    left_out: list[str]
    gone: list[str]


@dataclass(frozen=True)
class PlanContext:
    """What planning is told of the world, so that it needs no effects of its own.

    ``training_examples`` opens a task under a view and counts; it raises ``CannotRun``
    where the view has no meaning on the data and ``BenchError`` for a wrong option.
    ``version_of`` returns the version of an importable package, ``digest_of`` that of a
    file that a plugin needs, by its name and the plugin's own file; either returns None if
    it is absent. ``packages_of`` returns what a plugin finds that needs any, given ``version_of``;
    None where it finds what is here.
    """

    sources: Mapping[str, SourceLike]
    training_examples: Callable[[TaskInfo, Mapping[str, Any]], int]
    version_of: Callable[[str], str | None]
    digest_of: Callable[[str, Path], str | None] = lambda name, beside: None
    packages_of: PackagesOf | None = None

    def packages(self, plugin: Plugin) -> Packages:
        """Return the packages that trials of a plugin find."""
        if not (plugin.needs or plugin.requires):
            return Packages(self.version_of)
        from bench.registry.requirements import packages_here

        return (self.packages_of or packages_here)(plugin, self.version_of)


@dataclass(frozen=True)
class Planned:
    """A trial and what is to become of it.

    Exactly one holds: ``reused`` is its current record; ``verdict`` and
    ``reason`` say why it is not run; or neither, and it is to be run. If it is run to
    repeat a result, ``first`` is the record of that.
    """

    trial: Trial
    plugin: Plugin
    reused: Record | None = None
    verdict: str = ""
    reason: str = ""
    first: Record | None = None

    @property
    def to_run(self) -> bool:
        """Whether a worker has to train this trial."""
        return self.reused is None and not self.verdict


def make_plan(
    plugins: Iterable[Plugin],
    registry: Registry,
    request: Request,
    context: PlanContext,
    latest: Mapping[str, Record],
) -> list[Planned]:
    """Plan one trial a plugin and seed, in the order given.

    Args:
        plugins: Those to be run; each belongs to a task of the registry.
        registry: Where the tasks are found.
        request: What the user asked for.
        context: What planning is told of the world.
        latest: The current record of each identity.

    Raises:
        BenchError: An override has an unknown key, a wrong type or a value that the
            task refuses.
    """
    # Late: to ask for a run, as its help does, none has to be found.
    from bench.records.selection import reusable

    planned = []
    for plugin in plugins:
        task = registry.tasks[plugin.task]
        check_overrides(request.overrides, plugin, task)
        base, verdict, reason = _trial(plugin, task, request, context)
        for seed in request.seeds:
            trial = replace(base, seed=seed)
            known = latest.get(trial.identity)
            if verdict:
                # Nothing is learnt from writing the same verdict down at every run.
                same = known is not None and (known.status, known.reason) == (verdict, reason)
                record = known if same else None
            else:
                record = reusable(known, request.reuse)
            if record is None:
                planned.append(Planned(trial, plugin, None, verdict, reason))
            else:
                planned.append(Planned(trial, plugin, record))
    return planned


def check_overrides(overrides: Mapping[str, Any], plugin: Plugin, task: TaskInfo) -> None:
    """Refuse keys that a plugin does not have and values that it cannot take.

    A plugin with problems is not judged: what it would take cannot be known.

    Raises:
        BenchError: Names the plugin, the key and the nearest known one.
    """
    if plugin.problems:
        return
    known = {*plugin.parameters, *task.view, *TRAINING_OPTIONS}
    for key, value in overrides.items():
        if key not in known:
            raise BenchError(
                f"--set {key}: {plugin.name} has no such option{nearest_option(key, known)}"
            )
        wrong = complaint(key, value, task, plugin.parameters)
        if wrong:
            raise BenchError(f"--set {key}={value}: {wrong}")
        declared = plugin.hyperparameters.get(key)
        wrong = mismatch(key, value, declared, task)
        if wrong:
            raise BenchError(f"--set {key}={value}: {wrong}, as in {plugin.name} ({declared!r})")
    key, wrong = effect_complaint({**task.training, **plugin.hyperparameters, **overrides})
    if wrong and key not in plugin.parameters and overrides.get(key) is not None:
        raise BenchError(f"--set {key}={overrides[key]}: {wrong}")


def view_of(plugin: Plugin, task: TaskInfo, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the view under which a plugin sees its task."""
    values = _values(plugin, overrides)
    return {key: values.get(key, default) for key, default in task.view.items()}


def _values(plugin: Plugin, overrides: Mapping[str, Any]) -> dict[str, Any]:
    # What a plugin with problems declares may be anything: only its source is taken.
    return {} if plugin.problems else {**plugin.hyperparameters, **overrides}


def versions_that_compute(plugin: Plugin, backend: str, context: PlanContext) -> dict[str, str]:
    """Return the versions of the libraries and files whose change can change a result."""
    names = {"keras", "numpy", backend, *plugin.needs}
    packages = context.packages(plugin)
    versions = {name: packages.version_of(name) for name in sorted(names)} | {**packages.others}
    digests = {name: context.digest_of(name, plugin.path) for name in plugin.files}
    return {name: version or "absent" for name, version in {**versions, **digests}.items()}


def _trial(
    plugin: Plugin, task: TaskInfo, request: Request, context: PlanContext
) -> tuple[Trial, str, str]:
    """Resolve everything but the seed; also the verdict and reason if it cannot be run."""
    values = _values(plugin, request.overrides)
    view = view_of(plugin, task, request.overrides)
    options = {k: v for k, v in values.items() if is_training_option(k, plugin.parameters)}
    limits = Limits(**task.profiles[request.profile])
    examples, verdict, reason = _feasible(plugin, task, view, request, context)
    training = schedule(task.training, options, limits, examples)
    planned = {key: training[key] for key in options if key in training}
    source = context.sources[task.name]
    trial = Trial(
        task=task.name,
        task_version=task.version,
        task_sha256=task.sha256,
        plugin=plugin.name,
        plugin_sha256=plugin.sha256,
        hyperparameters=plugin.arguments({**values, **view, **planned}),
        view=view,
        training=training,
        scored_examples=limits.scored_examples,
        source=source.kind,
        fingerprint=source.fingerprint,
        profile=request.profile,
        seed=0,
        backend=request.backend,
        versions=versions_that_compute(plugin, request.backend, context),
        overrides=dict(request.overrides),
    )
    return trial, verdict, reason


def _feasible(
    plugin: Plugin,
    task: TaskInfo,
    view: Mapping[str, Any],
    request: Request,
    context: PlanContext,
) -> tuple[int, str, str]:
    """Return the training examples (1 if unknown), and the verdict and reason against a trial."""
    if plugin.problems:
        first = plugin.problems[0]
        return 1, FAILED, f"{plugin.path.name}:{first.line}: {first.message}"
    packages = context.packages(plugin)
    if packages.reason:
        return 1, packages.status, packages.reason
    for name in plugin.files:
        if context.digest_of(name, plugin.path) is None:
            from bench.data.word_vectors import absence_of

            return 1, SKIPPED, absence_of(name)
    try:
        return context.training_examples(task, view), "", ""
    except CannotRun as error:
        return 1, SKIPPED, str(error)
    except TaskError as error:
        return 1, FAILED, error.told
    except BenchError as error:
        changed = [key for key in request.overrides if key in task.view]
        if changed:
            raise BenchError(f"--set {', '.join(changed)}: {error}") from None
        return 1, FAILED, f"{plugin.path.name}: {error}"
