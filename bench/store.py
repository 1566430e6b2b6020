"""The results folder: the one place that writes records, and reads them back."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

from bench.errors import BenchError
from bench.record import Record, answers, from_json


@dataclass(frozen=True)
class Contents:
    """All records of a store, oldest first, and the files that could not be read."""

    records: tuple[Record, ...]
    unreadable: tuple[str, ...]

    @cached_property
    def latest(self) -> dict[str, Record]:
        """The record that answers for each identity: see ``answers``."""
        return answers(self.records)


class Store:
    """Records under ``<root>/<task>/<plugin>/``, one JSON file a trial, never overwritten."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the folder and prove that it can be written.

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
                "give another folder or mend its permissions"
            ) from None

    def write(self, record: Record, predictions: bytes | None = None) -> Path:
        """Write a record and its predictions whole or not at all; return the record's path.

        Raises:
            BenchError: The disk is full or the folder read-only; nothing was overwritten.
        """
        folder = self.root / record.trial.task / record.trial.plugin
        finished = datetime.fromisoformat(record.finished).astimezone(timezone.utc)
        stem = f"{finished:%Y%m%dT%H%M%S.%f}Z-{record.identity[:12]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free(folder, stem)
            beside = path.with_suffix(".npz")
            if predictions is not None:
                write_whole(beside, predictions)
            try:
                name = beside.name if predictions is not None else None
                write_whole(path, replace(record, predictions=name).to_json().encode())
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise BenchError(
                f"{folder}: the record of {record.trial} could not be written "
                f"({error.strerror or error}); free some space, then run again"
            ) from None
        return path

    def read(self) -> Contents:
        """Read every record; a damaged file is named in ``unreadable``, never hidden."""
        records: list[tuple[str, Record]] = []
        unreadable: list[str] = []
        for path in self._files():
            try:
                records.append((path.name, from_json(path.read_text(encoding="utf-8"))))
            except (BenchError, OSError, UnicodeDecodeError) as error:
                unreadable.append(f"{path}: {error}")
        ordered = sorted(records, key=lambda item: (item[1].finished, item[0]))
        return Contents(tuple(record for _, record in ordered), tuple(unreadable))

    def _files(self) -> Iterator[Path]:
        yield from sorted(self.root.glob("*/*/*.json"))


def _free(folder: Path, stem: str) -> Path:
    """Return the path of a record that does not exist yet."""
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(path for name in names if not (path := folder / f"{name}.json").exists())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    The content reaches the disk before the name does (fsync, then rename).

    Raises:
        OSError: As from the file system; the temporary file is gone again.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
