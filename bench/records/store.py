"""The results folder: the one place that writes records, and reads them back."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.files import WRITING, sweep, write_whole
from bench.formatting import one_line
from bench.records.layout import (
    INDEX,
    LARGEST_RECORD,
    content_of,
    entries_of,
    free_path,
    from_content,
    place_for,
    places_of,
    read_files,
    record_entries,
    record_folders,
)
from bench.records.predictions import TrainedModel, describe, load
from bench.records.predictions import content_of as content_of_file
from bench.records.record import Record, answers
from bench.trial import Trial

if TYPE_CHECKING:
    from bench.records.keepsake import Keepsake
    from bench.task import Array

#: A results folder with so many records is read through an index; a smaller one is read as soon.
FEW = 500


@dataclass(frozen=True)
class Contents:
    """All records of a store, oldest first, and the files that could not be read.

    Records that are dated in the future stand before all others: nothing tells when they were
    made, and they must not pass for the newest. ``remarks`` say of the folders what has to be told.
    """

    records: tuple[Record, ...]
    unreadable: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @cached_property
    def latest(self) -> dict[str, Record]:
        """The current record of each identity: see ``answers``."""
        return answers(self.records)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What has to be told of the store, a line each."""
        lines = [f"left out {line}" for line in self.unreadable] + [*self.remarks]
        ahead = [record for record in self.records if record.is_ahead]
        if ahead:
            last = max(record.finished for record in ahead)
            count = "1 record is" if len(ahead) == 1 else f"{len(ahead)} records are"
            lines.append(
                f"{count} dated in the future, up to {last[:19]}: the clock of a machine was "
                "wrong; taken for older than all others, so run what they are of again with "
                "--reuse never"
            )
        return tuple(lines)


class Store:
    """Records under ``<root>/<task>/<plugin>/``, one JSON file a trial, never overwritten.

    See ``layout`` for the folders of a plugin with many, and ``reading`` for the index.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _keepsake(self) -> Keepsake:
        # Late: who only reads keeps nothing.
        from bench.records.keepsake import Keepsake

        return Keepsake()

    def prepare(self) -> None:
        """Make the folder, prove that it can be written, and clear what killed runs left.

        Raises:
            BenchError: It cannot be; nothing has been run yet.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise BenchError(
                f"--results {self.root}: cannot be written ({error.strerror or error}); "
                "give another folder or fix its permissions"
            ) from None
        for folder in [self.root, *map(Path, record_folders(self.root))]:
            sweep(folder, WRITING)

    def write(
        self, record: Record, predictions: bytes | None = None, model: TrainedModel | None = None
    ) -> Path:
        """Write a record and what it has beside it whole or not at all; return the record's path.

        Raises:
            BenchError: The disk is full or the folder read-only, or the record is longer
                than any that is read; nothing was overwritten.
        """
        bare = replace(record, predictions=None, kept_model=None)
        return self._write(bare, predictions, model, _stem(record))

    def copy(
        self,
        record: Record,
        content: bytes,
        predictions: bytes | None,
        stem: str,
        model: TrainedModel | None = None,
    ) -> Path:
        """Write a record of another folder as it stands there, and what it has beside it.

        Args:
            record: The record that ``content`` is.
            content: What stands in its file; it is written to the byte.
            predictions: What stands in the file beside it, None if it has none any more.
            stem: The name of its file without the ending. Where another record has that name
                here, it is written under another, and says so of the files beside it.
            model: Its model, None if it has none any more.

        Returns:
            The path of the record here.

        Raises:
            BenchError: As of ``write``.
        """
        with self._telling(record):
            path = free_path(self.root, record.trial, stem)
            beside = _beside(path, predictions, model)
            kept = (record.predictions, record.kept_model)
            named = {path.with_name(each.file) for each in kept if each is not None}
            if path.stem != stem or not {*beside} <= named:
                return self._write(record, predictions, model, stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            _put(path, content, beside)
        self._note(path, content)
        return path

    def _write(
        self, record: Record, predictions: bytes | None, model: TrainedModel | None, stem: str
    ) -> Path:
        with self._telling(record):
            path = free_path(self.root, record.trial, stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            kept, kept_model = record.predictions, record.kept_model
            if predictions is not None:
                kept = describe(path.with_suffix(".npz").name, predictions)
            if model is not None:
                kept_model = model.described(path.with_suffix(".keras").name)
            content = replace(record, predictions=kept, kept_model=kept_model).to_json().encode()
            if len(content) > LARGEST_RECORD:
                raise BenchError(f"{path.parent}: {record.trial} left too long a record to be kept")
            beside = _beside(path, predictions, model)
            _put(path, content, beside)
        for file, written in {path: content, **beside}.items():
            self._keepsake.keep(file, written)
        self._note(path, content)
        return path

    def _note(self, path: Path, content: bytes) -> None:
        """Tell the index of a new record, if there is one."""
        if not os.path.exists(self.root / INDEX):
            return
        from bench.records.reading import note

        note(self.root, path, content)

    @contextlib.contextmanager
    def _telling(self, record: Record) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BenchError(
                f"{place_for(self.root, record.trial)}: the record of {record.trial} could not be "
                f"written ({error.strerror or error}); free some space or fix its permissions, "
                "then run again"
            ) from None

    def fix(self) -> list[str]:
        """Write again what this object wrote and a plugin has deleted or changed since.

        Returns:
            A line for each such file.
        """
        return self._keepsake.fix()

    def read(self, plugins: Collection[str] | None = None) -> Contents:
        """Read every record; a damaged file is named in ``unreadable``, never hidden.

        Of a large store what a record has measured is read when it is asked for.

        Args:
            plugins: Names: only their records are returned. Of a large store only files in
                their folders are looked at, and those elsewhere that the index knows.
        """
        listed: list[tuple[str, object]] = []
        is_large = os.path.exists(self.root / INDEX) or self.is_larger_than(FEW)

        def complain(path: str, reason: object) -> None:
            listed.append((path, reason))

        entries = [*record_entries(self.root, complain, plugins if is_large else None)]
        if is_large:
            from bench.records.reading import read_through

            found = read_through(self.root, entries, plugins)
        else:
            found = read_files(entries)
        unreadable = [one_line(f"{path}: {why}") for path, why in [*listed, *found.unreadable]]
        records = [
            each for each in found.records if plugins is None or each[1].trial.plugin in plugins
        ]
        return Contents(_by_age(records), tuple(unreadable), tuple(filter(None, [found.remark])))

    def is_larger_than(self, count: int) -> bool:
        """Say whether the folder has more than so many records; no more files are listed."""
        return next(itertools.islice(record_entries(self.root), count, None), None) is not None

    def find(self, trial: Trial) -> tuple[Record, ...]:
        """Return the records of a trial's identity, oldest first; what cannot be read is not one.

        Only files that were written for this identity are opened.
        """
        records = []
        for entry in itertools.chain(*map(entries_of, places_of(self.root, trial))):
            if trial.identity[:12] in entry.name and entry.name.endswith(".json"):
                with contextlib.suppress(BenchError):
                    records.append((entry.name, from_content(content_of(entry.path))))
        return tuple(r for r in _by_age(records) if r.identity == trial.identity)

    def predictions(self, record: Record) -> dict[str, Array]:
        """Return the arrays that a trial left beside its record, by name.

        Raises:
            BenchError: It left none; or the file is gone, damaged or another one.
        """
        if record.predictions is None:
            raise BenchError(f"{record.trial}: its record has no predictions")
        return load(self._folder_of(record, record.predictions.file), record.predictions)

    def model(self, record: Record) -> bytes:
        """Return the file of the model that a trial left beside its record.

        Raises:
            BenchError: It left none; or the file is gone or another one.
        """
        if record.kept_model is None:
            raise BenchError(f"{record.trial}: its record has no model")
        kept = record.kept_model
        return content_of_file(self._folder_of(record, kept.file), kept)

    def _folder_of(self, record: Record, file: str) -> Path:
        """Return the folder in which a file lies beside a record."""
        places = places_of(self.root, record.trial)
        return next((folder for folder in places if (folder / file).exists()), places[0])


class Stores:
    """Several results folders that are read as one; nothing is written."""

    def __init__(self, roots: Sequence[Path]) -> None:
        unique = {root.resolve(): root for root in reversed(roots)}
        self._stores = [Store(root) for root in reversed(unique.values())]
        self._where: dict[tuple[str, str], Store] = {}

    def __str__(self) -> str:
        return ", ".join(str(store.root) for store in self._stores)

    def read(self, plugins: Collection[str] | None = None) -> Contents:
        """Read every record of every folder; one that is in several of them counts once.

        Args:
            plugins: As of ``Store.read``.
        """
        remarks: list[str] = []
        records: dict[tuple[str, str], Record] = {}
        unreadable: list[str] = []
        for store in self._stores:
            contents = store.read(plugins)
            unreadable += contents.unreadable
            remarks += contents.remarks
            for record in contents.records:
                key = record.identity, record.finished
                if key not in records:
                    records[key], self._where[key] = record, store
        found = tuple(records.values())
        if len(self._stores) > 1:  # Of one alone they are in order.
            found = _by_age([("", record) for record in found])
        return Contents(found, tuple(unreadable), tuple(remarks))

    def predictions(self, record: Record) -> dict[str, Array]:
        """Return what ``Store.predictions`` does, of a record that was read here."""
        return self._where[record.identity, record.finished].predictions(record)

    def model(self, record: Record) -> bytes:
        """Return what ``Store.model`` does, of a record that was read here."""
        return self._where[record.identity, record.finished].model(record)


def _by_age(records: list[tuple[str, Record]]) -> tuple[Record, ...]:
    """Order records by when they were finished; of one instant, by the file's name."""
    ordered = sorted(records, key=lambda item: (not item[1].is_ahead, item[1].finished, item[0]))
    return tuple(record for _, record in ordered)


def _beside(path: Path, predictions: bytes | None, model: TrainedModel | None) -> dict[Path, bytes]:
    """Return what is written beside a record, by its path."""
    contents = {".npz": predictions, ".keras": None if model is None else model.content}
    return {path.with_suffix(end): each for end, each in contents.items() if each is not None}


def _put(path: Path, content: bytes, beside: Mapping[Path, bytes]) -> None:
    """Write a record's files, or none of them.

    Raises:
        OSError: As from the file system.
    """
    try:
        for file, each in beside.items():
            write_whole(file, each)
        write_whole(path, content)
    except BaseException:
        # The record first: predictions alone are no result, a record without them lies.
        for file in (path, *beside):
            with contextlib.suppress(OSError):
                file.unlink()
        raise


def _stem(record: Record) -> str:
    finished = datetime.fromisoformat(record.finished).astimezone(timezone.utc)
    return f"{finished:%Y%m%dT%H%M%S.%f}Z-{record.identity[:12]}"
