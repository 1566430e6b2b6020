"""What ``run --failed`` runs again: a choice over the records, without effects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.plan.plan import AskedAgain, Group, Request, RunOptions, asked_of
from bench.protocol import CRASHED, DIVERGED, FAILED, OUT_OF_MEMORY, TIMEOUT
from bench.records.record import Record, answers
from bench.records.selection import WorkingTree, is_named, working_tree
from bench.registry.discover import Registry
from bench.trial import Trial

_FAILURES = (FAILED, DIVERGED, TIMEOUT, OUT_OF_MEMORY, CRASHED)


def asked_again(options: RunOptions, registry: Registry, records: Sequence[Record]) -> AskedAgain:
    """Return what has failed and is asked for again, and what is left out and why.

    Raises:
        BenchError: A name is unknown.
    """
    names, task, tree = options.names, options.task, working_tree(registry, records)
    if task is not None:
        registry.task(task)
    for name in names:
        if not any(is_named(record.trial, [name], task) for record in records):
            registry.select([name], task)  # Refuses a name that nothing has.
    trials = [trial for trial in failed_trials(records, tree) if is_named(trial, names, task)]
    return ask_again(trials, registry, options.reuse)


def failed_trials(records: Iterable[Record], tree: WorkingTree | None = None) -> list[Trial]:
    """Return the trials that failed when they were last tried.

    What was asked of a plugin in the same words (profile, seed, backend, overrides) is one
    trial here: its source, or the data, may have changed between two runs. The identity
    tried last counts, of those that are of the working tree if there are any, and of its
    records its current one.

    Args:
        records: All records, from old to new.
        tree: Where the plugins are looked up; None where nothing is known of it.
    """
    records = [*records]
    last: dict[str, Trial] = {}
    for record in records:
        asked = asked_of(record.trial, record.trial.seed)
        before = last.get(asked)
        if before is None or tree is None or tree.rank(record.trial) >= tree.rank(before):
            last[asked] = record.trial
    known = answers(records)
    found = [known[trial.identity] for trial in last.values()]
    return [record.trial for record in found if record.status in _FAILURES]


def ask_again(trials: Iterable[Trial], registry: Registry, reuse: str) -> AskedAgain:
    """Ask the plugins, as they are now, for the same trials."""
    together: dict[str, list[Trial]] = {}
    for trial in trials:
        together.setdefault(asked_of(trial), []).append(trial)
    groups: list[Group] = []
    left_out: list[str] = []
    gone: list[str] = []
    for first, *others in together.values():
        named = [plugin for plugin in registry.plugins if plugin.name == first.plugin]
        here = [plugin for plugin in named if plugin.task == first.task]
        task = registry.tasks.get(first.task)
        if here and task is not None and first.profile in task.profiles:
            seeds = tuple(sorted(trial.seed for trial in (first, *others)))
            request = Request(first.profile, seeds, first.backend, first.overrides, reuse)
            groups.append(Group((here[0],), request))
        elif named and named[0].problems:
            left_out.append(str(named[0].problems[0]))
        else:
            gone.append(
                f"{first.plugin}: there is no such plugin for task {first.task} any more; "
                "give its folder with --plugins"
                if not here
                else f"{first.plugin}: task {first.task} has no profile {first.profile} any more"
            )
    return AskedAgain(groups, [*dict.fromkeys(left_out)], [*dict.fromkeys(gone)])
