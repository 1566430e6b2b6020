"""The leaderboard as a document: its tables, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.analysis.costs import Costs, shows_published
from bench.analysis.frontier import on_frontier
from bench.analysis.leaderboard import Leaderboard, Row, Table, records_of
from bench.analysis.places import changed_by_threads
from bench.formatting import counted, few, metric_name, one_line
from bench.records.selection import (
    OTHER_SETTINGS,
    OTHER_SOURCE,
    OTHER_VERSIONS,
    REPLACED,
    UNREADABLE,
    members_of,
)
from bench.report.columns import (
    CONTENDED,
    board_fields,
    cost_fields,
    has_order_alone,
    marked,
    reading_costs,
    with_costs,
)
from bench.report.comparison import as_numbers, chosen, compared, pairs
from bench.report.document import (
    Block,
    Bytes,
    Cell,
    Column,
    Count,
    Document,
    Field,
    Heading,
    Note,
    Notes,
    Paragraph,
    Place,
    Section,
    Text,
    table_of,
)
from bench.report.provenance import about, below, configurations, opening, provenance

TITLE = "Leaderboard"


def leaderboard_document(board: Leaderboard) -> Document:
    """Return every table with its costs, how its ranks were found, and where numbers come from."""
    sections = [_section(table) for table in board.tables]
    if not sections:
        sections = [Section((Paragraph("No records yet.", on=Place.PAGE),))]
    return Document(TITLE, (*sections, *remainder(board)), lambda: _all_data(board))


def remainder(board: Leaderboard) -> tuple[Section, ...]:
    """Return what stands below all tables: what is in none of them."""
    said = left_out(board)
    return (Section((Paragraph(said),)),) if said else ()


def _all_data(board: Leaderboard) -> dict[str, Any]:
    return {"tables": [_data(table) for table in board.tables], "left_out": board.left_out}


def _section(table: Table) -> Section:
    """Put what explains a table before it on a page, and behind it on a terminal."""
    mark = [Paragraph(contended(table))] if contended(table) else []
    lines = [*chosen(table), *compared(table), *circumstances(table)]
    notes = [Note(label, text) for label, text in lines]
    return Section(
        (
            *opening(table),
            Paragraph(reading(table), on=Place.PAGE),
            table_of([*board_fields(table), *_part_fields(table)], table.rows, about=about(table)),
            *mark,
            *_by_part(table),
            *pairs(table),
            *_costs(with_costs(table)),
            *_by_place(table),
            Paragraph(reading(table), on=Place.TERMINAL),
            Notes((*notes, *provenance(table))),
        )
    )


def _by_part(table: Table) -> list[Block]:
    """Return what is said of each step and column, where several are predicted."""
    if not table.has_parts:
        return []
    from bench.report.parts import by_part  # Few tables have any.

    return by_part(table)


def _part_fields(table: Table) -> list[Field[Row]]:
    if not table.has_parts:
        return []
    from bench.report.parts import part_field

    return [part_field(table)]


def _costs(table: Table) -> list[Block]:
    if not table.rows:
        return []
    return [
        Heading("Cost", level=3, on=Place.PAGE),
        Paragraph(reading_costs(table), on=Place.PAGE),
        table_of(cost_fields(table), table.rows, on=Place.PAGE),
    ]


def _by_place(table: Table) -> list[Block]:
    """Return the costs of what was timed at several places, or where the table's times are not."""
    if not placed_costs(table):
        return []
    return [
        Heading("Cost by machine", level=3, on=Place.PEOPLE),
        Paragraph(reading_places(table), on=Place.PEOPLE),
        table_of(place_fields(), placed_costs(table), on=Place.PEOPLE),
    ]


def placed_costs(table: Table) -> list[tuple[str, Costs]]:
    """Return the rows that were timed elsewhere, too, or only there, with the costs of each place.

    They stand in the order of the table, the place of the table's own times first. Contended
    times compare with nothing: of a row that has quiet ones they are left out.
    """
    found = []
    for row in table.rows:
        here = [row.costs] if row.costs else []
        everywhere = [*here, *table.elsewhere.get(row.label, ())]
        shown = [costs for costs in everywhere if costs.quiet_trials] or everywhere
        if shown != here:
            found += [(row.label, costs) for costs in shown]
    return found


def place_fields() -> list[Field[tuple[str, Costs]]]:
    """Return the columns of the table of costs by machine; see ``placed_costs``."""

    def field(
        heading: str, write: Callable[[Costs], Cell], importance: int | None = 1
    ) -> Field[tuple[str, Costs]]:
        return Field(Column(heading, importance=importance), lambda line: write(line[1]))

    return [
        Field(Column("plugin", is_number=False), lambda line: Text(line[0])),
        Field(
            Column("timed on", is_number=False, shortest=20), lambda line: Text(line[1].place.name)
        ),
        field("trials", lambda costs: Count(costs.quiet_trials or costs.contended_trials)),
        field(
            "training",
            lambda costs: marked(costs, costs.fit_seconds, costs.fit_seconds_range),
            None,
        ),
        field("compile", lambda costs: marked(costs, costs.compile_seconds)),
        field("epoch", lambda costs: marked(costs, costs.epoch_seconds)),
        field("per 1,000 predictions", lambda costs: marked(costs, costs.predict_per_1000_seconds)),
        field("peak memory", lambda costs: Bytes(costs.peak_rss_bytes)),
    ]


def reading_places(table: Table) -> str:
    """Say how the table of costs by machine is to be read."""
    said = ["Medians over the trials at each place; times of two places do not compare."]
    if any(costs.contended for _, costs in placed_costs(table)):
        said.append(f"{CONTENDED} timed while other work ran on the machine.")
    return " ".join(said)


def _data(table: Table) -> dict[str, Any]:
    is_best = on_frontier(table)
    return {
        "task": table.task,
        "task_version": table.task_version,
        "task_sha256": table.task_sha256,
        "source": table.source,
        "why": table.why,
        "fingerprint": table.fingerprint,
        "profile": table.profile,
        "metric": table.metric,
        "direction": table.direction,
        "units": table.units,
        "baseline": table.baseline,
        "scored_examples": table.scored_examples,
        "targets": table.targets.values,
        **({"points": table.points} if table.points else {}),
        "comparison": as_numbers(table),
        "provenance": dict(below(table)),
        **({"configurations": found} if (found := configurations(table.records)) else {}),
        "circumstances": dict(circumstances(table)),
        "place": table.place,
        "elsewhere": table.elsewhere,
        "rows": [
            {**vars(row), "on_frontier": is_best.get(row.label), **_parts(table, row)}
            for row in table.rows
        ],
    }


def _parts(table: Table, row: Row) -> dict[str, Any]:
    """Return the spreads of each step and column by split, where there are any."""
    if not table.has_parts:
        return {}
    from bench.report.parts import part_scores

    records = records_of(table, row)
    return {"parts": {split: part_scores(records, split) for split in ("validation", "test")}}


# How a table is to be read, and what is missing from it


def reading(table: Table) -> str:
    """Say how the table is to be read."""
    better = "lower is better" if table.direction == "min" else "higher is better"
    unit = table.units.get(table.metric, "")
    published = (
        " Published figures are of the official data and a full training."
        if shows_published(table.source, table.fingerprint)
        else ""
    )
    repeats = (
        " Repeatable says how far trials that were trained again gave the same predictions "
        "and scores."
        if any(row.repeats for row in table.rows)
        else ""
    )
    alone = (
        "One seed each: an order of these trained models and no ranks, as another seed may "
        "change it. "
        if has_order_alone(table)
        else ""
    )
    order = f"--sort {table.ordered_by}, ranked by " if table.ordered_by else ""
    return (
        f"{alone}In the order of {order}validation {metric_name(table.metric)} ({unit}, {better})"
        f"{_interval(table)}. "
        f"The epoch is chosen on validation; the test split is scored once.{published}{repeats}"
    )


def _interval(table: Table) -> str:
    """Say what ± is; nothing where no figure has an interval."""
    rows = [row.validation.get(table.metric) or row.test.get(table.metric) for row in table.rows]
    over = {spread.interval.over for spread in rows if spread and spread.interval}
    if not over:
        return ""
    mixed = " (over examples alone for one seed)" if len(over) > 1 else ""
    return f"; ± is half of the 95% confidence interval over {max(over, key=len)}{mixed}"


def contended(table: Table) -> str:
    """Explain the mark of contended times in one line; nothing where none is marked."""
    if not any(row.costs and row.costs.contended for row in table.rows):
        return ""
    return f"{CONTENDED} timed while other work ran on the machine: compares with no other time."


def circumstances(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line on what times and memory are of, where it matters."""
    lines = []
    if table.elsewhere and table.place is not None:
        others = "; ".join(
            sorted({c.place.name for each in table.elsewhere.values() for c in each})
        )
        lines.append(
            (
                "times",
                f"times and memory are of {table.place.name}, where most rows were timed; "
                f"elsewhere, and compared with none of these: {others}",
            )
        )
    peaks = sum(row.costs.other_peaks for row in table.rows if row.costs)
    if peaks:
        lines.append(
            (
                "memory",
                f"left out: {counted(peaks, 'peak')} of forked trials without the pages that these "
                "share with their server, which compare with no others; an earlier version of the "
                "suite measured so (run again with --reuse never), or the system does not tell",
            )
        )
    return [*lines, *_ensembles(table), *_threads(table)]


def _ensembles(table: Table) -> list[tuple[str, str]]:
    found = [label for label, each in table.selected.items() if members_of(each.trial)]
    if not found:
        return []
    said = (
        "the mean of what the rows named in it have predicted, seed by seed; not trained itself: "
        "its time and parameters are theirs together"
    )
    return [("ensemble", f"{few([*map(one_line, found)])}: {said}")]


def _threads(table: Table) -> list[tuple[str, str]]:
    told = [
        f"{one_line(label)} ({' and '.join(change.threads)} threads"
        f"{', on other machines, too' if change.machines else ''})"
        for label, change in changed_by_threads(
            {label: found.everything for label, found in table.selected.items()}
        ).items()
    ]
    if not told:
        return []
    return [("threads", f"the same trial gave other predictions with other threads: {few(told)}")]


_WHY = {
    REPLACED: "replaced by a newer result of the same trial",
    OTHER_SOURCE: "of another version of the plugin's source",
    OTHER_SETTINGS: "with other hyperparameters, another view or another schedule",
    OTHER_VERSIONS: "computed with other versions of the libraries",
    UNREADABLE: "that cannot be read",
}


def left_out(leaderboard: Leaderboard) -> str:
    """Say in one sentence how many records are not shown, and why; nothing if all are."""
    said = [
        f"{number} {'file' if why == UNREADABLE else 'record'}{'' if number == 1 else 's'} {words}"
        for why, words in _WHY.items()
        if (number := leaderboard.left_out.get(why, 0))
    ]
    return f"Left out: {', '.join(said)}." if said else ""
