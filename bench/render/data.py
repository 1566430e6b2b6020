"""A leaderboard as CSV and JSON, for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bench.leaderboard import Leaderboard, Row, Table
from bench.printable import one_line
from bench.render.provenance import below


def to_json(leaderboard: Leaderboard) -> str:
    """Return every table with its rows as one JSON document; seconds and bytes as numbers."""
    tables = [
        {
            "task": table.task,
            "task_version": table.task_version,
            "source": table.source,
            "why": table.why,
            "fingerprint": table.fingerprint,
            "profile": table.profile,
            "metric": table.metric,
            "direction": table.direction,
            "units": dict(table.units),
            "baseline": table.baseline,
            "scored_examples": table.scored_examples,
            "provenance": dict(below(table)),
            "rows": [asdict(row) for row in table.rows],
        }
        for table in leaderboard.tables
    ]
    document = {"tables": tables, "left_out": dict(leaderboard.left_out)}
    return json.dumps(document, indent=1) + "\n"


def to_csv(leaderboard: Leaderboard) -> str:
    """Return one line a row of all tables; means and deviations in columns of their own."""
    import pandas as pd

    lines = [_flat(table, row) for table in leaderboard.tables for row in table.rows]
    # As objects, whole numbers stay whole in columns that have gaps.
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def _flat(table: Table, row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "task": table.task,
        "source": table.source,
        "fingerprint": table.fingerprint,
        "profile": table.profile,
        "task_version": table.task_version,
        "scored_examples": table.scored_examples,
        "rank": row.rank,
        "plugin": one_line(row.label),
        "backend": row.backend,
    }
    for split in ("validation", "test"):
        for name, spread in getattr(row, split).items():
            flat[f"{split}_{name}"] = spread.mean
            flat[f"{split}_{name}_sd"] = spread.deviation
    plain = ("fit_seconds", "epoch_seconds", "predict_per_1000", "peak_rss", "parameters")
    flat |= {name: getattr(row, name) for name in ("difference", *plain)}
    flat |= {f"published_{name}": value for name, value in row.published.items()}
    flat |= {"seeds": " ".join(map(str, row.seeds)), "reused": row.reused}
    return flat | {"status": row.status, "reason": one_line(row.reason)}
