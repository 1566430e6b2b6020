"""The scores of each step of a horizon, and of each column, where several are predicted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial

from bench.analysis.leaderboard import Row, Spread, Table, records_of, spread
from bench.formatting import counted, metric_name
from bench.protocol import OK
from bench.records.record import Record
from bench.report.columns import digits
from bench.report.document import (
    Block,
    Cell,
    Column,
    Exact,
    Field,
    Fold,
    Heading,
    Missing,
    Number,
    Paragraph,
    Place,
    Scalar,
    Text,
    table_of,
)

_STEP = re.compile(r"step [0-9]+")
_SPLITS = ("validation", "test")
#: Of a wide terminal; a page folds the columns away that it has no room for.
_MOST_IMPORTANT = 1_000


def part_scores(records: Iterable[Record], split: str) -> dict[str, Spread]:
    """Return the metric of each part of a prediction over records, in the task's order.

    Args:
        records: Of a row; those that are not ok count for nothing.
        split: validation or test.
    """
    found: dict[str, list[float]] = {}
    for record in records:
        metric = record.data["metric"]
        scores = record.metrics.get(split, {}) if record.status == OK else {}
        for name, value in scores.items():
            if name.startswith(f"{metric['name']}_") and name not in metric["units"]:
                part = found.setdefault(name.removeprefix(f"{metric['name']}_"), [])
                part += [] if value is None else [value]
    spreads = {part: spread(values) for part, values in found.items()}
    return {part: value for part, value in spreads.items() if value is not None}


def part_field(table: Table) -> Field[Row]:
    """Return a column for programs with the means of all parts: ``validation_mae_step 1``."""

    def values(row: Row) -> dict[str, Scalar]:
        return {
            f"{split}_{table.metric}_{part}": value.mean
            for split in _SPLITS
            for part, value in part_scores(records_of(table, row), split).items()
        }

    return Field(Column("", on=Place.DATA), lambda row: Exact(Missing(), values(row)))


def by_part(table: Table) -> list[Block]:
    """Return a table by step and one by column, of what the task predicts several of."""
    scores = {row.label: part_scores(records_of(table, row), "validation") for row in table.rows}
    scored = [row for row in table.rows if scores[row.label]]
    parts = [*dict.fromkeys(part for row in scored for part in scores[row.label])]
    steps = [part for part in parts if _STEP.fullmatch(part)]
    columns = [part for part in parts if part not in steps]
    blocks: list[Block] = []
    for what, names in (("column", columns), ("step", steps)):
        if names:
            blocks += _blocks(table, what, names, scored, scores)
    return blocks


def _blocks(
    table: Table,
    what: str,
    names: list[str],
    rows: list[Row],
    scores: Mapping[str, Mapping[str, Spread]],
) -> list[Block]:
    fields: list[Field[Row]] = [
        Field(Column("plugin", is_number=False), lambda row: Text(row.label)),
        *(
            Field(
                Column(name.removeprefix("step "), importance=_MOST_IMPORTANT - place),
                partial(_cell, scores, name, table.metric),
            )
            for place, name in enumerate(names)
        ),
    ]
    metric = f"{metric_name(table.metric)} ({table.units.get(table.metric, '')})"
    after = "; step 1 is the first row that is predicted" if what == "step" else ""
    said = f"By {what}: the validation {metric}, mean over seeds{after}."
    return [
        Heading(f"By {what}", level=3, on=Place.PAGE),
        Paragraph(said),
        table_of(fields, rows, on=Place.TERMINAL),
        Fold(f"Each {what} of {counted(len(names), what)}", table_of(fields, rows, on=Place.PAGE)),
    ]


def _cell(scores: Mapping[str, Mapping[str, Spread]], name: str, metric: str, row: Row) -> Cell:
    found = scores[row.label].get(name)
    return Missing() if found is None else Number(found.mean, digits(metric))
