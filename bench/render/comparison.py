"""What stands under a table about its ranks: how they were found, and what they could not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.formatting import metric_name
from bench.leaderboard import Table
from bench.render.columns import BEST

if TYPE_CHECKING:
    from bench.statistics.compare import Comparison

_MOST_NAMES = 6


def compared(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line on the ranks of a table that has been judged."""
    standing = table.standing
    if standing is None:
        return []
    found = standing.validation
    lines = [("ranks", _ranks(table, found))] if found else []
    if found and len(found.ranks) > 1:
        lines.append(("detectable", _detectable(table, found)))
        lines.append(("first two", _first_two(table, found)))
    if standing.test and len(standing.test.ranks) > 1:
        lines.append(("test split", _test(standing.test)))
    if standing.problem:
        lines.append(("not compared", standing.problem))
    if standing.unranked:
        lines.append(("not ranked", _unranked(standing.unranked)))
    return lines


def as_numbers(table: Table) -> dict[str, Any] | None:
    """Return what the comparison found, for JSON; None where nothing could be compared."""
    found = table.standing.validation if table.standing else None
    if found is None:
        return None
    first = found.first_two
    return {
        "level": found.level,
        "block_length": found.block_length,
        "blocks": found.blocks,
        "groups": table.groups,
        "one_seed": found.one_seed,
        "best": list(found.best),
        "detectable": found.detectable,
        "first_two": None
        if first is None
        else {
            "plugins": [first.first, first.second],
            "difference": first.difference,
            "separated": first.separated,
            "seeds_needed": first.seeds_needed,
        },
    }


def _ranks(table: Table, found: Comparison) -> str:
    count = len(found.ranks)
    sampled = (
        f"single {table.groups}"
        if found.independent
        else f"blocks of {_many(found.block_length, table.groups)}, as long as errors are alike, "
        f"of {found.blocks:,}"
    )
    if found.one_seed:
        return (
            f"one seed each: intervals and ranks are about these trained models, and another seed "
            f"may change them; examples are resampled in {sampled}"
        )
    pairs = _many(count * (count - 1) // 2, "pairs")
    return (
        f"{pairs} compared on the same validation examples and seeds, examples resampled in "
        f"{sampled}; Holm's correction, {found.level:.0%} for the whole table; 2-4 are the ranks "
        f"that the data leave open, {BEST} is what none is significantly better than"
    )


def _detectable(table: Table, found: Comparison) -> str:
    if found.detectable is None:
        return "nothing"
    name = metric_name(table.metric)
    return (
        f"a difference of {found.detectable:.4f} in {name} would be separated with 80% power "
        "(the median over the pairs)"
    )


def _first_two(table: Table, found: Comparison) -> str:
    two = found.first_two
    if two is None:
        return "only one"
    apart = f"{two.first} and {two.second} differ by {abs(two.difference):.4f}"
    if two.separated:
        return f"{apart}, and are separated"
    if found.one_seed or min(found.intervals[n].seeds for n in (two.first, two.second)) == 1:
        return f"{apart}, and are not separated: with one seed there is no telling how many would"
    if two.seeds_needed is None:
        return f"{apart}, and are not separated: no number of seeds would, on these examples"
    return f"{apart}, and are not separated: about {two.seeds_needed:,} seeds each would"


def _test(found: Comparison) -> str:
    return (
        f"ranks nothing; none is significantly better there than {_names(found.best)}"
        if len(found.best) < len(found.ranks)
        else "ranks nothing; no plugin is significantly better there than another"
    )


def _unranked(labels: tuple[str, ...]) -> str:
    return (
        f"{_names(labels)}: the records keep no predictions of the validation examples, as those "
        "of older versions; run again with --reuse never"
    )


def _names(labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:_MOST_NAMES])
    left = len(labels) - _MOST_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def _many(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"
