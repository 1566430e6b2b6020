"""How the ranks of a table were found, and what they could not tell: lines, and every pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Table, alike_seeds
from bench.formatting import counted, few, metric_name, one_line
from bench.report.columns import (
    BEST,
    UNKNOWN,
)
from bench.report.document import (
    Block,
    Cell,
    Column,
    Count,
    Field,
    Fold,
    Heading,
    Number,
    Paragraph,
    Place,
    Text,
    table_of,
)

if TYPE_CHECKING:
    from bench.statistics.compare import TableComparison


def chosen(table: Table) -> list[tuple[str, str]]:
    """Return label and text of what it means that rows are the best of several points."""
    if max(table.points.values(), default=1) == 1:
        return []
    return [
        (
            "best of",
            "each row is the best of so many points of its plugin, chosen by the validation mean; "
            "to choose among many is an advantage: the more points, the more of a validation "
            "figure, and of its rank, is luck; the test split had no part in the choice",
        )
    ]


def compared(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line on the ranks of a table that has been judged."""
    ranking = table.ranking
    if ranking is None:
        return []
    found = ranking.validation
    lines = [("ranks", _ranks(table, found))] if found else []
    if found and found.unknown:
        lines.append(("unknown", _unknown(found)))
    if found and len(found.intervals) > 1:
        lines.append(("first two", _first_two(found)))
    if ranking.test and len(ranking.test.ranks) > 1:
        lines.append(("test split", _test(ranking.test)))
    if ranking.problem:
        lines.append(("not compared", ranking.problem))
    if ranking.single:
        lines.append(("one seed", _single(ranking.single)))
    if ranking.unranked:
        lines.append(("not ranked", _unranked(ranking.unranked)))
    return [*lines, *_alike(table)]


def _alike(table: Table) -> list[tuple[str, str]]:
    rows = [f"{one_line(label)} ({seeds})" for label, seeds in alike_seeds(table).items()]
    if not rows:
        return []
    names = ", ".join(rows)
    return [("seeds", f"those of {names} gave identical results: they tell no more than one would")]


def as_numbers(table: Table) -> dict[str, Any] | None:
    """Return what the comparison found, for JSON; None where nothing could be compared."""
    found = table.ranking.validation if table.ranking else None
    if found is None:
        return None
    first = found.first_two
    return {
        "level": found.level,
        "block_lengths": list(found.block_lengths),
        "blocks": found.blocks,
        "groups": table.groups,
        "one_seed": found.one_seed,
        "best": list(found.best),
        "unknown": {label: unknown.seeds for label, unknown in found.unknown.items()},
        "first_two": None
        if first is None
        else {
            "plugins": [first.first, first.second],
            "difference": first.difference,
            "separated": first.separated,
            "seeds_needed": first.seeds_needed,
        },
        "pairs": [
            {"plugins": [one, other], **asdict(found.pair(one, other))}
            for one, other in combinations(in_order(table), 2)
        ],
    }


def _ranks(table: Table, found: TableComparison) -> str:
    shortest, longest = found.block_lengths
    lengths = f"{shortest:,} to " if shortest < longest else ""
    block = counted(longest, table.groups.removesuffix("s"))
    sampled = (
        f"single {table.groups}"
        if found.independent
        else f"blocks of {lengths}{block}, as long as the errors of a pair are alike, of "
        f"{found.blocks:,}"
    )
    if found.one_seed:
        return (
            f"none with one seed each: differences and intervals are of these trained models, "
            f"examples resampled in {sampled}"
        )
    count = len(found.ranks)
    pairs = counted(count * (count - 1) // 2, "pair")
    return (
        f"{pairs} compared on the same validation examples and seeds, examples resampled in "
        f"{sampled}; all tested together, {found.level:.0%} for the whole table; 2-4 are the ranks "
        f"that the data leave open, {BEST} is what none is significantly better than, by "
        f"{counted(max(1, count - 1), 'comparison')} with the best"
    )


def _unknown(found: TableComparison) -> str:
    needs = [
        f"{label} ({_seeds(unknown.seeds)})" for label, unknown in sorted(found.unknown.items())
    ]
    return (
        f"{few(tuple(needs))}: marked {UNKNOWN}, not shown to be worse than the best only "
        "because their own seeds differ so much"
    )


def _seeds(needed: int | None) -> str:
    return "no number of seeds would tell" if needed is None else f"about {needed:,} seeds each"


def _first_two(found: TableComparison) -> str:
    two = found.first_two
    if two is None:
        return "only one"
    apart = f"{two.first} and {two.second} differ by {abs(two.difference):.4f}"
    if two.separated and not found.one_seed:
        return f"{apart}, and are separated"
    if min(found.intervals[n].seeds for n in (two.first, two.second)) == 1:
        return f"{apart}; with one seed there is no telling how many would separate them"
    if two.seeds_needed is None:
        return f"{apart}, and are not separated: no number of seeds would, on these examples"
    return f"{apart}, and are not separated: about {two.seeds_needed:,} seeds each would"


def _single(labels: tuple[str, ...]) -> str:
    return f"{few(labels)}: not ranked, as another seed may end elsewhere; run with --seeds 0,1,2"


def _test(found: TableComparison) -> str:
    candidates = tuple(sorted((*found.best, *found.unknown)))
    return (
        f"ranks nothing; none is significantly better there than {few(candidates)}"
        if len(candidates) < len(found.ranks)
        else "ranks nothing; no plugin is significantly better there than another"
    )


def _unranked(labels: tuple[str, ...]) -> str:
    return (
        f"{few(labels)}: the records keep no predictions of the validation examples, as those "
        "of older versions; run again with --reuse never"
    )


# Every pair: who is better than whom, and what difference would have been found

#: A matrix of more rows than this is read by no one; JSON has every pair.
MOST_ROWS = 40
_BETTER, _WORSE, _OPEN = "+", "-", "."


def in_order(table: Table) -> list[str]:
    """Return the labels of the rows that were compared, in the order of the table."""
    found = table.ranking.validation if table.ranking else None
    return [row.label for row in table.rows if found and row.label in found.intervals]


def pairs(table: Table) -> list[Block]:
    """Return the matrix of all pairs of ranked rows; nothing where there is none to be read.

    Above the diagonal stands whether the row is better (+) or worse (-) than that of the
    column, or the data leave it open (.); below it the difference that would have been found
    with 80% power.
    """
    found = table.ranking.validation if table.ranking else None
    labels = [label for label in in_order(table) if found and label in found.ranks]
    if found is None or not 1 < len(labels) <= MOST_ROWS:
        return []
    sign = 1 if table.direction == "min" else -1
    fields: list[Field[int]] = [
        Field(Column(""), lambda line: Count(line + 1)),
        Field(Column("plugin", is_number=False), lambda line: Text(labels[line])),
        *(
            Field(Column(str(place + 1)), partial(_pair, found, labels, sign, place))
            for place in range(len(labels))
        ),
    ]
    return [
        Heading("Pairs", level=3, on=Place.PAGE),
        Paragraph(reading_pairs(table), on=Place.PAGE),
        Fold(
            f"Who is better than whom: {counted(len(labels), 'plugin')}",
            table_of(fields, range(len(labels)), on=Place.PAGE),
        ),
    ]


def _pair(found: TableComparison, labels: Sequence[str], sign: int, column: int, line: int) -> Cell:
    if line == column:
        return Text("")
    pair = found.pair(labels[line], labels[column])
    if line > column:
        return Number(pair.detectable)
    is_better = sign * pair.difference < 0
    return Text(_OPEN if not pair.separated else _BETTER if is_better else _WORSE)


def reading_pairs(table: Table) -> str:
    """Say how the matrix of pairs is to be read."""
    return (
        "Above the diagonal: the plugin of the line is better (+) or worse (-) than that of the "
        "column, or the data leave it open (.). Below it: the difference in "
        f"{metric_name(table.metric)} that this pair would have shown with 80% power."
    )
