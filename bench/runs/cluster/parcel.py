"""What travels to a worker of a cluster and back: jobs, files by their digests, what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.data.word_vectors import path_of
from bench.protocol import Finished, Job
from bench.registry.tasks import files_of_task

#: How the digest of a file that a plugin declares begins, among the versions of a trial.
_OF_A_FILE = "sha256:"
#: What is lacking on a machine: its prepared data, or else the name of a file.
DATA = "the prepared data"
#: Bytes that are sent at once.
PIECE = 8 << 20


@dataclass(frozen=True)
class Parcel:
    """A job, and what it needs on the machine that does it.

    ``task_files`` are the task's file and those beside it that it imports, by their paths as seen
    from its folder; ``files``
    the digests of the files that the plugin declares. ``data`` names the folder of prepared
    arrays, and ``described`` is the digest of its description, which has those of all arrays.
    ``jobs`` is how many trials a machine does at once; ``own_memory`` says that the job has no
    bound of memory but that of the machine, which is divided by them.
    """

    job: Job
    task_files: Mapping[str, bytes]
    files: Mapping[str, str]
    data: str
    described: str
    jobs: int = 1
    own_memory: bool = False


@dataclass(frozen=True)
class Reply:
    """What came of a parcel: what is ``lacking`` there, or how the trial ended.

    ``predictions`` and ``model`` are what stands in the files that the trial left. ``changed`` is
    the folder of prepared data that it, or another trial of that machine, has changed meanwhile;
    ``gone`` says that some of it is not there any more. ``here`` is what the records say of that
    machine.
    """

    lacking: tuple[str, ...] = ()
    finished: Finished | None = None
    predictions: bytes | None = None
    model: bytes | None = None
    changed: str = ""
    gone: bool = False
    here: Mapping[str, Any] = field(default_factory=dict)


def pack(job: Job, jobs: int = 1, own_memory: bool = False) -> Parcel:
    """Return a job with what it needs elsewhere.

    Raises:
        OSError: A file of the task or the data cannot be read.
    """
    data, task = Path(job.prepared), Path(job.task_path)
    beside = {
        path.relative_to(task.parent).as_posix(): path.read_bytes() for path in files_of_task(task)
    }
    files = files_in(job.trial.versions)
    return Parcel(job, beside, files, data.name, description_of(data), jobs, own_memory)


def files_in(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of a trial's files, which stand among the versions of its libraries."""
    return {name: value for name, value in versions.items() if value.startswith(_OF_A_FILE)}


def packages_in(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of a trial's libraries."""
    return {name: value for name, value in versions.items() if not value.startswith(_OF_A_FILE)}


def description_of(folder: Path) -> str:
    """Return the SHA-256 of the description of prepared arrays, "" where there is none.

    Equal descriptions, equal data: it has the digest of every array.
    """
    try:
        return hashlib.sha256((folder / "meta.json").read_bytes()).hexdigest()
    except OSError:
        return ""


def files_to_send(job: Job, lacking: str) -> list[Path]:
    """Return the files that a machine lacks; of data not the targets of the test split.

    Raises:
        CannotRun: A file that the plugin declares is gone meanwhile.
    """
    if lacking == DATA:
        folder = Path(job.prepared)
        # The description last: with it, the folder is complete.
        return [*sorted(folder.glob("*.npy")), folder / "meta.json"]
    return [path_of(lacking, Path(job.plugin_path))]


def pieces(path: Path, size: int = PIECE) -> Iterator[bytes]:
    """Yield the content of a file, one empty piece of an empty file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        yield file.read(size)
        while piece := file.read(size):
            yield piece
