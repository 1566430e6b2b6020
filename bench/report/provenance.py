"""Where the numbers of a table come from: its data, machines, versions, commits and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.analysis.costs import KNOWN_FORMS
from bench.analysis.leaderboard import Table
from bench.formatting import notes_of, one_line, size
from bench.protocol import OK
from bench.records.record import Record
from bench.report.document import (
    Block,
    Heading,
    Note,
    Paragraph,
    Place,
    Scalar,
)

_MOST_DATA_NOTES = 20

#: Options that say where results go.
_PLACES = ("--results", "--output")
_PLACES_WITH_VALUE = tuple(f"{option}=" for option in _PLACES)


def title(table: Table) -> str:
    """Name the task and the data, so that no table of synthetic data passes for a real one."""
    return f"{table.task}, {table.source} data, {table.profile} profile"


def above(table: Table) -> str:
    """Say which data, why these, and what was repaired or left out of them."""
    source = f"Data: {table.source}: {table.why.rstrip('.')}."
    form = KNOWN_FORMS.get(table.fingerprint)
    known = [f"They are {form}."] if form else []
    return " ".join([source, *known, *(data_notes(table.records[0].data) if table.records else [])])


def data_notes(data: Mapping[str, Any]) -> list[str]:
    """Return what the task has said of the data of a record, which may be foreign."""
    meta = data.get("meta")
    notes = notes_of(meta) if isinstance(meta, Mapping) else []
    return [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes[:_MOST_DATA_NOTES]]


def below(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line of provenance."""
    records = table.records
    return [
        ("machine", _different(map(_machine, _once(map(_described_machine, records))))),
        ("versions", _versions(records)),
        ("data", f"{table.source}, {table.fingerprint}, {_task_version(table)}"),
        ("profile", f"{table.profile}, {_scored(table)} validation and test examples scored"),
        ("commit", _different(_commit(record) for record in records)),
        ("command", _commands(records)),
        *_configuration(records),
    ]


def configurations(records: Iterable[Record]) -> list[Mapping[str, Any]]:
    """Return the described runs that records are of, each once; see ``run --config``.

    Each has a name, the file that it is from, and options as they were after the command line.
    """
    found = (record.environment.get("configuration") for record in records)
    kept: list[Mapping[str, Any]] = []
    for each in _once(found):
        if isinstance(each, Mapping) and each and each not in kept:
            kept.append(each)
    return kept


def described(configuration: Mapping[str, Any]) -> str:
    """Write a described run on one line; it may be foreign."""
    options = configuration.get("options")
    told = [
        f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in (options.items() if isinstance(options, Mapping) else ())
    ]
    name, file = (configuration.get(key, "?") for key in ("name", "file"))
    return one_line(f"{name} ({file}): {' '.join(told)}")


def _configuration(records: Iterable[Record]) -> list[tuple[str, str]]:
    told = [described(each) for each in configurations(records)]
    return [("configuration", _different(told))] if told else []


def _task_version(table: Table) -> str:
    source = f" ({table.task_sha256[:12]})" if table.task_sha256 else ""
    return f"task version {table.task_version}{source}"


def _scored(table: Table) -> str:
    return "all" if table.scored_examples is None else f"{table.scored_examples:,}"


def _different(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _once(found: Iterable[Any]) -> Iterable[Any]:
    """Return each object once: the records of a large store share what they have in common."""
    return {id(each): each for each in found}.values()


def _described_machine(record: Record) -> Mapping[str, Any]:
    machine: Mapping[str, Any] = record.environment.get("machine", _UNKNOWN)
    return machine


_UNKNOWN: Mapping[str, Any] = {}


def _machine(machine: Mapping[str, Any]) -> str:
    memory = size(machine["memory"]) if machine.get("memory") else "? memory"
    return f"{machine.get('processor', '?')}, {machine.get('cores', '?')} cores, {memory}, " + str(
        machine.get("system", "?")
    )


#: Of the versions those that stand in the environment.
_OWN = ("python", "suite")


def _versions(records: Sequence[Record]) -> str:
    """Name each library with its version, or all of them where runs differ."""
    found: dict[str, list[str]] = {"python": []}
    of = [r for r in records if r.status == OK] or records
    told = {(id(r.trial.versions), *(repr(r.environment.get(n)) for n in _OWN)): r for r in of}
    for record in told.values():
        environment = record.environment
        versions = {"python": environment.get("python"), **record.trial.versions}
        for name, number in [*versions.items(), ("suite", environment.get("suite"))]:
            if number and number not in found.setdefault(name, []):
                found[name].append(str(number))
    return ", ".join(
        f"{name} {' and '.join(sorted(numbers))}" for name, numbers in found.items() if numbers
    )


def _commands(records: Sequence[Record]) -> str:
    # Thousands of records may be of one run, and none is taken apart twice.
    given = dict.fromkeys(str(record.environment.get("command", "?")) for record in records)
    return _different(map(_command, given))


def _command(given: str) -> str:
    """Return the command that was given, without where its results went: that changes none."""
    words, kept = given.split(" "), []
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


def opening(table: Table) -> tuple[Block, ...]:
    """Return what a section on a table begins with: its name, and which data it is about."""
    return Heading(title(table)), Paragraph(above(table), is_strong=True)


def provenance(table: Table) -> tuple[Note, ...]:
    """Return where a table's numbers come from, for a page."""
    return tuple(Note(label, text, on=Place.PAGE) for label, text in below(table))


def about(table: Table) -> dict[str, Scalar]:
    """Return what programs get of a table with each of its rows."""
    names = ("task", "source", "fingerprint", "profile", "task_version", "scored_examples")
    return {name: getattr(table, name) for name in names}
