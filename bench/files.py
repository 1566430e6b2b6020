"""Files that are written whole or not at all, and read without being trusted."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

from bench.errors import BenchError

#: How the temporary files of ``write_whole`` begin, those that a killed process left too.
WRITING = ".writing-"
_STALE_SECONDS = 24 * 3600
#: Opening a pipe does not wait for its writer; on Windows line ends stay as they are.
_READ_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def below(path: Path, folder: Path) -> str | None:
    """Return a path as seen from a folder, None if it does not lie below that."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except (ValueError, OSError):
        return None


def without_home(path: Path) -> str:
    """Return a path that is found again: as seen from here, else with ``~``, else a whole one.

    The home folder, which names the owner, is not in it.
    """
    whole = path.resolve()
    if (here := below(whole, Path.cwd())) is not None:
        return here
    with contextlib.suppress(ValueError, OSError, RuntimeError):
        return f"~/{whole.relative_to(Path.home().resolve()).as_posix()}"
    return whole.as_posix()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    The content reaches the disk before the name does, and the name before this returns
    (fsync, rename, fsync of the folder).

    Raises:
        OSError: As from the file system; the temporary file is gone again.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=WRITING)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def read_bounded(path: str | Path, largest: int, own: bool = False) -> bytes:
    """Return the content of a regular file, which may lie where anybody can write.

    A pipe would have its reader wait for ever, and a device or a huge file fills memory.
    With ``own`` the file must have this name alone: a link would be someone else's file.

    Raises:
        BenchError: It is no regular file, or has more than ``largest`` bytes.
        OSError: It cannot be read.
    """
    if own and os.path.islink(path):
        raise BenchError("is a link")
    handle = os.open(path, _READ_AT_ONCE | (getattr(os, "O_NOFOLLOW", 0) if own else 0))
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise BenchError("is not a regular file")
        if own and found.st_nlink > 1:
            raise BenchError("is a link")
        size = found.st_size
        if size > largest:
            raise BenchError(f"has {size:,} bytes, more than the {largest:,} that are read")
        parts = []
        while size > 0 and (part := os.read(handle, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


#: Inode, size, and times of the last change of a file's content and of anything about it.
FileStamp = tuple[int, int, int, int]


def stamp_of(path: Path) -> FileStamp | None:
    """Return what changes when a file is written, None if it is gone.

    Unlike a file's mtime, its ctime cannot be set.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sweep(folder: Path, prefix: str) -> None:
    """Remove what a killed process left: entries of this prefix, untouched for a day."""
    try:
        # A folder may have thousands of files: no path is made of those that stay.
        with os.scandir(folder) as found:
            entries = [folder / entry.name for entry in found if entry.name.startswith(prefix)]
    except OSError:
        return
    for path in entries:
        with contextlib.suppress(OSError):
            state = path.lstat()
            if time.time() - state.st_mtime <= _STALE_SECONDS:
                continue
            if stat.S_ISDIR(state.st_mode):
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def is_one_name(text: str) -> bool:
    """Say whether a text can name a file or folder in another folder, and nothing elsewhere."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return text not in ("", ".", "..") and "\0" not in text and os.path.basename(text) == text


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # Windows opens no folders.
    # The file has its name by now; that a system cannot sync folders takes nothing away.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
