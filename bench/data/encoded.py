"""Arrays that a view makes of prepared data: made once, kept beside them, mapped by every trial."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bench.data import prepared
from bench.data.prepared import ENCODED as ENCODED
from bench.data.prepared import discard, say_on_stderr, write_folder
from bench.errors import DataError
from bench.task import Prepared

if TYPE_CHECKING:
    from bench.task import Array

#: What they may take in all, in bytes; those that were not used for longest go first.
LARGEST_IN_ALL = 2 * 1024**3
UNUSED_SECONDS = 30 * 24 * 3600
#: How long to wait for another process that makes the same arrays, in seconds.
WAIT_SECONDS = 120.0


def keep(
    prepared: Path, label: Mapping[str, Any], make: Callable[[], Mapping[str, Array]]
) -> Mapping[str, Array] | None:
    """Return arrays made of prepared data, memory-mapped; None where they cannot be kept.

    They are found by a digest over the data and ``label``. Where they are missing or
    damaged one process makes them, and others wait. They have their name only once they
    are whole. What cannot be written is told on standard error, once a process.

    Args:
        prepared: The folder of the prepared arrays.
        label: JSON-able; whatever ``make`` depends on beside the data.
        make: Makes the arrays.
    """
    try:
        label = _complete(label, prepared)
        folder = prepared.parent / ENCODED / f"{prepared.name}-{_digest(label)}"
        return _mapped(folder, label) or _made(folder, label, make)
    except OSError as error:
        _tell_once(
            f"{prepared.parent / ENCODED}: encoded views cannot be kept "
            f"({error.strerror or error}), every batch is encoded anew; free some space, fix "
            "its permissions, or set BENCH_CACHE_DIR to another folder"
        )
        return None


def _complete(label: Mapping[str, Any], prepared: Path) -> dict[str, Any]:
    # The description has the checksum of every array: equal descriptions, equal data.
    data = hashlib.sha256((prepared / "meta.json").read_bytes()).hexdigest()
    # As it will be read back: tuples become lists.
    return dict(json.loads(json.dumps({**label, "data": data})))


def _digest(label: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(label, sort_keys=True).encode()).hexdigest()[:16]


def _mapped(folder: Path, label: Mapping[str, Any]) -> Mapping[str, Array] | None:
    if not folder.exists() or prepared.array_damage(folder, label) is not None:
        return None
    try:
        found = prepared.read_arrays(folder).arrays
    except DataError:
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)  # Tells the sweeping that it is in use.
    return found


def _made(
    folder: Path, label: dict[str, Any], make: Callable[[], Mapping[str, Array]]
) -> Mapping[str, Array] | None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        found = _mapped(folder, label)
        if found is None:
            if folder.exists():
                discard(folder)
            write_folder(folder, Prepared(make(), {}), label)
            found = _mapped(folder, label)
            _sweep(folder.parent)
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the system lets go of it when a process ends.

    Where files cannot be locked two processes may make the same arrays, and the first
    that is done gives them their name.

    Raises:
        Timeout: Another process holds it for too long.
    """
    lock = FileLock(f"{folder}.lock", fallback_to_soft=False)
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        raise
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            # Still locked: who waits for it finds that it is gone and opens the next one.
            Path(lock.lock_file).unlink()
        with contextlib.suppress(OSError):
            lock.release()


def _sweep(root: Path) -> None:
    """Remove what is not used any more, and the longest unused of what is too much."""
    folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    total = 0
    with contextlib.suppress(OSError):  # Another process may sweep too.
        used = {path: path.stat().st_mtime for path in folders}
        for path in sorted(folders, key=lambda path: used[path], reverse=True):
            total += prepared.size_of(path)
            if total > LARGEST_IN_ALL or time.time() - used[path] > UNUSED_SECONDS:
                discard(path)


@cache
def _tell_once(text: str) -> None:
    say_on_stderr(text)
