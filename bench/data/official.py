"""Is this the official file? Judged by content: a published hash, else the task's own look."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.digests import Digests
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo

# The bundles of files a task declares, and which of them lie in a folder


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
    """Return the first of a task's local bundles that lies in a folder.

    Of a name that ends in "?" none may be there; of one that ends in "+" all that there are
    belong to the bundle, of another the first.
    """
    for names in info.local:
        files: list[Path] = []
        remarks: list[str] = []
        for name in names:
            matches = matching(pattern_of(name), folder)
            several = name.endswith("+")
            files += matches if several else matches[:1]
            if not matches and not name.endswith("?"):
                break
            if len(matches) > 1 and not several:
                others = f"the first of {len(matches)} that match {name}"
                remarks.append(f"{matches[0].name} is {others}")
        else:
            if files:
                return Found(tuple(files), "; ".join(remarks))
    return None


def folders_of(info: TaskInfo, folder: Path) -> list[Path]:
    """Return where a task's local files may lie, first that which comes before the others.

    A file that DATA names may lie beside the task file, others in the data folder alone.
    """
    return [info.path.parent, folder] if info.data else [folder]


def all_local(info: TaskInfo, folder: Path) -> list[Path]:
    """Return everything in a folder that one of a task's local bundles names."""
    patterns = [pattern_of(name) for names in info.local for name in names]
    return list(dict.fromkeys(path for name in patterns for path in matching(name, folder)))


def find_companions(info: TaskInfo, file: Path) -> tuple[Path, ...]:
    """Return a file given by path with the companions that its bundle has beside it."""
    for names in info.local:
        if not fnmatch.fnmatchcase(file.name, pattern_of(names[0])):
            continue
        beside = [matching(pattern_of(name), file.parent)[:1] for name in names[1:]]
        return (file, *(path for found in beside for path in found))
    return (file,)


def pattern_of(name: str) -> str:
    """Return the name or glob of a local file without the sign for how many there may be."""
    return name.rstrip("?+")


def ends_like(info: TaskInfo, name: str) -> int:
    """Return how many letters a file's name ends in as one of a task's local files does.

    Whole endings are compared: "a.tar.gz" has those of "b.tar.gz", and "a.csv.gz" has not.
    """
    local = [pattern_of(item) for names in info.local for item in names]
    return max((len(ending) for item in local for ending in _endings(item) if
                name.lower().endswith(ending)), default=0)  # fmt: skip


def _endings(name: str) -> list[str]:
    parts = name.lower().split(".")[1:]
    if parts[-1:] == ["gz"]:
        return ["." + ".".join(parts[-2:])]
    return ["." + parts[-1]] if parts else []


def is_data(path: Path) -> bool:
    """Tell whether a path is a file or folder: a pipe or device would not end, or not begin."""
    return path.is_file() or path.is_dir()


def matching(pattern: str, folder: Path) -> list[Path]:
    """Return the files and folders of this name or glob, sorted by name.

    Names that begin with a dot are passed over: downloads in progress have such names. So are
    pipes, devices and links that lead nowhere.
    """
    if not any(sign in pattern for sign in "*?["):
        path = folder / pattern
        return [path] if is_data(path) else []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [
        folder / name
        for name in names
        if not name.startswith(".")
        and fnmatch.fnmatchcase(name, pattern)
        and is_data(folder / name)
    ]


def looked_for(info: TaskInfo) -> str:
    """Return the names of all local bundles, for an error message."""
    bundles = [[n for n in names if not n.endswith("?")] or names for names in info.local]
    bundles = [[n.rstrip("+") for n in names] for names in bundles]
    return ", ".join(" with ".join(names) for names in bundles) or "(the task names no local files)"


def complaint(
    info: TaskInfo, bundle: Sequence[OfficialFile], files: Sequence[Path], digests: Digests
) -> str | None:
    """Return why files are not an official bundle, or None if they are.

    A file with a published hash is judged by it alone. Where one has none, the task's
    ``is_official`` judges the files by what they hold; without that function only the
    published size is left.

    Raises:
        DataError: A file cannot be read.
    """
    if len(files) != len(bundle):
        return f"the official data are {' with '.join(item.name for item in bundle)}"
    unhashed = False
    for item, file in zip(bundle, files, strict=True):
        if not file.is_file():
            return f"{file.name} is not a file"
        if item.known_hash is None:
            unhashed = True
            continue
        algorithm, digits = item.known_hash
        if digests.digest(file, algorithm) != digits:
            return f"{file.name} is not the official file: its {algorithm} differs"
    return _content_complaint(info, bundle, files, digests) if unhashed else None


def matching_bundle(info: TaskInfo, files: Sequence[Path], digests: Digests) -> bool:
    """Whether files are one of the official bundles, whatever they are called."""
    return any(complaint(info, bundle, files, digests) is None for bundle in official_bundles(info))


def _content_complaint(
    info: TaskInfo, bundle: Sequence[OfficialFile], files: Sequence[Path], digests: Digests
) -> str | None:
    key = f"{info.name}-v{info.version}-{info.sha256[:16]}-{digests.fingerprint(tuple(files))}"
    known = digests.verdict(key)
    if known is None:
        known = _look(info, bundle, files) or ""
        digests.keep_verdict(key, known)
    return known or None


def _look(info: TaskInfo, bundle: Sequence[OfficialFile], files: Sequence[Path]) -> str | None:
    from bench.registry.task_code import function_of, told_of_task

    names = " with ".join(file.name for file in files)
    with told_of_task(info):
        is_official = function_of(info, "is_official")
    if is_official is not None:
        try:
            with told_of_task(info):
                reason = is_official(list(files))
        except BenchError as error:
            # Damaged: reading it as local data will say so, with the fix.
            reason = str(error)
        return None if reason is None else f"{names} is not the official data: {reason}"
    for item, file in zip(bundle, files, strict=True):
        if item.known_hash is None and item.size is None:
            return f"{file.name} cannot be verified: no hash of it is published"
        if item.known_hash is None and file.stat().st_size != item.size:
            return f"{file.name} is not the official file: its size differs"
    return None
