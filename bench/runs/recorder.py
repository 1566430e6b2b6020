"""Writing a run's records, also when the disk is full for a while."""

from __future__ import annotations

from collections.abc import Callable

from bench.errors import BenchError
from bench.records.record import Record
from bench.records.store import Store

#: Records in a row that are not written before a run stops: one may be the fault of a
#: single folder, with two there is no place for any.
IN_A_ROW = 2


class Recorder:
    """Writes records to a store, and keeps those that cannot be written to try again."""

    def __init__(self, store: Store, warn: Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn
        self._waiting: list[tuple[Record, bytes | None]] = []
        self._in_a_row = 0

    @property
    def unwritten(self) -> int:
        """How many records are not on the disk."""
        return len(self._waiting)

    def write(self, record: Record, predictions: bytes | None) -> bool:
        """Write a record, and again what the trial has deleted; return whether it is written."""
        for line in self._store.fix():
            self._warn(line)
        try:
            self._store.write(record, predictions)
        except BenchError as error:
            self._warn(str(error))
            self._waiting.append((record, predictions))
            self._in_a_row += 1
            return False
        self._in_a_row = 0
        return True

    def try_again(self) -> bool:
        """Write what could not be written; return whether there is a point in going on."""
        waiting, self._waiting = self._waiting, []
        for record, predictions in waiting:
            try:
                self._store.write(record, predictions)
            except BenchError:
                self._waiting.append((record, predictions))
        if not self._waiting:
            self._in_a_row = 0
        return self._in_a_row < IN_A_ROW
