"""Reading a large results folder through its index, and telling the index what was written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.files import FileStamp
from bench.records.index import (
    UNSETTLED,
    FileRead,
    Index,
    IndexRow,
    discard,
    open_index,
    why_unlocked,
)
from bench.records.layout import (
    FilesRead,
    content_of,
    from_content,
    plugin_folders,
    read_files,
)
from bench.records.packed import FileOrigin, Unpacking, pack
from bench.records.record import Record

#: A file that is written twice within this looks the same to a file system with coarse clocks.
_FRESH_NANOSECONDS = 2_000_000_000
_LARGEST = (1 << 63) - 1
#: Files that are read and kept at once, so that other runs get their turn at the index.
_AT_ONCE = 1000


def read_through(
    root: Path, entries: Sequence[os.DirEntry[str]], plugins: Collection[str] | None = None
) -> FilesRead:
    """Read the records of a results folder through its index, which is made where it is missing.

    Args:
        root: The results folder.
        entries: All of its files, or all in the folders of the plugins.
        plugins: If they are given, only their records are of interest; the index is asked for
            those in folders of other plugins, too.
    """
    if why := why_unlocked(root):
        return read_files(entries, f"{root}: has no index, so that all of it is read: {why}")
    index = open_index(root)
    for again in (True, False):
        if index is None:
            break
        try:
            return _Reading(root, index, plugins).read(entries)
        except sqlite3.OperationalError:
            break
        except sqlite3.Error:
            index = discard(root) if again else None
    return read_files(entries)


@dataclass(frozen=True)
class _Doubt:
    """A file that has to be opened, and what the index says of it, if it does."""

    file: str
    row: IndexRow | None

    @property
    def name(self) -> str:
        return os.path.basename(self.file)


class _Reading:
    """One reading of a results folder: what the index knows is not opened."""

    def __init__(self, root: Path, index: Index, plugins: Collection[str] | None) -> None:
        self._root, self._index, self._plugins = root, index, plugins
        self._prefix = len(os.path.join(root, ""))
        self._unpacking = Unpacking(index.bodies)
        self._now = _clock_of(root) if index.can_write else None
        self._found = FilesRead()

    def read(self, entries: Iterable[os.DirEntry[str]]) -> FilesRead:
        """Return the records of all files; what the index did not know, it knows now."""
        known = self._rows()
        doubts: list[_Doubt] = []
        for entry in entries:
            row = known.pop(self._name(entry.path), None)
            if row is not None and _stamp(entry) == row.stamp:
                self._add(entry.path, entry.name, row)
            else:
                doubts.append(_Doubt(entry.path, row))
        gone = []
        for name, row in known.items():
            file = os.path.join(self._root, os.fsdecode(name))
            if not os.path.lexists(file):
                gone.append(name)
            elif self._plugins is not None:
                doubts.append(_Doubt(file, row))
        self._write(lambda: self._index.drop(gone))
        for start in range(0, len(doubts), _AT_ONCE):
            self._look(doubts[start : start + _AT_ONCE])
        return self._found

    def _rows(self) -> dict[bytes, IndexRow]:
        if self._plugins is None:
            return self._index.rows()
        folders = plugin_folders(self._root, plugins=self._plugins)
        return self._index.rows(self._plugins, [self._name(f) + b"/" for f in folders])

    def _name(self, file: str) -> bytes:
        """Return the path of a file in the results folder."""
        return _portable(file[self._prefix :])

    def _add(self, file: str, name: str, row: IndexRow) -> None:
        origin = FileOrigin(row.number, row.sha256, file)
        self._found.records.append((name, self._unpacking.record(row.head, origin)))

    def _look(self, doubts: Iterable[_Doubt]) -> None:
        """Open files of which the index knows nothing, or not whether they are the same."""
        stamped: list[tuple[bytes, IndexRow]] = []
        read: list[tuple[str, Record, FileRead]] = []
        for doubt in doubts:
            name = self._name(doubt.file)
            try:
                stamp = self._settled(doubt.file)
                content = content_of(doubt.file)
                sha256 = hashlib.sha256(content).digest()
                if doubt.row is not None and doubt.row.sha256 == sha256:
                    self._add(doubt.file, doubt.name, doubt.row)
                    if stamp != doubt.row.stamp:
                        stamped.append((name, doubt.row._replace(stamp=stamp)))
                    continue
                record = from_content(content)
            except BenchError as error:
                self._found.unreadable.append((doubt.file, error))
                continue
            packed = pack(record) if self._index.can_write else None
            if packed is None:
                self._found.records.append((doubt.name, record))
            else:
                file = FileRead(name, record.trial.plugin, stamp, sha256, *packed)
                read.append((doubt.file, record, file))
        self._write(lambda: self._index.stamp(stamped))
        self._keep(read)

    def _keep(self, read: Sequence[tuple[str, Record, FileRead]]) -> None:
        rows: list[IndexRow] = []
        self._write(lambda: rows.extend(self._index.keep(file for *_, file in read)))
        for number, (file, record, _) in enumerate(read):
            if number < len(rows):
                self._add(file, os.path.basename(file), rows[number])
            else:
                self._found.records.append((os.path.basename(file), record))

    def _write(self, change: Callable[[], object]) -> None:
        """Change the index, unless others hold it too long or it cannot be written any more."""
        if not self._index.can_write:
            return
        try:
            change()
        except sqlite3.OperationalError:
            self._index.can_write = False

    def _settled(self, file: str) -> FileStamp:
        """Return the stamp of a file, of one that was just written none that it could keep."""
        try:
            found = os.stat(file)
        except OSError:
            return UNSETTLED  # Reading it will say why.
        last = max(found.st_mtime_ns, found.st_ctime_ns)
        is_old = self._now is not None and last < self._now - _FRESH_NANOSECONDS
        return _stamp_of(found) if is_old else UNSETTLED


def _stamp(entry: os.DirEntry[str]) -> FileStamp | None:
    try:
        return _stamp_of(entry.stat())
    except OSError:
        return None


def _stamp_of(found: os.stat_result) -> FileStamp:
    written, changed = found.st_mtime_ns & _LARGEST, found.st_ctime_ns & _LARGEST
    return found.st_ino & _LARGEST, found.st_size & _LARGEST, written, changed


def _portable(name: str) -> bytes:
    return os.fsencode(name if os.sep == "/" else name.replace(os.sep, "/"))


def _clock_of(root: Path) -> int | None:
    """Return the time by the file system's own clock, in nanoseconds; None if it is not told."""
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None


# Writing


def note(root: Path, path: Path, content: bytes) -> None:
    """Take in a record that was just written; what comes in the way is left to the next reader.

    Args:
        root: The results folder, which has an index.
        path: The record's file.
        content: What stands in it.
    """
    index = None if why_unlocked(root) else open_index(root)
    if index is None or not index.can_write:
        return
    with contextlib.suppress(sqlite3.Error, BenchError):
        record, sha256 = from_content(content), hashlib.sha256(content).digest()
        if packed := pack(record):
            name = _portable(os.path.relpath(path, root))
            index.keep([FileRead(name, record.trial.plugin, UNSETTLED, sha256, *packed)])
