"""A leaderboard as CSV and JSON, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bench.costs import Costs
from bench.formatting import one_line
from bench.frontier import on_frontier
from bench.leaderboard import Leaderboard, Row, Table
from bench.render.comparison import as_numbers
from bench.render.provenance import below

_PLAIN_COSTS = (
    *("start_seconds", "compile_seconds", "first_epoch_seconds", "predict_per_1000_seconds"),
    *("peak_rss_bytes", "quiet_trials", "contended_trials"),
)


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
            "targets": dict(table.targets.values),
            "comparison": as_numbers(table),
            "provenance": dict(below(table)),
            "rows": _rows(table),
        }
        for table in leaderboard.tables
    ]
    document = {"tables": tables, "left_out": dict(leaderboard.left_out)}
    return json.dumps(document, indent=1) + "\n"


def _rows(table: Table) -> list[dict[str, Any]]:
    is_best = on_frontier(table)
    return [{**asdict(row), "on_frontier": is_best.get(row.label)} for row in table.rows]


def to_csv(leaderboard: Leaderboard) -> str:
    """Return one line a row of all tables; each part of a figure has a column of its own."""
    import pandas as pd

    lines = [line for table in leaderboard.tables for line in _lines(table)]
    # As objects, whole numbers stay whole in columns that have gaps.
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def _lines(table: Table) -> list[dict[str, Any]]:
    is_best = on_frontier(table)
    return [_flat(table, row, is_best.get(row.label)) for row in table.rows]


def _flat(table: Table, row: Row, is_best: bool | None) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "task": table.task,
        "source": table.source,
        "fingerprint": table.fingerprint,
        "profile": table.profile,
        "task_version": table.task_version,
        "scored_examples": table.scored_examples,
        "rank": str(row.rank) if row.rank else None,
        "rank_low": row.rank.low if row.rank else None,
        "rank_high": row.rank.high if row.rank else None,
        "is_best": row.is_best,
        "plugin": one_line(row.label),
        "backend": row.backend,
    }
    for split in ("validation", "test"):
        for name, spread in getattr(row, split).items():
            flat[f"{split}_{name}"] = spread.mean
            flat[f"{split}_{name}_sd"] = spread.deviation
            interval = spread.interval
            flat[f"{split}_{name}_low"] = interval.low if interval else None
            flat[f"{split}_{name}_high"] = interval.high if interval else None
    flat |= {"difference": row.difference, **_flat_costs(row.costs, table.targets.values)}
    flat |= {"on_frontier": is_best, "parameters": row.parameters}
    flat |= {f"published_{name}": value for name, value in row.published.items()}
    flat |= {"seeds": " ".join(map(str, row.seeds)), "reused": row.reused}
    if row.repeats:
        flat |= {"repeatable": row.repeats.verdict, "repeated_trials": row.repeats.trials}
        flat |= {"largest_difference": row.repeats.largest}
    return flat | {"status": row.status, "reason": one_line(row.reason)}


def _flat_costs(costs: Costs | None, targets: Iterable[str]) -> dict[str, Any]:
    """Return costs as columns, the same ones for every row of a table."""
    smallest, largest = (costs and costs.fit_seconds_range) or (None, None)
    low, high = (costs and costs.epoch_seconds_interval) or (None, None)
    flat: dict[str, Any] = {
        "fit_seconds": costs and costs.fit_seconds,
        "fit_seconds_min": smallest,
        "fit_seconds_max": largest,
        "epoch_seconds": costs and costs.epoch_seconds,
        "epoch_seconds_low": low,
        "epoch_seconds_high": high,
        **{name: getattr(costs, name, None) for name in _PLAIN_COSTS},
        "contended": "; ".join(costs.contended) if costs else None,
    }
    for target in targets:
        reached = costs.reached.get(target) if costs else None
        for name in ("seconds", "reached", "seeds"):
            flat[f"to_{target}_{name}"] = getattr(reached, name, None)
    return flat
