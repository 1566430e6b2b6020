"""What a machine of a cluster has for trials: task and plugin files, and prepared data."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.data.prepared import array_damage, discard, has_digest, prepare, prepared_root
from bench.data.ready import PreparedTask, ready_in
from bench.data.sources import find_without_download
from bench.data.word_vectors import digest_of
from bench.errors import BenchError, DataError
from bench.files import sweep, write_whole
from bench.machine import MEMORY_SHARE, machine_memory
from bench.protocol import Bounds, Job
from bench.registry.source_tree import shipped
from bench.registry.tasks import TaskInfo, read_task
from bench.runs.cluster.parcel import DATA, Parcel, description_of

_INCOMING = ".incoming-"


class Shelf:
    """A folder on a machine, which its workers share; what is on it is known by its digest.

    Prepared data are the machine's own, of its cache folder or made from its data folder, where
    they are those that are wanted, and else were sent.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ready: dict[tuple[str, str, str], PreparedTask] = {}

    def lacking(self, parcel: Parcel) -> tuple[str, ...]:
        """Return what has to be sent before a parcel's job can be done, after a look at the data.

        Raises:
            BenchError: The task's file is not the one that the trial is of.
        """
        plugin = self._plugin(parcel)
        files = [
            name
            for name, digest in parcel.files.items()
            if not self._is_beside(name, digest, plugin)
        ]
        return (*files, *([] if self._data(parcel) else [DATA]))

    def unpack(self, parcel: Parcel, scratch: Path) -> tuple[Job, PreparedTask]:
        """Return a job with the paths of this machine, and its data; nothing of it is lacking.

        Args:
            parcel: The job with what it needs.
            scratch: The folder that the trial leaves its files in.

        Raises:
            BenchError: Something became lacking meanwhile.
        """
        data = self._data(parcel)
        if data is None:
            raise DataError(f"{parcel.data}: was deleted on this machine; run again")
        data.encode(parcel.job.trial.view)
        if data.guard:
            data.guard.make_sound()  # What was encoded now is watched from now on.
        job = replace(
            parcel.job,
            plugin_path=str(self._plugin(parcel)),
            task_path=str(self._task(parcel).path.absolute()),
            prepared=str(data.folder.absolute()),
            predictions=str(scratch / "predictions.npz"),
            model=str(scratch / "model.keras") if parcel.job.model else "",
            bounds=_bounds(parcel),
        )
        return job, data

    # Files

    def _plugin(self, parcel: Parcel) -> Path:
        """Write the plugin's file into a folder of its own, and return its path."""
        job = parcel.job
        # Of two plugins with one source, each may need other files beside it.
        name = f"{job.trial.plugin_sha256[:32]}-{Path(job.plugin_path).stem}"
        path = self._root / "plugins" / name / Path(job.plugin_path).name
        _write_if_other(path, job.plugin_source.encode())
        return path

    def _is_beside(self, name: str, digest: str, plugin: Path) -> bool:
        """Put a file that was sent beside a plugin, and say whether it finds the right one."""
        sent = self._root / "files" / digest.partition(":")[2]
        beside = plugin.parent / name
        if digest_of(name, plugin) != digest and sent.is_file():
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
            shutil.copyfile(sent, beside)
        return digest_of(name, plugin) == digest

    def _task(self, parcel: Parcel) -> TaskInfo:
        """Return the task of a parcel: the suite's own if it is that.

        Raises:
            BenchError: It is of another digest than the trial's.
        """
        wanted, name = parcel.job.trial.task_sha256, Path(parcel.job.task_path).name
        own = shipped("datasets") / name
        if own.is_file() and (task := read_task(own)).sha256 == wanted:
            return task
        folder = self._root / "tasks" / wanted[:32]
        for path, content in parcel.task_files.items():
            _write_if_other(folder / path, content)
        task = read_task(folder / name)
        if task.sha256 != wanted:
            raise BenchError(f"{name}: is not the file that the trial is of; run again")
        return task

    # Data

    def _data(self, parcel: Parcel) -> PreparedTask | None:
        """Return the prepared data that a parcel names, whole; None if they have to be sent."""
        task = self._task(parcel)
        key = (parcel.data, parcel.described, task.sha256)
        if key in self._ready and self._is_sound(key):
            return self._ready[key]
        for folder in self._candidates(parcel, task):
            if folder is not None and description_of(folder) == parcel.described:
                self._ready[key] = ready_in(task, folder)
                if self._is_sound(key):
                    return self._ready[key]
        return None

    def _is_sound(self, key: tuple[str, str, str]) -> bool:
        """Verify data; damaged ones are gone, and forgotten."""
        guard = self._ready[key].guard
        try:
            if guard is not None:
                guard.make_sound()
        except DataError:
            del self._ready[key]
            return False
        return True

    def _candidates(self, parcel: Parcel, task: TaskInfo) -> Iterator[Path | None]:
        yield prepared_root() / parcel.data
        yield self._sent(parcel.data)
        yield _from_raw_files(parcel, task)

    def _sent(self, name: str) -> Path:
        return self._root / "prepared" / name

    # What is sent

    def receive(self, token: str, name: str, piece: bytes) -> None:
        """Add a piece to a file that is being sent.

        Raises:
            OSError: It cannot be written.
        """
        folder = self._incoming(token)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _plain(name)).open("ab") as file:
            file.write(piece)

    def take_in(self, token: str, lacking: str, wanted: Mapping[str, str]) -> None:
        """Put what was sent where it belongs, once it is whole.

        Args:
            token: Under which it was sent.
            lacking: What it is; see ``Parcel``.
            wanted: The digests of files by name, or for data the folder's name and the digest
                of its description.

        Raises:
            BenchError: It is not what it has to be.
            OSError: It cannot be written.
        """
        folder = self._incoming(token)
        try:
            if lacking == DATA:
                ((name, described),) = wanted.items()
                damage = array_damage(folder, thorough=True, with_targets=False)
                if damage is not None or description_of(folder) != described:
                    raise BenchError(f"{name}: arrived damaged ({damage or 'of other data'})")
                self._keep_data(folder, self._sent(name), described)
            else:
                digest = wanted[lacking].partition(":")[2]
                if not has_digest(folder / _plain(lacking), digest):
                    raise BenchError(f"{lacking}: arrived damaged")
                kept = self._root / "files" / digest
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.replace(folder / _plain(lacking), kept)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _keep_data(self, folder: Path, to: Path, described: str) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.chmod(0o444)
        if to.exists():
            damage = array_damage(to, thorough=True, with_targets=False)
            if damage is None and description_of(to) == described:
                return  # Another worker of this machine was first.
            discard(to)
        os.replace(folder, to)

    def _incoming(self, token: str) -> Path:
        sweep(self._root, _INCOMING)
        return self._root / f"{_INCOMING}{_plain(token)}"


def _from_raw_files(parcel: Parcel, task: TaskInfo) -> Path | None:
    """Prepare the data from the machine's own data folder, where that has the same files."""
    trial = parcel.job.trial
    try:
        found, _ = find_without_download(task)
        if found is None or (found.kind, found.fingerprint) != (trial.source, trial.fingerprint):
            return None
        return prepare(task, found)
    except BenchError:
        return None


def _bounds(parcel: Parcel) -> Bounds:
    """Return what the trial may take on this machine."""
    if not parcel.own_memory:
        return parcel.job.bounds
    memory = int(MEMORY_SHARE * machine_memory()) // parcel.jobs
    return replace(parcel.job.bounds, memory=memory)


def _write_if_other(path: Path, content: bytes) -> None:
    try:
        if path.read_bytes() == content:
            return
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


def _plain(name: str) -> str:
    """Return a file's name, which leads nowhere else.

    Raises:
        BenchError: It does.
    """
    if Path(name).name != name:
        raise BenchError(f"{name!r} is no name of a file")
    return name
