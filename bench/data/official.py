"""Is this the official file? Judged by content: a published hash, else the task's own look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.bundles import OfficialFile, official_bundles
from bench.data.digests import Digests
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo


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
    key = f"{info.name}-v{info.version}-{digests.fingerprint(tuple(files))}"
    known = digests.verdict(key)
    if known is None:
        known = _look(info, bundle, files) or ""
        digests.keep_verdict(key, known)
    return known or None


def _look(info: TaskInfo, bundle: Sequence[OfficialFile], files: Sequence[Path]) -> str | None:
    from bench.registry.tasks import load_module

    names = " with ".join(file.name for file in files)
    is_official = getattr(load_module(info), "is_official", None)
    if is_official is not None:
        try:
            reason = is_official(list(files))
        except BenchError as error:
            # Damaged: reading it as local data will say so, with the mend.
            reason = str(error)
        return None if reason is None else f"{names} is not the official data: {reason}"
    for item, file in zip(bundle, files, strict=True):
        if item.known_hash is None and item.size is None:
            return f"{file.name} cannot be verified: no hash of it is published"
        if item.known_hash is None and file.stat().st_size != item.size:
            return f"{file.name} is not the official file: its size differs"
    return None
