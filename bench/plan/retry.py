"""What ``run --failed`` runs again: a choice over the records, without effects."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bench.plan.plan import Group, Request
from bench.protocol import CRASHED, DIVERGED, FAILED, OUT_OF_MEMORY, TIMEOUT
from bench.records.record import Record, answers
from bench.registry.discover import Registry
from bench.trial import Trial

_FAILURES = (FAILED, DIVERGED, TIMEOUT, OUT_OF_MEMORY, CRASHED)


def failed_trials(records: Iterable[Record]) -> list[Trial]:
    """Return the trials that failed when they were last tried.

    What was asked of a plugin in the same words (profile, seed, backend, overrides) is one
    trial here: its source, or the data, may have changed between two runs. The identity
    tried last counts, and of its records the one that answers for it.

    Args:
        records: All records, from old to new.
    """
    records = [*records]
    last = {_asked(record.trial, record.trial.seed): record.identity for record in records}
    known = answers(records)
    return [known[i].trial for i in last.values() if known[i].status in _FAILURES]


def ask_again(
    trials: Iterable[Trial], registry: Registry, reuse: str
) -> tuple[list[Group], list[str]]:
    """Ask the plugins, as they are now, for the same trials.

    Returns:
        What to plan, and a line for each plugin that cannot be asked.
    """
    together: dict[str, list[Trial]] = {}
    for trial in trials:
        together.setdefault(_asked(trial), []).append(trial)
    groups, left_out = [], []
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
            left_out.append(
                f"{first.label}: there is no such plugin for task {first.task} and profile "
                f"{first.profile} any more; give its folder with --plugins"
            )
    return groups, [*dict.fromkeys(left_out)]


def _asked(trial: Trial, seed: int | None = None) -> str:
    """Write down what was asked for, in the words of the command line."""
    words = (trial.task, trial.plugin, trial.profile, trial.backend, trial.overrides, seed)
    return json.dumps(words, sort_keys=True)
