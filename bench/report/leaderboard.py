"""The leaderboard as a document: its tables, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from bench.analysis.costs import Costs, shows_published
from bench.analysis.frontier import on_frontier
from bench.analysis.leaderboard import Leaderboard, Table, alike_seeds
from bench.analysis.places import changed_by_threads
from bench.data.prepared import notes_of
from bench.formatting import metric_name, one_line, size
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import (
    OTHER_SETTINGS,
    OTHER_SOURCE,
    OTHER_VERSIONS,
    REPLACED,
    UNREADABLE,
)
from bench.report.columns import (
    BEST,
    CONTENDED,
    UNKNOWN,
    board_fields,
    cost_fields,
    has_order_alone,
    marked,
    reading_costs,
    with_costs,
)
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
    Number,
    Paragraph,
    Place,
    Scalar,
    Section,
    Text,
    table_of,
)

if TYPE_CHECKING:
    from bench.statistics.compare import TableComparison

_MOST_NAMES = 6
_MOST_DATA_NOTES = 20


def leaderboard_document(board: Leaderboard) -> Document:
    """Return every table with its costs, how its ranks were found, and where numbers come from."""
    sections = [_section(table) for table in board.tables]
    if not sections:
        sections = [Section((Paragraph("No records yet.", on=Place.PAGE),))]
    if board.left_out:
        sections.append(Section((Paragraph(left_out(board)),)))
    tables = [_data(table) for table in board.tables]
    data = {"tables": tables, "left_out": board.left_out}
    return Document("Leaderboard", tuple(sections), data)


def _section(table: Table) -> Section:
    """Put what explains a table before it on a page, and behind it on a terminal."""
    mark = [Paragraph(contended(table))] if contended(table) else []
    lines = [*chosen(table), *compared(table), *circumstances(table)]
    notes = [Note(label, text) for label, text in lines]
    return Section(
        (
            *opening(table),
            Paragraph(reading(table), on=Place.PAGE),
            table_of(board_fields(table), table.rows, about=about(table)),
            *mark,
            *pairs(table),
            *_costs(with_costs(table)),
            *_by_place(table),
            Paragraph(reading(table), on=Place.TERMINAL),
            Notes((*notes, *provenance(table))),
        )
    )


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
    if not table.elsewhere:
        return []
    return [
        Heading("Cost by machine", level=3, on=Place.PEOPLE),
        Paragraph(reading_places(table), on=Place.PEOPLE),
        table_of(place_fields(), placed_costs(table), on=Place.PEOPLE),
    ]


def placed_costs(table: Table) -> list[tuple[str, Costs]]:
    """Return the rows that were timed elsewhere, too, or only there, with the costs of each place.

    They stand in the order of the table, the place of the table's own times first.
    """
    return [
        (row.label, costs)
        for row in table.rows
        for costs in ([row.costs] if row.costs else []) + [*table.elsewhere.get(row.label, ())]
        if row.label in table.elsewhere
    ]


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
        "circumstances": dict(circumstances(table)),
        "place": table.place,
        "elsewhere": table.elsewhere,
        "rows": [{**vars(row), "on_frontier": is_best.get(row.label)} for row in table.rows],
    }


# What every view says of a table


def opening(table: Table) -> tuple[Block, ...]:
    """Return what a section on a table begins with: its name, and which data it is about."""
    return Heading(title(table)), Paragraph(above(table), is_strong=True)


def provenance(table: Table) -> tuple[Note, ...]:
    """Return where a table's numbers come from, for a page."""
    return tuple(Note(label, text, on=Place.PAGE) for label, text in below(table))


def about(table: Table) -> dict[str, Scalar]:
    """Return what programs get of a table with each of its rows."""
    names = ("task", "source", "fingerprint", "profile", "task_version", "scored_examples")
    return {name: getattr(table, name) for name in names}


# How the ranks were found, and what they could not tell


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
    sampled = (
        f"single {table.groups}"
        if found.independent
        else f"blocks of {lengths}{_many(longest, table.groups)}, as long as the errors of a pair "
        f"are alike, of {found.blocks:,}"
    )
    if found.one_seed:
        return (
            f"none with one seed each: differences and intervals are of these trained models, "
            f"examples resampled in {sampled}"
        )
    count = len(found.ranks)
    pairs = _many(count * (count - 1) // 2, "pairs")
    return (
        f"{pairs} compared on the same validation examples and seeds, examples resampled in "
        f"{sampled}; all tested together, {found.level:.0%} for the whole table; 2-4 are the ranks "
        f"that the data leave open, {BEST} is what none is significantly better than, by "
        f"{_many(max(1, count - 1), 'comparisons')} with the best"
    )


def _unknown(found: TableComparison) -> str:
    needs = [
        f"{label} ({_seeds(unknown.seeds)})" for label, unknown in sorted(found.unknown.items())
    ]
    return (
        f"{_names(tuple(needs))}: marked {UNKNOWN}, not shown to be worse than the best only "
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
    return (
        f"{_names(labels)}: not ranked, as another seed may end elsewhere; run with --seeds 0,1,2"
    )


def _test(found: TableComparison) -> str:
    candidates = tuple(sorted((*found.best, *found.unknown)))
    return (
        f"ranks nothing; none is significantly better there than {_names(candidates)}"
        if len(candidates) < len(found.ranks)
        else "ranks nothing; no plugin is significantly better there than another"
    )


def _unranked(labels: tuple[str, ...]) -> str:
    return (
        f"{_names(labels)}: the records keep no predictions of the validation examples, as those "
        "of older versions; run again with --reuse never"
    )


def _names(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:_MOST_NAMES])
    left = len(labels) - _MOST_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def _many(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"


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
        table_of(fields, range(len(labels)), on=Place.PAGE),
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


# What stands above and under a table: where its numbers come from


_WHY = {
    REPLACED: "replaced by a newer result of the same trial",
    OTHER_SOURCE: "of another version of the plugin's source",
    OTHER_SETTINGS: "with other hyperparameters, another view or another schedule",
    OTHER_VERSIONS: "computed with other versions of the libraries",
    UNREADABLE: "that cannot be read",
}


#: Options that say where results go.
_PLACES = ("--results", "--output")
_PLACES_WITH_VALUE = tuple(f"{option}=" for option in _PLACES)


def title(table: Table) -> str:
    """Name the task and the data, so that no table of synthetic data passes for a real one."""
    return f"{table.task}, {table.source} data, {table.profile} profile"


def above(table: Table) -> str:
    """Say which data, why these, and what was repaired or left out of them."""
    source = f"Data: {table.source}: {table.why.rstrip('.')}."
    return " ".join([source, *(data_notes(table.records[0].data) if table.records else [])])


def data_notes(data: Mapping[str, Any]) -> list[str]:
    """Return what the task has said of the data of a record, which may be foreign."""
    meta = data.get("meta")
    notes = notes_of(meta) if isinstance(meta, Mapping) else []
    return [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes[:_MOST_DATA_NOTES]]


def reading(table: Table) -> str:
    """Say how the table is to be read."""
    better = "lower is better" if table.direction == "min" else "higher is better"
    unit = table.units.get(table.metric, "")
    published = (
        " Published figures are of the official data and a full training."
        if shows_published(table.source)
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
                f"left out: {_many(peaks, 'peaks')} of forked trials without the pages that these "
                "share with their server, which compare with no others; an earlier version of the "
                "suite measured so (run again with --reuse never), or the system does not tell",
            )
        )
    return [*lines, *_threads(table)]


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
    return [
        ("threads", f"the same trial gave other predictions with other threads: {_names(told)}")
    ]


def below(table: Table) -> list[tuple[str, str]]:
    """Return label and text of each line of provenance."""
    records = table.records
    return [
        ("machine", _different(_machine(record) for record in records)),
        ("versions", _versions(records)),
        ("data", f"{table.source}, {table.fingerprint}, {_task_version(table)}"),
        ("profile", f"{table.profile}, {_scored(table)} validation and test examples scored"),
        ("commit", _different(_commit(record) for record in records)),
        ("command", _different(_command(record) for record in records)),
    ]


def _task_version(table: Table) -> str:
    source = f" ({table.task_sha256[:12]})" if table.task_sha256 else ""
    return f"task version {table.task_version}{source}"


def left_out(leaderboard: Leaderboard) -> str:
    """Say in one sentence how many records are not shown, and why; nothing if all are."""
    counted = [
        f"{number} {'file' if why == UNREADABLE else 'record'}{'' if number == 1 else 's'} {words}"
        for why, words in _WHY.items()
        if (number := leaderboard.left_out.get(why, 0))
    ]
    return f"Left out: {', '.join(counted)}." if counted else ""


def _scored(table: Table) -> str:
    return "all" if table.scored_examples is None else f"{table.scored_examples:,}"


def _different(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _machine(record: Record) -> str:
    machine: dict[str, Any] = record.environment.get("machine", {})
    memory = size(machine["memory"]) if machine.get("memory") else "? memory"
    return f"{machine.get('processor', '?')}, {machine.get('cores', '?')} cores, {memory}, " + str(
        machine.get("system", "?")
    )


def _versions(records: Sequence[Record]) -> str:
    """Name each library with its version, or all of them where runs differ."""
    found: dict[str, list[str]] = {"python": []}
    for record in [r for r in records if r.status == OK] or records:
        environment = record.environment
        versions = {"python": environment.get("python"), **record.trial.versions}
        for name, number in [*versions.items(), ("suite", environment.get("suite"))]:
            if number and number not in found.setdefault(name, []):
                found[name].append(str(number))
    return ", ".join(
        f"{name} {' and '.join(sorted(numbers))}" for name, numbers in found.items() if numbers
    )


def _command(record: Record) -> str:
    """Return the command that was given, without where its results went: that changes none."""
    words, kept = str(record.environment.get("command", "?")).split(" "), []
    skip = False
    for word in words:
        if not skip and not word.startswith(_PLACES_WITH_VALUE) and word not in _PLACES:
            kept.append(word)
        skip = not skip and word in _PLACES
    return " ".join(kept)


def _commit(record: Record) -> str:
    commit = record.environment.get("commit")
    if commit is None:
        return "none (not in a repository)"
    return f"{commit} with uncommitted changes" if record.environment.get("dirty") else str(commit)
