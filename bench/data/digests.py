"""Digests of raw files and folders, computed once and remembered until they change."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, DataError
from bench.files import read_bounded, write_whole

# Which folders data live in: raw files in one, everything derived from them in another

# For modules that look for it here.

_APPLICATION = "keras-sequence-bench"


def data_folder() -> Path:
    """Return where raw files are looked for and downloaded to; it need not exist.

    ``BENCH_DATA_DIR``, else ``data`` in the platform's cache folder. Nothing but
    downloads is ever written to it, since it may be shared or read-only.
    """
    return _from_environment("BENCH_DATA_DIR") or _platform_folder() / "data"


def cache_folder() -> Path:
    """Return where parsed arrays and digests are kept; it need not exist.

    ``BENCH_CACHE_DIR``, else the platform's cache folder. It can be deleted at any time.
    """
    return _from_environment("BENCH_CACHE_DIR") or _platform_folder()


def offline() -> bool:
    """Whether ``BENCH_OFFLINE`` forbids any download."""
    return os.environ.get("BENCH_OFFLINE", "") not in ("", "0")


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(os.path.abspath(os.path.expanduser(value))) if value else None


def _platform_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path(_APPLICATION, appauthor=False)


_INDEX_VERSION = 1
_LARGEST_INDEX = 1 << 26  # bytes; an entry has about 200
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Stamp:
    """What changes when a file, or anything in a folder, is written: a cheap stand-in.

    ``files`` counts files, ``size`` is their bytes in all, ``mtime_ns`` the newest
    modification in nanoseconds since 1970.
    """

    files: int
    size: int
    mtime_ns: int

    @staticmethod
    def of(path: Path) -> Stamp:
        """Return the stamp of a file, or of a folder and everything in it.

        Raises:
            DataError: It cannot be read.
        """
        try:
            whole = path.stat()
            if not path.is_dir():
                return Stamp(1, whole.st_size, whole.st_mtime_ns)
            stats = [os.stat(file) for file in _files_in(path)]
            folders = [os.stat(folder).st_mtime_ns for folder, _, _ in os.walk(path)]
        except OSError as error:
            raise _unreadable(path, error) from None
        newest = max([whole.st_mtime_ns, *folders, *(stat.st_mtime_ns for stat in stats)])
        return Stamp(len(stats), sum(stat.st_size for stat in stats), newest)


class Digests:
    """Digests by path and stamp, and verdicts by content, kept in a JSON file.

    The file only saves time: a missing, damaged or unwritable one means that digests
    are computed again. With ``remember`` false nothing stored is believed, and what is
    computed replaces it.
    """

    def __init__(self, folder: Path, remember: bool = True) -> None:
        self._file = folder / "digests.json"
        self._believe = remember
        self._index = _read_index(self._file)
        self._fresh: set[str] = set()

    def digest(self, path: Path, algorithm: str = "sha256") -> str:
        """Return the hexadecimal digest of a file or folder.

        A folder's is over the sorted relative names and contents of its files.

        Raises:
            DataError: It cannot be read.
        """
        key = f"{algorithm}:{os.path.abspath(path)}"
        stamp = vars(Stamp.of(path))
        known = self._index["digests"].get(key)
        if _is_entry(known, stamp) and (self._believe or key in self._fresh):
            return str(known["digest"])
        value = _compute(path, algorithm)
        self._fresh.add(key)
        self._index["digests"][key] = {"stamp": stamp, "digest": value}
        self._write()
        return value

    def changed_unnoticed(self, path: Path) -> bool:
        """Whether a file's content differs from what was read, though its stamp does not.

        That is what a failing disk does. The new digest replaces the old one.
        """
        key = f"sha256:{os.path.abspath(path)}"
        known = self._index["digests"].get(key)
        before = known["digest"] if _is_entry(known, vars(Stamp.of(path))) else None
        return self.digest(path) != before and before is not None

    def fingerprint(self, files: tuple[Path, ...]) -> str:
        """Return "sha256:" and a digest over the contents of files, whatever their names.

        That of a single file is what ``sha256sum`` prints for it.
        """
        values = [self.digest(file) for file in files]
        if len(values) == 1:
            return f"sha256:{values[0]}"
        return "sha256:" + hashlib.sha256("\n".join(values).encode()).hexdigest()

    def verdict(self, key: str) -> str | None:
        """Return a stored verdict, or None if there is none to be believed."""
        if not self._believe and key not in self._fresh:
            return None
        value = self._index["verdicts"].get(key)
        return value if isinstance(value, str) else None

    def keep_verdict(self, key: str, value: str) -> None:
        """Store what an expensive look at some content found."""
        self._fresh.add(key)
        self._index["verdicts"][key] = value
        self._write()

    def _write(self) -> None:
        text = json.dumps(self._index, indent=0, sort_keys=True)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, text.encode())
        except OSError:
            # Whoever needs the cache folder for more than speed reports it.
            pass


def _read_index(file: Path) -> dict[str, Any]:
    try:
        index = json.loads(read_bounded(file, _LARGEST_INDEX))
        parts = {name: dict(index[name]) for name in ("digests", "verdicts")}
        if index["version"] == _INDEX_VERSION:
            return {"version": _INDEX_VERSION, **parts}
    except (OSError, BenchError, ValueError, TypeError, KeyError, RecursionError):
        pass
    return {"version": _INDEX_VERSION, "digests": {}, "verdicts": {}}


def _is_entry(known: Any, stamp: dict[str, int]) -> bool:
    return (
        isinstance(known, dict)
        and known.get("stamp") == stamp
        and isinstance(known.get("digest"), str)
    )


def _compute(path: Path, algorithm: str) -> str:
    # The digests recognise published files; they protect nobody from an adversary.
    total = hashlib.new(algorithm, usedforsecurity=False)
    try:
        if not path.is_dir():
            if not path.is_file() and path.exists():
                # A pipe would have its reader wait for ever.
                raise DataError(f"{path}: is neither a file nor a folder; give another path")
            for chunk in _chunks(path):
                total.update(chunk)
            return total.hexdigest()
        for file in sorted(_files_in(path), key=lambda file: _name_in(path, file)):
            content = hashlib.new(algorithm, usedforsecurity=False)
            for chunk in _chunks(file):
                content.update(chunk)
            total.update(f"{_name_in(path, file)}\n{content.hexdigest()}\n".encode())
    except OSError as error:
        raise _unreadable(path, error) from None
    return total.hexdigest()


def _chunks(file: Path | str) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _files_in(folder: Path) -> list[str]:
    found = []
    for root, _, names in os.walk(folder):
        paths = (os.path.join(root, name) for name in names)
        found += [path for path in paths if os.path.isfile(path)]
    return found


def _name_in(folder: Path, file: str) -> str:
    return os.path.relpath(file, folder).replace(os.sep, "/")


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be read ({error.strerror or error}); fix its permissions")
