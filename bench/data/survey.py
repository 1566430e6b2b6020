"""What is there for a task, and whether it is sound: the facts behind ``bench data``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.data.digests import Digests, Stamp, cache_folder, data_folder
from bench.data.download import why_not_tried
from bench.data.official import (
    all_local,
    complaint,
    ends_like,
    find_companions,
    find_local,
    folders_of,
    is_data,
    looked_for,
    official_bundles,
    pattern_of,
)
from bench.data.prepared import array_damage as array_damage
from bench.data.prepared import (
    damage,
    discard,
    kept_of,
    parse,
    prepare,
    prepared_folder,
    prepared_of_task,
    size_of,
    stored_notes,
)
from bench.data.sources import Source, find_without_download, resolve, synthetic
from bench.data.word_vectors import PUBLISHED, difference_from_published
from bench.errors import BenchError, DataError
from bench.formatting import notes_of

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo


@dataclass(frozen=True)
class FileStatus:
    """A raw file or folder: its size in bytes, and whether it is the official one.

    ``verified`` is False for a file of an official name with another content, and None
    where no official content is known to compare with.
    """

    name: str
    size: int
    verified: bool | None
    remark: str


@dataclass(frozen=True)
class TaskStatus:
    """What is there for a task.

    ``source`` is what ``auto`` takes, ``download`` what it would try to download before
    that, if anything; ``prepared`` is one of "yes", "no" and "damaged: ...", and
    ``prepared_size`` is in bytes.
    """

    task: str
    files: tuple[FileStatus, ...]
    source: Source
    download: str | None
    prepared: str
    prepared_size: int


@dataclass(frozen=True)
class DataFinding:
    """What a check of one file or folder found; ``damaged`` is still so after any repair.

    ``notes`` are what the task says of the data: what is repaired, left out or doubtful.
    """

    path: Path
    message: str
    damaged: bool
    notes: tuple[str, ...] = ()


def survey(info: TaskInfo) -> TaskStatus:
    """Return what is there for a task, without downloading or parsing anything.

    Raises:
        DataError: A file cannot be read.
    """
    source, absence = find_without_download(info)
    download = None
    if source is None:
        reason = why_not_tried(info)
        download = _downloadable(info) if reason is None else None
        why = f"{absence} in {data_folder()}{f', {reason}' if reason else ''}"
        if info.data:
            why = f"{looked_for(info)} not found, without which only --source synthetic runs"
        source = synthetic(info, why)
    folder = prepared_folder(info, source)
    prepared, size = "no", 0
    if folder.exists():
        wrong = damage(info, source)
        prepared, size = ("yes" if wrong is None else f"damaged: {wrong}"), size_of(folder)
    files = tuple(_files(info, Digests(cache_folder())))
    return TaskStatus(info.name, files, source, download, prepared, size)


def survey_word_vectors(name: str) -> FileStatus:
    """Return whether published word vectors are there, without reading them."""
    file = data_folder() / PUBLISHED[name].file
    if not file.is_file():
        return FileStatus(file.name, 0, None, f"not there; `python -m bench data fetch {name}`")
    return FileStatus(file.name, Stamp.of(file).size, None, f"there, the word vectors {name}")


def verify(info: TaskInfo, repair: bool, say: Callable[[str], None]) -> Iterator[DataFinding]:
    """Read every raw file and every prepared array of a task again, and judge them.

    With ``repair`` damaged arrays are removed, and prepared again where they belong to
    the data that ``auto`` takes. Raw files are the user's, and are only reported.

    Raises:
        DataError: A file cannot be read, or the arrays cannot be prepared again.
    """
    digests = Digests(cache_folder(), remember=False)
    yield from _verify_raw(info, digests)
    source, _ = find_without_download(info)
    if source is None:
        source = synthetic(info, "official data not found")
    for folder in prepared_of_task(info.name):
        wrong = _damage_of(info, source, folder)
        if wrong is None:
            notes = tuple(stored_notes(folder))
            yield DataFinding(folder, "prepared arrays are sound", damaged=False, notes=notes)
        elif not repair:
            yield DataFinding(folder, f"prepared arrays are damaged ({wrong}); add --repair", True)
        else:
            yield _repair(info, source, folder, wrong, say)
    for folder in [path for prepared in prepared_of_task(info.name) for path in kept_of(prepared)]:
        yield _verify_kept(folder, repair)


def verify_files(info: TaskInfo, paths: Sequence[Path]) -> DataFinding:
    """Read a user's own files as a run would, store nothing, and say what is odd in them."""
    shown = paths[0]
    try:
        source = resolve(info, path=tuple(paths))
        prepared = parse(info, source)
    except DataError as error:
        told = re.sub(rf"^{re.escape(str(shown))}:(\d+): ", r"line \1: ", str(error))
        return DataFinding(shown, told.removeprefix(f"{shown}: "), damaged=True)
    said = f"can be read as {source.kind} data"
    return DataFinding(shown, said, damaged=False, notes=tuple(notes_of(prepared.meta)))


def task_of(path: Path, tasks: Mapping[str, TaskInfo]) -> TaskInfo:
    """Return the task whose local files have the name, or the ending, that a path has.

    Raises:
        BenchError: None or several have.
    """
    inside = [info for info in tasks.values() if path.is_dir() and find_local(info, path)]
    named = [info for info in tasks.values() if find_companions(info, path) != (path,)]
    called = [
        info
        for info in tasks.values()
        if any(fnmatch.fnmatchcase(path.name, pattern_of(names[0])) for names in info.local)
    ]
    likeness = {name: ends_like(info, path.name) for name, info in tasks.items()}
    most = max(likeness.values(), default=0)
    alike = [tasks[name] for name, length in likeness.items() if length == most > 0]
    for found in (inside, named, called, alike):
        if len(found) == 1:
            return found[0]
    words = " or ".join(f"{name}={path}" for name in tasks)
    raise BenchError(f"{path}: its name does not tell its task; write {words}")


def verify_word_vectors(name: str) -> Iterator[DataFinding]:
    """Read published word vectors again, where they are there, and judge their layout."""
    vectors = PUBLISHED[name]
    file = data_folder() / vectors.file
    if file.is_file():
        wrong = difference_from_published(vectors, file)
        yield DataFinding(file, wrong or f"has the layout of {name}", damaged=bool(wrong))


def official_in_place(info: TaskInfo) -> str | None:
    """Return the names of a task's first official bundle if it is there and verified.

    Raises:
        DataError: A file cannot be read.
    """
    bundles = official_bundles(info)
    if not bundles:
        return None
    files = [data_folder() / item.name for item in bundles[0]]
    if not all(file.is_file() for file in files):
        return None
    if complaint(info, bundles[0], files, Digests(cache_folder())) is not None:
        return None
    return " with ".join(file.name for file in files)


def _downloadable(info: TaskInfo) -> str:
    bundle = official_bundles(info)[0]
    names = " with ".join(item.name for item in bundle)
    return f"{names} from {urlsplit(str(bundle[0].url)).hostname}"


def _files(info: TaskInfo, digests: Digests) -> Iterator[FileStatus]:
    folder = data_folder()
    told: set[Path] = set()
    for bundle in official_bundles(info):
        files = [folder / item.name for item in bundle]
        complete = all(is_data(file) for file in files)
        for item, file in zip(bundle, files, strict=True):
            if not is_data(file) or file in told:
                continue
            told.add(file)
            # A file without a published hash can only be judged with the rest of its bundle.
            alone = item.known_hash is not None
            if not alone and not complete:
                yield FileStatus(item.name, Stamp.of(file).size, None, "rest of its bundle missing")
                continue
            part, paths = ([item], [file]) if alone else (list(bundle), files)
            wrong = complaint(info, part, paths, digests)
            remark = (wrong or "official, verified").removeprefix(f"{item.name} is ")
            yield FileStatus(item.name, Stamp.of(file).size, wrong is None, remark)
    for file in _local_files(info, folder):
        if file not in told:
            yield FileStatus(file.name, Stamp.of(file).size, None, "local file")


def _local_files(info: TaskInfo, folder: Path) -> list[Path]:
    return [path for place in folders_of(info, folder) for path in all_local(info, place)]


def _verify_raw(info: TaskInfo, digests: Digests) -> Iterator[DataFinding]:
    folder = data_folder()
    official = [folder / item.name for bundle in official_bundles(info) for item in bundle]
    present = [path for path in official if is_data(path)] + _local_files(info, folder)
    named = {path.name: path for path in reversed(present)}
    changed = {path for path in dict.fromkeys(present) if digests.changed_unnoticed(path)}
    for status in _files(info, digests):
        path = named.get(status.name, folder / status.name)
        if path in changed:
            message = "content has changed, though not its time; put the file there again"
            yield DataFinding(path, message, damaged=True)
        else:
            yield DataFinding(path, status.remark, damaged=False)


def _damage_of(info: TaskInfo, source: Source, folder: Path) -> str | None:
    if folder == prepared_folder(info, source):
        wrong = damage(info, source)
        if wrong is not None:
            return wrong
    return array_damage(folder, thorough=True)


def _verify_kept(folder: Path, repair: bool) -> DataFinding:
    """Judge an encoded view that is kept; whoever needs one that is removed makes it again."""
    wrong = array_damage(folder, thorough=True)
    if wrong is None:
        return DataFinding(folder, "an encoded view is sound", damaged=False)
    if not repair:
        return DataFinding(folder, f"an encoded view is damaged ({wrong}); add --repair", True)
    _remove(folder)
    return DataFinding(folder, f"an encoded view was damaged ({wrong}); removed", damaged=False)


def _remove(folder: Path) -> None:
    try:
        discard(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be removed ({error.strerror or error}); fix its permissions"
        ) from None


def _repair(
    info: TaskInfo, source: Source, folder: Path, wrong: str, say: Callable[[str], None]
) -> DataFinding:
    _remove(folder)
    if folder != prepared_folder(info, source):
        return DataFinding(folder, f"was damaged ({wrong}); removed", damaged=False)
    try:
        prepare(info, source, say)
    except BenchError as error:
        return DataFinding(folder, f"was damaged ({wrong}) and cannot be prepared: {error}", True)
    return DataFinding(folder, f"was damaged ({wrong}); prepared again", damaged=False)
