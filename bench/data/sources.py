"""Decide which data a task runs on, and say why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.digests import Digests, cache_folder, data_folder
from bench.data.official import (
    Found,
    complaint,
    find_companions,
    find_local,
    folders_of,
    is_data,
    looked_for,
    matching_bundle,
    official_bundles,
)
from bench.errors import BenchError, DataError, DownloadFailed

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo

#: Brings a task's first official bundle into a folder, or raises ``DownloadFailed``.
Download = Callable[["TaskInfo", Path], None]

WANTED = ("auto", "official", "local", "synthetic")


@dataclass(frozen=True)
class Source:
    """Which data a task runs on.

    ``kind`` is official, local or synthetic; ``files`` are absolute paths in the order
    in which the task reads them; ``fingerprint`` changes when the content does; ``why``
    is one sentence for the user, without a path of this machine, since it stands in
    leaderboards that are published. Plain data, fit for JSON.
    """

    task: str
    kind: str
    files: tuple[str, ...]
    fingerprint: str
    why: str


def _download(info: TaskInfo, folder: Path) -> None:
    # What is here already needs nothing of it.
    from bench.data.download import fetch_official

    fetch_official(info, folder)


def resolve(
    info: TaskInfo,
    wanted: str = "auto",
    path: Path | Sequence[Path] | None = None,
    download: Download = _download,
) -> Source:
    """Return the data a task is to run on.

    A ``path`` is taken whatever else is there. ``auto`` takes official data from the
    data folder, else local files there, else tries a download, else synthetic data; of a task
    whose file DATA names it takes that file and nothing else. ``official`` downloads what is
    missing and never falls back.

    Args:
        info: The task.
        wanted: One of auto, official, local and synthetic.
        path: The user's own file or folder for this task, or several that belong together.
        download: What brings the official data into the data folder.

    Raises:
        DataError: What was asked for is not to be had, or a file cannot be read.
    """
    if wanted not in WANTED:
        raise BenchError(f"--source {wanted}: must be one of {', '.join(WANTED)}")
    if path is not None:
        return _from_paths(info, wanted, (path,) if isinstance(path, Path) else tuple(path))
    if wanted == "synthetic":
        return synthetic(info, "made by the suite, as asked for")
    folder = data_folder()
    digests = Digests(cache_folder())
    if wanted == "local":
        local = _local(info, folder, digests, remark="")
        if local is None:
            raise _no_local(info, folder)
        return local
    found, absence = _official(info, folder, digests)
    if found is None and wanted == "auto":
        found = _local(info, folder, digests, remark=absence)
    if found is not None:
        return found
    if info.data and not info.official:
        raise _no_local(info, folder)
    try:
        download(info, folder)
    except DownloadFailed as failure:
        if wanted == "official":
            raise
        return synthetic(
            info, f"{absence} in the data folder, {failure.reason}; made synthetic data"
        )
    found, absence = look_for_official(info, folder, Digests(cache_folder()))
    if found is None:
        raise DataError(f"{folder}: the download of {info.name} did not help: {absence}")
    return replace(found, why="downloaded and verified")


def look_for_official(info: TaskInfo, folder: Path, digests: Digests) -> tuple[Source | None, str]:
    """Return the official data of a folder, or None and why they are not that.

    Raises:
        DataError: A file cannot be read.
    """
    absence = "official data not found" if info.official else "no official data are known"
    for bundle in official_bundles(info):
        files = [folder / item.name for item in bundle]
        missing = [file.name for file in files if not is_data(file)]
        if missing and len(missing) < len(files):
            absence = f"{' and '.join(missing)} of the official data not found"
        if missing:
            continue
        reason = complaint(info, bundle, files, digests)
        if reason is None:
            return _source(
                info, "official", files, digests, "found in the data folder, verified"
            ), ""
        absence = reason
    return None, absence


def _official(info: TaskInfo, folder: Path, digests: Digests) -> tuple[Source | None, str]:
    """Return the official data beside the task file or in a folder, or None and why not."""
    absence = ""
    for place in folders_of(info, folder):
        found, absence = look_for_official(info, place, digests)
        if found is not None and place != folder:
            return replace(found, why="found beside the task file, verified"), ""
        if found is not None:
            return found, ""
    return None, absence


def find_without_download(info: TaskInfo) -> tuple[Source | None, str]:
    """Return what ``auto`` finds in the data folder, or None and why it is not there.

    Raises:
        DataError: A file cannot be read.
    """
    folder, digests = data_folder(), Digests(cache_folder())
    found, absence = _official(info, folder, digests)
    return found or _local(info, folder, digests, remark=absence), absence


def synthetic(info: TaskInfo, why: str) -> Source:
    """Return the synthetic data of a task."""
    return Source(info.name, "synthetic", (), f"synthetic-{info.synthetic}", why)


def _from_paths(info: TaskInfo, wanted: str, given: Sequence[Path]) -> Source:
    paths = [Path(os.path.abspath(path.expanduser())) for path in given]
    digests = Digests(cache_folder())
    found = [_given(info, path, digests, alone=len(paths) == 1) for path in paths]
    files = list(dict.fromkeys(file for one in found for file in one.files))
    names = " with ".join(path.name for path in paths)
    if matching_bundle(info, files, digests):
        return _source(info, "official", files, digests, f"{names}, as given, verified")
    if wanted == "official":
        named = ", ".join(map(str, paths))
        raise DataError(
            f"{named}: is not the official data of {info.name}; leave out --source official "
            "or the path"
        )
    remarks = [one.remark for one in found if one.remark]
    return _source(info, "local", files, digests, "; ".join([f"{names}, as given", *remarks]))


def _given(info: TaskInfo, path: Path, digests: Digests, alone: bool) -> Found:
    """Return the files that a given path stands for."""
    if not is_data(path):
        there = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise DataError(f"{path}: {there}; give the path of a data file for {info.name}")
    if path.is_file():
        return Found(find_companions(info, path) if alone else (path,))
    inside, _ = look_for_official(info, path, digests)
    if inside is not None:
        return Found(tuple(Path(file) for file in inside.files))
    found = find_local(info, path)
    if found is None and not _may_be_folder(info):
        raise DataError(
            f"{path}: holds none of {looked_for(info)}; give the paths of files, "
            f"each with --data {info.name}=FILE"
        )
    return found or Found((path,))


def _local(info: TaskInfo, folder: Path, digests: Digests, remark: str) -> Source | None:
    """Return the local files of a folder; a wrong file of an official name is one of them."""
    places = [(place, find_local(info, place)) for place in folders_of(info, folder)]
    place, found = next(((place, each) for place, each in places if each), (folder, None))
    files = list(found.files) if found else []
    for bundle in official_bundles(info) if not files else []:
        paths = [folder / item.name for item in bundle]
        if all(is_data(file) for file in paths):
            files = paths
            break
    if not files:
        return None
    where = "in the data folder" if place == folder else "beside the task file"
    why = f"{' with '.join(file.name for file in files)} found {where}"
    # That a task of one's own has no official data is nothing to remark.
    told = (found.remark if found else "", "" if info.data else remark)
    remarks = [text for text in told if text]
    return _source(info, "local", files, digests, "; ".join([why, *remarks]))


def _no_local(info: TaskInfo, folder: Path) -> DataError:
    if info.data:
        return DataError(
            f"{info.name}: {looked_for(info)} is neither beside {info.path} nor in {folder}; put "
            f"it there, give --data {info.name}=FILE, or --source synthetic for data made up"
        )
    return DataError(
        f"{info.name}: no local data: looked for {looked_for(info)} in {folder}; put a file "
        f"there, set BENCH_DATA_DIR, or give --data {info.name}=PATH"
    )


def _source(info: TaskInfo, kind: str, files: list[Path], digests: Digests, why: str) -> Source:
    fingerprint = digests.fingerprint(tuple(files))
    return Source(info.name, kind, tuple(map(str, files)), fingerprint, why)


def _may_be_folder(info: TaskInfo) -> bool:
    return any(len(names) == 1 and not Path(names[0]).suffix for names in info.local)
