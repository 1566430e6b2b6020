"""The records behind a row of the leaderboard."""

from __future__ import annotations

from bench.leaderboard import Row, Table
from bench.record import Record


def records_of(table: Table, row: Row) -> list[Record]:
    """Return the records that a row summarises or mentions; those that are ok it summarises."""
    backend = row.backend
    return [
        record
        for record in table.records
        if record.trial.backend == backend
        and row.label in (record.trial.label, f"{record.trial.label} [{backend}]")
    ]
