"""The bundles of files a task declares, and which of them lie in a folder."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo


@dataclass(frozen=True)
class OfficialFile:
    """A published file: its name, where it is, and by what it is recognised.

    ``size`` is in bytes; digests are hexadecimal. Any of them may be unknown.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None

    @property
    def known_hash(self) -> tuple[str, str] | None:
        """The strongest published digest as (algorithm, hexadecimal digits)."""
        for algorithm, digits in (("sha256", self.sha256), ("md5", self.md5)):
            if digits is not None:
                return algorithm, digits.lower()
        return None


@dataclass(frozen=True)
class Found:
    """A bundle of local files that is there; ``remark`` says what was passed over."""

    files: tuple[Path, ...]
    remark: str = ""


def official_bundles(info: TaskInfo) -> list[tuple[OfficialFile, ...]]:
    """Return a task's alternative official bundles; the first is the one to download."""
    return [tuple(OfficialFile(**item) for item in bundle) for bundle in info.official]


def find_local(info: TaskInfo, folder: Path) -> Found | None:
    """Return the first of a task's local bundles that lies in a folder."""
    for names in info.local:
        files: list[Path] = []
        remarks: list[str] = []
        for name in names:
            matches = matching(name.removesuffix("?"), folder)
            if matches:
                files.append(matches[0])
            elif not name.endswith("?"):
                break
            if len(matches) > 1:
                others = f"the first of {len(matches)} that match {name}"
                remarks.append(f"{matches[0].name} is {others}")
        else:
            if files:
                return Found(tuple(files), "; ".join(remarks))
    return None


def all_local(info: TaskInfo, folder: Path) -> list[Path]:
    """Return everything in a folder that one of a task's local bundles names."""
    patterns = [name.removesuffix("?") for names in info.local for name in names]
    return list(dict.fromkeys(path for name in patterns for path in matching(name, folder)))


def find_companions(info: TaskInfo, file: Path) -> tuple[Path, ...]:
    """Return a file given by path with the companions that its bundle has beside it."""
    for names in info.local:
        if not fnmatch.fnmatchcase(file.name, names[0]):
            continue
        beside = [matching(name.removesuffix("?"), file.parent)[:1] for name in names[1:]]
        return (file, *(path for found in beside for path in found))
    return (file,)


def matching(pattern: str, folder: Path) -> list[Path]:
    """Return the files and folders of this name or glob, sorted by name.

    Names that begin with a dot are passed over: downloads under way have such names.
    """
    if not any(sign in pattern for sign in "*?["):
        path = folder / pattern
        return [path] if path.exists() else []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [
        folder / name
        for name in names
        if not name.startswith(".") and fnmatch.fnmatchcase(name, pattern)
    ]


def looked_for(info: TaskInfo) -> str:
    """Return the names of all local bundles, for an error message."""
    bundles = [[n for n in names if not n.endswith("?")] or names for names in info.local]
    return ", ".join(" with ".join(names) for names in bundles) or "(the task names no local files)"
