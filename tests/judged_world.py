"""Leaderboards that have been judged on made scores, whose means are the recorded metrics."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from builders import a_board

from bench.analysis.leaderboard import Leaderboard, Row
from bench.analysis.ranking import Evidence, ExampleScores, judge, key_of
from bench.protocol import OK
from bench.records.record import Record

EXAMPLES = 400


def scores_of(record: Record, noise: float = 0.05, **changes: Any) -> dict[str, ExampleScores]:
    """Make a score for every example of both splits; single examples differ by ``noise``."""
    metric = record.data["metric"]["name"]
    # Of the plugin alone: its seeds err on the same examples.
    random = np.random.default_rng(zlib.crc32(record.trial.label.encode()))
    made = {}
    for split in ("validation", "test"):
        spread = noise * random.standard_normal(EXAMPLES)
        values = record.metrics[split][metric] + spread - spread.mean()
        parts = {"groups": np.arange(EXAMPLES), "examples": "the same", **changes}
        made[split] = ExampleScores(values.astype("float32"), **parts)
    return made


def evidence_of(*records: Record, **options: Any) -> Evidence:
    """Make the scores of all records that are ok."""
    return {key_of(r): scores_of(r, **options) for r in records if r.status == OK}


def judged(*records: Record, **options: Any) -> Leaderboard:
    """Make a board of some records and judge it."""
    return judge(a_board(*records), evidence_of(*records, **options))


def judged_board(board: Leaderboard) -> Leaderboard:
    """Judge a board that another helper has made."""
    records = [record for table in board.tables for record in table.records]
    return judge(board, evidence_of(*records))


def rows_of(board: Leaderboard) -> dict[str, Row]:
    """Return the rows of a board's only table by label."""
    (table,) = board.tables
    return {row.label: row for row in table.rows}
