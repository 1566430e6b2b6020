"""Which of the records of a row are its current ones, and why the others do not."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from bench.protocol import OK, SKIPPED
from bench.records.record import Record, answers
from bench.registry.discover import ENSEMBLE, Registry, is_file_name
from bench.registry.plugins import read_plugin
from bench.trial import Trial


def is_named(trial: Trial, names: Sequence[str], task: str | None) -> bool:
    """Say whether a trial is of a task and matches a name, a glob or a plugin's file."""
    patterns = [Path(name).stem if is_file_name(name) else name for name in names] or ["*"]
    matches = any(fnmatch.fnmatchcase(trial.plugin, pattern) for pattern in patterns)
    return matches and task in (None, trial.task)


@dataclass(frozen=True)
class Wanted:
    """Of which trials a reader wants to see the records; what is not said is all.

    ``plugins`` are names, globs or files, as ``is_named`` takes them.
    """

    task: str | None = None
    profile: str | None = None
    source: str | None = None
    plugins: tuple[str, ...] = ()

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Return the records of these trials, in their order."""
        if not self.asked:
            return [*records]
        return [record for record in records if self._takes(record.trial)]

    @property
    def asked(self) -> dict[str, str]:
        """What is said, in words, to tell that nothing is found."""
        said = {"task": self.task, "profile": self.profile, "source": self.source}
        return {
            **{name: value for name, value in said.items() if value is not None},
            **({"plugin": ", ".join(self.plugins)} if self.plugins else {}),
        }

    def _takes(self, trial: Trial) -> bool:
        return (
            is_named(trial, self.plugins, self.task)
            and self.profile in (None, trial.profile)
            and self.source in (None, trial.source)
        )


#: A newer result of the same trial answers.
REPLACED = "replaced"
#: The plugin's source was another one.
OTHER_SOURCE = "other_source"
#: The hyperparameters, the view or the schedule were others.
OTHER_SETTINGS = "other_settings"
#: The libraries were others.
OTHER_VERSIONS = "other_versions"
#: The file cannot be read.
UNREADABLE = "unreadable"

#: Why what answers is not of the working tree, in the words of a row.
EDITED = "edited since"
GONE = "no longer in the tree"
OTHER_TASK = "its task has another version now"
EDITED_TASK = "its task was edited since"

_Kind = TypeVar("_Kind", bound=Hashable)

#: How much of a trial's identity the working tree is known to share; more goes before.
_Rank = tuple[bool, bool, bool]


def members_of(trial: Trial) -> dict[str, str]:
    """Return the plugins that an ensemble is made of, each with its source's digest.

    There are none in a plugin's own trial; see ``bench.runs.ensembles``.
    """
    members = trial.hyperparameters.get("members") if trial.plugin == ENSEMBLE else None
    if not isinstance(members, Mapping):
        return {}
    each = [member for member in members.values() if isinstance(member, Mapping)]
    return {str(member.get("plugin")): str(member.get("sha256")) for member in each}


@dataclass(frozen=True)
class WorkingTree:
    """What is known of the present identities of trials without preparing any data.

    ``sources`` has for each plugin the digests of its files, several where several have its
    name; ``tasks`` the version of each task, ``task_sources`` the digest of its source.
    ``configurations`` are those known to be the present ones, such as a run's, which has
    resolved all that an identity covers.
    """

    sources: Mapping[str, Collection[str]]
    tasks: Mapping[str, int]
    configurations: Collection[str] = frozenset()
    task_sources: Mapping[str, str] = field(default_factory=dict)

    def has(self, trial: Trial) -> bool:
        """Say whether the plugin of a trial, or each of an ensemble, is in the tree."""
        is_there = self.sources.keys() >= _sources_of(trial).keys()
        return is_there or trial.configuration in self.configurations

    def knowing(self, configurations: Iterable[str]) -> WorkingTree:
        """Return the same tree with further configurations known to be present ones."""
        return replace(self, configurations=frozenset({*self.configurations, *configurations}))

    def outdated(self, trial: Trial) -> str:
        """Say why a trial is not of the tree as it is; nothing where it may well be."""
        if trial.configuration in self.configurations:
            return ""
        if not self.has(trial):
            return GONE
        if not self._has_source(trial):
            return EDITED
        if not self._has_version(trial):
            return OTHER_TASK
        return "" if self._has_task_source(trial) else EDITED_TASK

    def rank(self, trial: Trial) -> _Rank:
        """Say how much of a trial's identity is that of the tree; the largest answers."""
        is_source = self._has_source(trial)
        is_present = trial.configuration in self.configurations
        is_of_task = self._has_version(trial) and self._has_task_source(trial)
        return is_present, is_source, is_of_task

    def _has_source(self, trial: Trial) -> bool:
        needed = _sources_of(trial).items()
        return all(sha256 in self.sources.get(plugin, ()) for plugin, sha256 in needed)

    def _has_task_source(self, trial: Trial) -> bool:
        # Of a trial from before the source was kept, the version alone tells.
        now = self.task_sources.get(trial.task, "")
        return "" in (now, trial.task_sha256) or now == trial.task_sha256

    def _has_version(self, trial: Trial) -> bool:
        return self.tasks.get(trial.task, trial.task_version) == trial.task_version


def _sources_of(trial: Trial) -> dict[str, str]:
    return members_of(trial) or {trial.plugin: trial.plugin_sha256}


def working_tree(registry: Registry, records: Iterable[Record] = ()) -> WorkingTree:
    """Return what there is: the plugins of a registry, and those whose files records name.

    A record tells where its plugin's file lay, so that a plugin which was run by its path,
    or out of a folder that was named then, is found where the command names no folder.
    """
    sources: dict[str, set[str]] = {}
    for plugin in registry.plugins:
        sources.setdefault(plugin.name, set()).add(plugin.sha256)
    elsewhere = {
        (record.trial.plugin, path)
        for record in records
        if record.trial.plugin not in sources and (path := record.plugin_file) is not None
    }
    for name, path in elsewhere:
        file = Path(os.path.expanduser(path))
        if file.name == f"{name}.py" and os.path.isfile(file):
            sources.setdefault(name, set()).add(read_plugin(file, registry.tasks).sha256)
    tasks = {task.name: task.version for task in registry.tasks.values()}
    digests = {task.name: task.sha256 for task in registry.tasks.values()}
    return WorkingTree(sources, tasks, task_sources=digests)


#: Of which nothing is known, so that the newest answers.
UNKNOWN = WorkingTree({}, {})


@dataclass(frozen=True)
class Selected:
    """The records of a row, and which of them are current.

    ``everything`` is from old to new; ``answering`` has one record a seed, in the order of
    seeds; ``setbacks`` are later ones that ended worse. ``outdated`` says why what answers is
    not of the working tree, "" where it is. ``standing`` orders the rows of which one has to
    be taken: the largest goes before.
    """

    everything: tuple[Record, ...]
    answering: tuple[Record, ...]
    setbacks: tuple[Record, ...] = ()
    outdated: str = ""
    standing: tuple[bool, _Rank, bool, str] = (False, (False, False, False), False, "")

    @property
    def trial(self) -> Trial:
        """The trial that answers; of several seeds the last one's."""
        return self.answering[-1].trial

    @property
    def good(self) -> list[Record]:
        """The records that answer and are ok."""
        return [record for record in self.answering if record.status == OK]

    @property
    def told(self) -> list[Record]:
        """The records that a row summarises or mentions."""
        return [*self.answering, *self.setbacks]

    def timed_apart(self, apart: Callable[[Record], _Kind]) -> dict[_Kind, list[Record]]:
        """Return the records of each kind that are ok and answer by themselves, and their repeats.

        A trial that was trained again to be compared was timed again, too; either of the two
        may be the one that answers. One that was done again elsewhere has its times of both
        places.

        Args:
            apart: Says of which kind a record is.
        """
        kinds: dict[_Kind, list[Record]] = {}
        for record in self.everything:
            if record.status == OK and record.trial.configuration == self.trial.configuration:
                kinds.setdefault(apart(record), []).append(record)
        return {kind: _timed(found, [*answers(found).values()]) for kind, found in kinds.items()}

    @property
    def left_out(self) -> list[str]:
        """Why each of the row's other records is left out."""
        mentioned = {id(record) for record in self.told}
        others = (record for record in self.everything if id(record) not in mentioned)
        return [why_another(record.trial, self.trial) for record in others]


def _timed(everything: Iterable[Record], answering: Sequence[Record]) -> list[Record]:
    pairs = {(record.identity, record.finished) for record in answering}
    pairs |= {(r.identity, r.repeat["of"]) for r in answering if r.repeat}
    return [
        record
        for record in everything
        if record.status == OK
        and (
            (record.identity, record.finished) in pairs
            or (record.repeat is not None and (record.identity, record.repeat["of"]) in pairs)
        )
    ]


def read_together(records: Iterable[Record]) -> None:
    """Read what records have measured that is not in memory yet, which is quicker than one by one.

    What cannot be read is told to whom asks for it.
    """
    of_large = [record for record in records if type(record) is not Record]
    if of_large:
        from bench.records.packed import load  # Small stores need none of it.

        load(of_large)


def by_age(records: Iterable[Record]) -> list[Record]:
    """Order records from old to new; those dated in the future go before all others."""
    return sorted(records, key=_age)


def latest(records: Iterable[Record]) -> Record:
    """Return the last one that ``by_age`` would; there has to be one."""
    return max(records, key=_age)


def _age(record: Record) -> tuple[bool, str, str, str, str]:
    return not record.is_ahead, record.finished, record.identity, record.status, record.reason


def select(found: Iterable[Record], tree: WorkingTree | None = None) -> Selected:
    """Say which records are the current ones of a row: for each seed one, all of one configuration.

    Where the working tree has the plugin it is the configuration recorded last of those whose
    source, and version of the task, are the tree's; else the one recorded last at all, and
    ``outdated`` says why. Of its records for each seed the newest that is ok answers, else
    the newest. A trial that was skipped says nothing of its plugin, so that a machine which
    lacks a package does not take away what another has measured. A record that is dated in
    the future counts as older than all others.

    Args:
        found: At least one record, in any order.
        tree: None where nothing is known of it: then nothing is outdated.
    """
    return select_of(by_age(found), tree)


def select_of(everything: Sequence[Record], tree: WorkingTree | None = None) -> Selected:
    """Do what ``select`` does, of records that are in order from old to new already."""
    known = tree or UNKNOWN
    tried = [record for record in everything if record.status != SKIPPED] or everything
    ranks = _ranks(everything, known)
    rank = max(ranks[record.trial.configuration] for record in tried)
    last = next(r for r in reversed(tried) if ranks[r.trial.configuration] == rank)
    now = last.trial.configuration
    same = [record for record in everything if record.trial.configuration == now]
    answering = sorted(answers(same).values(), key=lambda record: record.trial.seed)
    alike = [record for record in everything if ranks[record.trial.configuration] >= rank]
    return Selected(
        everything=tuple(everything),
        answering=tuple(answering),
        setbacks=tuple(_setbacks(answering, alike)),
        outdated="" if tree is None else tree.outdated(last.trial),
        standing=(last.status != SKIPPED, rank, *_when(last)),
    )


def _ranks(records: Iterable[Record], tree: WorkingTree) -> dict[str, _Rank]:
    """Return the rank of each configuration, which has all of a trial that a rank looks at."""
    trials = {record.trial.configuration: record.trial for record in records}
    return {configuration: tree.rank(trial) for configuration, trial in trials.items()}


def newest(found: Iterable[Record], tree: WorkingTree) -> Record:
    """Return the newest record of a plugin, of whatever row, that is most of the working tree.

    That of a failure too: it is the last that is known of the plugin as it is.

    Args:
        found: At least one record of one plugin.
        tree: Where the plugin is looked up.
    """
    tried = [record for record in found if record.status != SKIPPED] or [*found]
    rank = max(tree.rank(record.trial) for record in tried)
    return latest(record for record in found if tree.rank(record.trial) >= rank)


def reusable(record: Record | None, policy: str) -> Record | None:
    """Decide whether a record of the same identity is the current record of a trial.

    missing: only a record that is ok does. always: any record does, so that what failed
    is not tried again. never: none does.
    """
    if record is None or policy == "never":
        return None
    if policy == "always":
        return record
    return record if record.status == OK else None


def made_meanwhile(
    found: Iterable[Record], known: Container[tuple[str, str]], policy: str
) -> Record | None:
    """Decide whether another run has done a trial since this one was planned.

    Its record answers whatever the status, so that no trial is done twice; under the
    policy never, the user wants this run's own.

    Args:
        found: The records of the trial's identity that there are now, from old to new.
        known: Identity and time of each record that the plan knew.
        policy: One of ``bench.plan.plan.REUSE_POLICIES``.
    """
    if policy == "never":
        return None
    new = [record for record in found if (record.identity, record.finished) not in known]
    return next(iter(answers(new).values()), None)


def _setbacks(answering: Sequence[Record], found: Sequence[Record]) -> list[Record]:
    """Return the later records that ended worse than those that answer."""
    finished = {record.identity: _when(record) for record in answering}
    newest = max(finished.values())
    later = [r for r in found if _when(r) > finished.get(r.identity, newest)]
    return [record for record in later if record.status != OK]


def _when(record: Record) -> tuple[bool, str]:
    return not record.is_ahead, record.finished


def why_another(then: Trial, now: Trial) -> str:
    """Say why the result of one trial does not stand for another of the same row."""
    if then.configuration == now.configuration:
        return REPLACED
    if then.plugin_sha256 != now.plugin_sha256:
        return OTHER_SOURCE
    settings = ("hyperparameters", "view", "training")
    if any(getattr(then, name) != getattr(now, name) for name in settings):
        return OTHER_SETTINGS
    return OTHER_VERSIONS  # All else is the same for the rows of one table.
