"""An index over the files of a large results folder, which can be made again from them at any time.

It says of each file what a reader would find in it, as long as the file is the one that was
read: its inode, size and both times of change are the same, or else its digest is. A row has a
checksum over all that it says, so that it is either true or not there. What is damaged,
locked, of another version or no index at all is made again, or done without.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import sys
import tempfile
import weakref
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from bench.files import FileStamp
from bench.records.layout import INDEX
from bench.records.packed import Body, Head
from bench.records.predictions import KeptModel, Predictions
from bench.records.record import SCHEMA_VERSION, Record
from bench.trial import Trial

#: Raise this when the form of the index changes.
_VERSION = 3
_APPLICATION = 0x42656E63
_KINDS = (Record, Trial, Predictions, KeptModel)
#: A reader that finds another form makes the index again: what a record is may have changed.
_FORM = (
    zlib.crc32(
        repr(
            [_VERSION, SCHEMA_VERSION]
            + [
                (f.name, f.type)
                for kind in (Record, Trial, Predictions, KeptModel)
                for f in fields(kind)
            ]
            + [*Head.__struct_fields__, *Body.__struct_fields__]
        ).encode()
    )
    & 0x7FFFFFFF
)
_TABLES = """
    PRAGMA application_id = {application};
    PRAGMA user_version = {form};
    CREATE TABLE heads (
        id INTEGER PRIMARY KEY, path BLOB UNIQUE, plugin TEXT, inode INTEGER, size INTEGER,
        written INTEGER, changed INTEGER, sha256 BLOB, checksum INTEGER, head BLOB
    );
    CREATE INDEX plugins ON heads (plugin);
    CREATE TABLE bodies (id INTEGER PRIMARY KEY, sha256 BLOB, checksum INTEGER, body BLOB);
"""
_BUSY_SECONDS = 2.0

#: That of a file which was too fresh: no file has it, so that the digest decides.
UNSETTLED: FileStamp = (0, 0, 0, 0)


class IndexRow(NamedTuple):
    """What the index says of a file; ``number`` is that of its body."""

    number: int
    stamp: FileStamp
    sha256: bytes
    head: bytes


@dataclass(frozen=True)
class FileRead:
    """A file that was read: its path in the folder, and what the index gets to know of it."""

    name: bytes
    plugin: str
    stamp: FileStamp
    sha256: bytes
    head: bytes
    body: bytes


class Index:
    """The database in a results folder, which one reader or writer has opened."""

    def __init__(self, root: Path, can_write: bool) -> None:
        """Open it, and make it where it is not there.

        Raises:
            sqlite3.Error: It cannot be used, for now or at all.
        """
        self.can_write = can_write
        self._file = (root.resolve() / INDEX).as_uri()
        self._connection = self._connected("rwc" if can_write else "ro")
        weakref.finalize(self, self._connection.close)
        # What a power cut leaves half-written is noticed and made again: nothing has to wait.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._check_form()

    def _connected(self, mode: str) -> sqlite3.Connection:
        found = sqlite3.connect(
            f"{self._file}?mode={mode}",
            timeout=_BUSY_SECONDS,
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        found.text_factory = bytes
        self._process = os.getpid()
        return found

    def _reconnected(self) -> None:
        """Have a connection of its own in a process that was forked: SQLite's cannot be shared."""
        if os.getpid() != self._process:
            self._inherited, self.can_write = self._connection, False
            self._connection = self._connected("ro")

    def _check_form(self) -> None:
        with self._changing() if self.can_write else contextlib.nullcontext():
            found = [self._pragma(name) for name in ("application_id", "user_version")]
            if found == [_APPLICATION, _FORM]:
                return
            if found != [0, 0] or self._pragma("schema_version") != 0:
                raise sqlite3.DatabaseError("is of another form")
            for statement in _TABLES.format(application=_APPLICATION, form=_FORM).split(";"):
                self._connection.execute(statement)

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(
        self, plugins: Collection[str] | None = None, folders: Iterable[bytes] = ()
    ) -> dict[bytes, IndexRow]:
        """Return the rows that are whole by their paths in the folder.

        Args:
            plugins: Those of these plugins; all if it is None.
            folders: And those in these folders, which end with a slash.
        """
        select = "SELECT path, id, inode, size, written, changed, sha256, checksum, head "
        select += "FROM heads"
        if plugins is None:
            asked: list[tuple[str, tuple[object, ...]]] = [(select, ())]
        else:
            asked = [(f"{select} WHERE plugin = ?", (name,)) for name in plugins]
            within = f"{select} WHERE path >= ? AND path < ?"
            asked += [(within, (folder, folder[:-1] + b"0")) for folder in folders]
        found: dict[bytes, IndexRow] = {}
        for words, values in asked:
            for path, number, a, b, c, d, *told in self._connection.execute(words, values):
                row = IndexRow(number, (a, b, c, d), told[0], told[2])
                if _is_whole(path, row, told[1]):
                    found[path] = row
        return found

    def bodies(self, wanted: Sequence[tuple[int, bytes]]) -> list[bytes | None]:
        """Return the bodies of some files' records, None for each that is gone or damaged.

        Args:
            wanted: Of each its number, and the digest of the file; ``packed.AT_ONCE`` at most.
        """
        marks = ",".join("?" * len(wanted))
        words = f"SELECT id, sha256, checksum, body FROM bodies WHERE id IN ({marks})"
        try:
            self._reconnected()
            rows = self._connection.execute(words, [number for number, _ in wanted]).fetchall()
        except sqlite3.Error:
            return [None] * len(wanted)
        found = {
            (number, sha256): body
            for number, sha256, checksum, body in rows
            if isinstance(body, bytes) and zlib.crc32(body, number) == checksum
        }
        return [found.get(each) for each in wanted]

    def keep(self, files: Iterable[FileRead]) -> list[IndexRow]:
        """Take in what was read; return the rows."""
        kept = [*files]
        with self._changing():
            self._drop(file.name for file in kept)
            # Nobody else writes meanwhile, so that the numbers are free.
            last = self._connection.execute("SELECT max(id) FROM bodies").fetchone()[0] or 0
            rows = [
                IndexRow(number, file.stamp, file.sha256, file.head)
                for number, file in enumerate(kept, last + 1)
            ]
            both = [*zip(rows, kept, strict=True)]
            self._connection.executemany(
                "INSERT INTO bodies VALUES (?,?,?,?)",
                [(r.number, r.sha256, zlib.crc32(f.body, r.number), f.body) for r, f in both],
            )
            self._connection.executemany(
                "INSERT INTO heads VALUES (?,?,?,?,?,?,?,?,?,?)",
                [
                    (r.number, f.name, f.plugin, *r.stamp, r.sha256, _checksum(f.name, r), r.head)
                    for r, f in both
                ],
            )
        return rows

    def stamp(self, files: Iterable[tuple[bytes, IndexRow]]) -> None:
        """Take in the stamps of files whose content is the one that is known."""
        words = (
            "UPDATE heads SET inode = ?, size = ?, written = ?, changed = ?, checksum = ?"
            " WHERE id = ? AND path = ?"
        )
        with self._changing():
            self._connection.executemany(
                words,
                [(*row.stamp, _checksum(path, row), row.number, path) for path, row in files],
            )

    def drop(self, paths: Iterable[bytes]) -> None:
        """Forget files."""
        with self._changing():
            self._drop(paths)

    def _drop(self, paths: Iterable[bytes]) -> None:
        asked = [(path,) for path in paths]
        words = "DELETE FROM bodies WHERE id IN (SELECT id FROM heads WHERE path = ?)"
        self._connection.executemany(words, asked)
        self._connection.executemany("DELETE FROM heads WHERE path = ?", asked)


def _is_whole(path: object, row: IndexRow, checksum: object) -> bool:
    # A spoilt page may have anything in any column.
    if not (isinstance(path, bytes) and type(row.sha256) is bytes and type(row.head) is bytes):
        return False
    return _checksum(path, row) == checksum


def _checksum(path: bytes, row: IndexRow) -> int:
    told = repr((path, row.number, row.stamp, row.sha256)).encode()
    return zlib.crc32(row.head, zlib.crc32(told))


# Opening it


def open_index(root: Path) -> Index | None:
    """Open the index of a results folder, and make it where it is not there; None without one."""
    try:
        return Index(root, os.access(root, os.W_OK))
    except sqlite3.OperationalError:
        return None  # Locked, or in a folder that cannot be written.
    except (sqlite3.Error, ValueError):
        return discard(root)


def discard(root: Path) -> Index | None:
    """Take away what is damaged or no index of ours, and begin a new one."""
    try:
        for ending in ("", "-journal"):
            (root / f"{INDEX}{ending}").unlink(missing_ok=True)
        return Index(root, os.access(root, os.W_OK))
    except (OSError, sqlite3.Error):
        return None


# What the file system can do


def why_unlocked(root: Path) -> str:
    """Say why several machines or runs cannot share an index in a folder; nothing if they can."""
    with contextlib.suppress(OSError, ValueError):
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        if why := unlocked_by(mounts, str(root.resolve())):
            return why
    return _refused(root)


#: Options of network file systems with which a lock is no other machine's business.
_LOCAL_LOCKS = {"nolock", "local_lock=all", "local_lock=posix", "nobrl", "noflock", "localflock"}
#: Those that know no locks of other machines at all.
_WITHOUT_LOCKS = ("fuse.sshfs", "fuse.s3fs", "fuse.rclone")


def unlocked_by(mounts: str, folder: str) -> str:
    """Say by what a folder is on a network file system without locks; nothing if it is not.

    Args:
        mounts: What stands in /proc/mounts.
        folder: Its whole path, without links.
    """
    found = ("", "", "")
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 4:
            continue
        # A blank in a path is written as its octal number.
        place = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), parts[1])
        is_above = f"{folder}/".startswith(f"{place.rstrip('/')}/")
        if is_above and len(place) >= len(found[0]):
            found = (place, parts[2], parts[3])
    place, kind, options = found
    without = sorted(_LOCAL_LOCKS.intersection(options.split(",")))
    if not without and kind not in _WITHOUT_LOCKS:
        return ""
    return f"{place} ({', '.join([kind, *without])}) has no locks that other machines respect"


def _refused(root: Path) -> str:
    """Say why no file can be locked in a folder; nothing if one can, or none can be written."""
    if sys.platform == "win32":
        return ""
    import fcntl

    try:
        with tempfile.TemporaryFile(dir=root) as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                return f"files cannot be locked there ({error.strerror or error})"
    except OSError:
        pass
    return ""
