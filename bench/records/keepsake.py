"""Copies of what a run has written, for plugins have the rights to delete or change it."""

from __future__ import annotations

import os
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.errors import BenchError
from bench.files import FileStamp, read_bounded, stamp_of, write_whole


@dataclass
class _Kept:
    """Where a file's copy lies, and how the file looked when it was last as written."""

    offset: int
    size: int
    stamp: FileStamp | None


class Keepsake:
    """Copies in a temporary file without a name, which no plugin can find.

    It is gone when this object is, or the process however it ends.
    """

    def __init__(self) -> None:
        self._kept: dict[Path, _Kept] = {}
        self._file: IO[bytes] | None = None

    def keep(self, path: Path, content: bytes) -> None:
        """Remember a file that was just written.

        Where there is no room for a copy the file goes without: it is written, after all.
        """
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as this
                weakref.finalize(self, self._file.close)
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(content)
            self._file.flush()
            self._kept[path] = _Kept(offset, len(content), stamp_of(path))
        except OSError:
            return

    def fix(self) -> list[str]:
        """Write again what was deleted or changed since; return a line for each such file."""
        lines = []
        for path, kept in self._kept.items():
            stamp = stamp_of(path)
            if stamp is not None and stamp == kept.stamp:
                continue
            content = self._copy(kept)
            if not _holds(path, content):
                what = "was deleted" if stamp is None else "was changed"
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(path, content)
                except OSError as error:
                    reason = error.strerror or error
                    lines.append(f"{path}: {what} during the run and cannot be restored ({reason})")
                    continue  # With its old stamp it is tried again.
                lines.append(f"{path}: {what} during the run; written again")
            kept.stamp = stamp_of(path)
        return lines

    def _copy(self, kept: _Kept) -> bytes:
        assert self._file is not None  # Something was kept in it.
        self._file.seek(kept.offset)
        return self._file.read(kept.size)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and read_bounded(path, len(content)) == content
    except (BenchError, OSError):
        return False
