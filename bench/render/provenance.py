"""What stands above and under a table: where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.formatting import metric_name, size
from bench.leaderboard import Leaderboard, Table
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import (
    OTHER_SETTINGS,
    OTHER_SOURCE,
    OTHER_VERSIONS,
    REPLACED,
    UNREADABLE,
)
from bench.render.columns import CONTENDED
from bench.targets import shows_published

_WHY = {
    REPLACED: "replaced by a newer result of the same trial",
    OTHER_SOURCE: "of an older version of the plugin's source",
    OTHER_SETTINGS: "with other hyperparameters, another view or another schedule",
    OTHER_VERSIONS: "computed with other versions of the libraries",
    UNREADABLE: "that cannot be read",
}


#: Options that say where results go.
_PLACES = ("--results", "--output")
_PLACES_WITH_VALUE = tuple(f"{option}=" for option in _PLACES)


def title(table: Table) -> str:
    """Name the task and the data, so that no table of made data passes for a real one."""
    return f"{table.task}, {table.source} data, {table.profile} profile"


def above(table: Table) -> str:
    """Say which data, and why these."""
    return f"Data: {table.source}: {table.why.rstrip('.')}."


def reading(table: Table) -> str:
    """Say how the table is to be read."""
    better = "lower is better" if table.direction == "min" else "higher is better"
    unit = table.units.get(table.metric, "")
    published = (
        " Published figures are of the official data and a full training."
        if shows_published(table.source)
        else ""
    )
    repeats = (
        " Repeatable says how far trials that were trained again gave the same predictions "
        "and scores."
        if any(row.repeats for row in table.rows)
        else ""
    )
    return (
        f"In the order of validation {metric_name(table.metric)} ({unit}, {better})"
        f"{_interval(table)}. "
        f"The epoch is chosen on validation; the test split is scored once.{published}{repeats}"
    )


def _interval(table: Table) -> str:
    """Say what ± is; nothing where no figure has an interval."""
    rows = [row.validation.get(table.metric) or row.test.get(table.metric) for row in table.rows]
    over = {spread.interval.over for spread in rows if spread and spread.interval}
    if not over:
        return ""
    mixed = " (over examples alone for one seed)" if len(over) > 1 else ""
    return f"; ± is half of the 95% confidence interval over {max(over, key=len)}{mixed}"


def contended(table: Table) -> str:
    """Explain the mark of contended times in one line; nothing where none is marked."""
    if not any(row.costs and row.costs.contended for row in table.rows):
        return ""
    return f"{CONTENDED} timed while other work ran on the machine: compares with no other time."


def below(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line of provenance."""
    records = table.records
    return [
        ("machine", _different(_machine(record) for record in records)),
        ("versions", _versions(records)),
        ("data", f"{table.source}, {table.fingerprint}, task version {table.task_version}"),
        ("profile", f"{table.profile}, {_scored(table)} validation and test examples scored"),
        ("commit", _different(_commit(record) for record in records)),
        ("command", _different(_command(record) for record in records)),
    ]


def left_out(leaderboard: Leaderboard) -> str:
    """Say in one sentence how many records are not shown, and why; nothing if all are."""
    counted = [
        f"{number} {'file' if why == UNREADABLE else 'record'}{'' if number == 1 else 's'} {words}"
        for why, words in _WHY.items()
        if (number := leaderboard.left_out.get(why, 0))
    ]
    return f"Left out: {', '.join(counted)}." if counted else ""


def _scored(table: Table) -> str:
    return "all" if table.scored_examples is None else f"{table.scored_examples:,}"


def _different(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _machine(record: Record) -> str:
    machine: dict[str, Any] = record.environment.get("machine", {})
    memory = size(machine["memory"]) if machine.get("memory") else "? memory"
    return f"{machine.get('processor', '?')}, {machine.get('cores', '?')} cores, {memory}, " + str(
        machine.get("system", "?")
    )


def _versions(records: Sequence[Record]) -> str:
    """Name each library with its version, or all of them where runs differ."""
    found: dict[str, list[str]] = {"python": []}
    for record in [r for r in records if r.status == OK] or records:
        environment = record.environment
        versions = {"python": environment.get("python"), **record.trial.versions}
        for name, number in [*versions.items(), ("suite", environment.get("suite"))]:
            if number and number not in found.setdefault(name, []):
                found[name].append(str(number))
    return ", ".join(
        f"{name} {' and '.join(sorted(numbers))}" for name, numbers in found.items() if numbers
    )


def _command(record: Record) -> str:
    """Return the command that was given, without where its results went: that changes none."""
    words, kept = str(record.environment.get("command", "?")).split(" "), []
    skip = False
    for word in words:
        if not skip and not word.startswith(_PLACES_WITH_VALUE) and word not in _PLACES:
            kept.append(word)
        skip = not skip and word in _PLACES
    return " ".join(kept)


def _commit(record: Record) -> str:
    commit = record.environment.get("commit")
    if commit is None:
        return "none (not in a repository)"
    return f"{commit} with uncommitted changes" if record.environment.get("dirty") else str(commit)
