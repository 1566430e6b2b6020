"""Which of the records of a leaderboard's row answer for it, and why the others do not."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from bench.protocol import OK, SKIPPED
from bench.records.record import Record, answers
from bench.registry.discover import is_file_name
from bench.trial import Trial


def is_named(trial: Trial, names: Sequence[str], task: str | None) -> bool:
    """Say whether a trial is of a task and matches a name, a glob or a plugin's file."""
    patterns = [Path(name).stem if is_file_name(name) else name for name in names] or ["*"]
    matches = any(fnmatch.fnmatchcase(trial.plugin, pattern) for pattern in patterns)
    return matches and task in (None, trial.task)


#: A newer result of the same trial answers.
REPLACED = "replaced"
#: The plugin's source has changed since.
OTHER_SOURCE = "other_source"
#: The hyperparameters, the view or the schedule have changed since.
OTHER_SETTINGS = "other_settings"
#: The libraries have changed since.
OTHER_VERSIONS = "other_versions"
#: The file cannot be read.
UNREADABLE = "unreadable"


def current(found: Sequence[Record]) -> list[Record]:
    """Keep the record that answers for each seed, of the configuration recorded last.

    A trial that was skipped says nothing of its plugin, so that a machine which lacks a
    package does not take away what another has measured.
    """
    tried = [record for record in found if record.status != SKIPPED] or found
    configuration = tried[-1].trial.configuration
    same = [record for record in found if record.trial.configuration == configuration]
    return sorted(answers(same).values(), key=lambda record: record.trial.seed)


def setbacks(answering: Sequence[Record], found: Sequence[Record]) -> list[Record]:
    """Return the later records that ended worse than those that answer."""
    finished = {record.identity: record.finished for record in answering}
    newest = max(finished.values())
    later = [r for r in found if r.finished > finished.get(r.identity, newest)]
    return [record for record in later if record.status != OK]


def told(found: Sequence[Record]) -> list[Record]:
    """Return the records that a row summarises or mentions."""
    answering = current(found)
    return [*answering, *setbacks(answering, found)]


def left_out(found: Sequence[Record]) -> list[str]:
    """Return why each of a row's other records is left out."""
    mentioned = {id(record) for record in told(found)}
    now = current(found)[-1].trial
    return [_why(record.trial, now) for record in found if id(record) not in mentioned]


def _why(then: Trial, now: Trial) -> str:
    if then.configuration == now.configuration:
        return REPLACED
    if then.plugin_sha256 != now.plugin_sha256:
        return OTHER_SOURCE
    settings = ("hyperparameters", "view", "training")
    if any(getattr(then, name) != getattr(now, name) for name in settings):
        return OTHER_SETTINGS
    return OTHER_VERSIONS  # All else is the same for the rows of one table.
