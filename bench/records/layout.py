"""Where the files of records lie in a results folder, and what stands in one."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.files import read_bounded
from bench.records.record import Record, from_json
from bench.trial import Trial

#: The index over the files, of a folder that has many; see ``bench.records.index``.
INDEX = ".records.sqlite"
#: A folder of records in a results folder that are no part of it: those that a project publishes.
PUBLISHED = "records"
#: Records have a few kilobytes, and a hundred times that with long curves.
LARGEST_RECORD = 1 << 24
#: A plugin's folder with so many files gets no more: the next ones lie in folders below it, by
#: the first two digits of their identities.
FULL = 2000
_PART = re.compile("[0-9a-f]{2}")

#: Is told of a path, and what is wrong with it.
Complain = Callable[[str, object], None]


def ignore(path: str, reason: object) -> None:
    """Complain to nobody."""


def places_of(root: Path, trial: Trial) -> tuple[Path, Path]:
    """Return the folders in which the records of a trial lie: of its plugin, and the part of it."""
    folder = root / trial.task / trial.plugin
    return folder, folder / trial.identity[:2]


def place_for(root: Path, trial: Trial) -> Path:
    """Return the folder that a new record of a trial is written to; it may not be there yet."""
    folder, part = places_of(root, trial)
    return part if _is_full(folder) else folder


def free_path(root: Path, trial: Trial, stem: str) -> Path:
    """Return the path of a new record of a trial: no other of its plugin has the name."""
    folder, places = place_for(root, trial), places_of(root, trial)
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    free = (name for name in names if not any((p / f"{name}.json").exists() for p in places))
    return folder / f"{next(free)}.json"


def record_files(root: Path, complain: Complain = ignore) -> Iterator[Path]:
    """Yield the files of a results folder that ought to be records.

    Args:
        root: The results folder; one that is not there holds nothing.
        complain: Is told of each folder that cannot be listed, and why.
    """
    for entry in record_entries(root, complain):
        yield Path(entry.path)


def record_entries(
    root: Path, complain: Complain = ignore, plugins: Collection[str] | None = None
) -> Iterator[os.DirEntry[str]]:
    """Yield what ``record_files`` does as entries of their folders, those of some plugins if given.

    A plugin's folder, and each part of it, are in the order of names.
    """
    for folder in plugin_folders(root, complain, plugins):
        inside = entries_of(folder, complain)
        parts = [entries_of(part, complain) for part in _parts(inside)]
        for entry in itertools.chain(inside, *parts):
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                yield entry


def has_records(root: Path) -> bool:
    """Say whether a results folder has any record."""
    return next(record_entries(root), None) is not None


def record_folders(root: Path) -> Iterator[str]:
    """Yield every folder that holds records."""
    for folder in plugin_folders(root):
        yield folder
        yield from _parts(entries_of(folder))


def _parts(entries: Iterable[os.DirEntry[str]]) -> list[str]:
    """Return the folders among what is in a plugin's that hold a part of its records."""
    return [
        entry.path
        for entry in entries
        if len(entry.name) == 2 and _PART.fullmatch(entry.name) and os.path.isdir(entry.path)
    ]


def plugin_folders(
    root: Path, complain: Complain = ignore, plugins: Collection[str] | None = None
) -> Iterator[str]:
    """Yield the folders of plugins, of all tasks; those of some plugins if given."""
    for task in _folders(root, complain):
        if plugins is None:
            yield from _folders(task, complain)
        else:
            named = (os.path.join(task, name) for name in sorted(plugins))
            yield from (folder for folder in named if os.path.isdir(folder))


def entries_of(folder: str | Path, complain: Complain = ignore) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name; one that is not there holds nothing."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        complain(str(folder), f"cannot be listed ({error.strerror or error})")
        return []


def content_of(path: str | Path) -> bytes:
    """Return what stands in the file of a record.

    Raises:
        BenchError: It cannot be read, is no regular file, or is longer than any record.
    """
    try:
        return read_bounded(path, LARGEST_RECORD)
    except OSError as error:
        raise BenchError(f"cannot be read ({error.strerror or error})") from None


def from_content(content: bytes) -> Record:
    """Return the record that stands in a file's content.

    Raises:
        BenchError: It is no text, or no record that can be trusted; see ``from_json``.
    """
    try:
        return from_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BenchError(f"is no text in UTF-8 ({error.reason})") from None


@dataclass
class FilesRead:
    """What was read of files: records with the files' names, and what could not be, and why.

    ``remark`` says of the folder what has to be told.
    """

    records: list[tuple[str, Record]] = field(default_factory=list)
    unreadable: list[tuple[str, object]] = field(default_factory=list)
    remark: str = ""


def read_files(entries: Iterable[os.DirEntry[str]], remark: str = "") -> FilesRead:
    """Read the records of files one by one."""
    found = FilesRead(remark=remark)
    for entry in entries:
        try:
            found.records.append((entry.name, from_content(content_of(entry.path))))
        except BenchError as error:
            found.unreadable.append((entry.path, error))
    return found


def _folders(folder: str | Path, complain: Complain) -> Iterator[str]:
    """Yield the folders in a folder."""
    for entry in entries_of(folder, complain):
        if os.path.isdir(entry.path):
            yield entry.path


def _is_full(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(itertools.islice(entries, FULL - 1, None), None) is not None
    except OSError:
        return False  # It is not there yet, or the writing will say what is wrong.
