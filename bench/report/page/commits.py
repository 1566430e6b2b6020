"""What a plugin gave at each commit at which it was trained: superseded records, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.analysis.costs import Costs, Targets, table_costs
from bench.analysis.leaderboard import Row, Spread, Table, spread
from bench.analysis.places import TimingPlace, place_of
from bench.formatting import counted, metric_name, one_line
from bench.protocol import OK
from bench.records.record import Record, answers
from bench.records.selection import (
    OTHER_SETTINGS,
    OTHER_SOURCE,
    OTHER_VERSIONS,
    Selected,
    why_another,
)
from bench.report.columns import marked, over_seeds
from bench.report.document import (
    Block,
    Cell,
    Column,
    Count,
    Field,
    Heading,
    Missing,
    Note,
    Notes,
    Paragraph,
    Text,
    table_of,
)
from bench.report.page.drawn import Drawn, short
from bench.report.provenance import title

_LETTERS = "ABC"
_CHANGED = {OTHER_SOURCE: "source", OTHER_SETTINGS: "settings", OTHER_VERSIONS: "libraries"}
#: Of a commit's digits, where a picture has little room.
_DIGITS = 7


@dataclass(frozen=True)
class CommitPoint:
    """What one configuration of a row gave at one commit, over the seeds trained there.

    ``commit`` is as ``commit_of`` writes it, ``at`` the same for the axis of a picture, where no
    two points of a row have one name. ``finished`` is the time of the last of its records;
    ``changed`` says what is another than at the point before, "" for nothing and for the first.
    ``costs`` has a letter for each place where it was timed: times of two never compare.
    """

    commit: str
    at: str
    finished: str
    changed: str
    seeds: int
    validation: Spread | None
    test: Spread | None
    costs: Mapping[str, Costs]


@dataclass(frozen=True)
class Course:
    """The points of a table's rows, from old to new, and its places of timing by their letters.

    ``others`` is how many further places there are, of which the times are left out.
    """

    points: Mapping[str, Sequence[CommitPoint]]
    places: Mapping[str, TimingPlace]
    others: int = 0


def commit_of(record: Record) -> str:
    """Return the commit that a record was made on, and whether the tree was edited."""
    environment = record.environment
    commit = one_line(str(environment.get("commit") or "none"), 40)
    return f"{commit}, edited" if environment.get("dirty") else commit


def course_of(table: Table) -> Course:
    """Return the course of each row of a table over the commits of its records.

    The rows of a table compare, so the scores of a course do; times are kept apart by place, and
    those of a place at which other work ran are marked, as in the table itself.
    """
    groups = {label: _groups(found) for label, found in table.selected.items()}
    rows = {
        (label, number): _by_place(group)
        for label, found in groups.items()
        for number, group in enumerate(found)
    }
    keys = {repr(key): key for key in rows}
    targets = Targets(table.metric, table.direction, {})
    costs = table_costs({name: rows[key] for name, key in keys.items()}, targets)
    used = Counter(place for places in rows.values() for place in places)
    chosen = [place for place, _ in used.most_common(len(_LETTERS))]
    places = dict(zip(_LETTERS, chosen, strict=False))
    letters = {place: letter for letter, place in places.items()}
    points = {}
    for label, found in groups.items():
        made = []
        for number, group in enumerate(found):
            name = repr((label, number))
            known = [costs.rows[name]] if name in costs.rows else []
            there = [*known, *costs.elsewhere.get(name, ())]
            before = found[number - 1] if number else None
            kept = {letters[each.place]: each for each in there if each.place in letters}
            made.append(_point(table, group, before, dict(sorted(kept.items()))))
        points[label] = _named_apart(made)
    return Course(points, places, len(used) - len(places))


def _groups(found: Selected) -> list[list[Record]]:
    """Return the records that are ok by commit and configuration, in the order of the last."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in found.everything:
        if record.status == OK:
            key = commit_of(record), record.trial.configuration
            groups[key] = [*groups.pop(key, []), record]
    return [*groups.values()]


def _by_place(group: Sequence[Record]) -> dict[TimingPlace, list[Record]]:
    places: dict[TimingPlace, list[Record]] = {}
    for record in group:
        places.setdefault(place_of(record), []).append(record)
    return places


def _point(
    table: Table,
    group: Sequence[Record],
    before: Sequence[Record] | None,
    costs: Mapping[str, Costs],
) -> CommitPoint:
    seeds = [*answers(group).values()]
    last = group[-1]
    why = why_another(before[-1].trial, last.trial) if before else ""
    return CommitPoint(
        commit_of(last),
        "",
        last.finished,
        _CHANGED.get(why, ""),
        len(seeds),
        _scores(seeds, "validation", table.metric),
        _scores(seeds, "test", table.metric),
        costs,
    )


def _scores(seeds: Sequence[Record], split: str, metric: str) -> Spread | None:
    found = (record.metrics.get(split, {}).get(metric) for record in seeds)
    return spread([value for value in found if value is not None])


def _named_apart(points: Sequence[CommitPoint]) -> list[CommitPoint]:
    """Give each point a short name, with a number where several are of one commit."""
    named, seen = [], Counter[str]()
    for point in points:
        commit, comma, edited = point.commit.partition(",")
        name = f"{commit[:_DIGITS]}{comma}{edited}"
        seen[name] += 1
        named.append(replace(point, at=f"{name} ({seen[name]})" if seen[name] > 1 else name))
    return named


# What is shown of it: a picture and its table where there are two points, else a line


def drawn_course(course: Course) -> Drawn:
    """Return what the pictures of a course are drawn from; nothing where no row has two points."""
    rows = {
        label: [_drawn_point(point) for point in points]
        for label, points in course.points.items()
        if len(points) > 1
    }
    places = {letter: place.name for letter, place in course.places.items()}
    return {"history": rows, "history_places": places} if rows else {}


def _drawn_point(point: CommitPoint) -> Drawn:
    value = point.validation
    return {
        "at": point.at,
        "when": point.finished,
        "changed": point.changed,
        "seeds": point.seeds,
        "mean": short(value.mean if value else None),
        "deviation": short(value.deviation if value else None),
        "times": {letter: short(costs.fit_seconds) for letter, costs in point.costs.items()},
        "contended": [letter for letter, costs in point.costs.items() if costs.contended],
    }


def history(rows: Sequence[tuple[Table, Row, Course]]) -> list[Block]:
    """Return what a panel tells of the commits of a plugin's rows."""
    blocks: list[Block] = [Heading("History over commits", level=4)]
    notes = []
    for table, row, course in rows:
        points = course.points[row.label]
        where = f"{row.label}, {title(table)}"
        if len(points) < 2:
            notes.append(Note(where, _since(points)))
        else:
            blocks += [Paragraph(f"{where}{_READING}"), table_of(_fields(table, course), points)]
            blocks += _places(course)
    return [*blocks, Notes(tuple(notes))]


_READING = (
    ": a line for each commit and configuration that was trained, in the order in which they were "
    "measured; ± is the standard deviation over the seeds, and changed says what differs from the "
    "line above."
)


def _since(points: Sequence[CommitPoint]) -> str:
    if not points:
        return "no trial of it is ok"
    (point,) = points
    day = point.finished[:10]
    if point.commit.startswith("none"):
        return f"measured on {day}; no commit is recorded, so there is no history"
    return f"as it is since commit {point.commit}, measured on {day}; no other was measured"


def _places(course: Course) -> list[Block]:
    if len(course.places) < 2:
        return []
    named = "; ".join(f"{letter}: {place.name}" for letter, place in course.places.items())
    further = f"; the times of {counted(course.others, 'other place')} are left out"
    more = further if course.others else ""
    return [Paragraph(f"Times compare within one column alone. {named}{more}.")]


def _fields(table: Table, course: Course) -> list[Field[CommitPoint]]:
    metric = metric_name(table.metric)
    return [
        Field(Column("commit", is_number=False), lambda point: Text(point.commit)),
        Field(
            Column("measured", is_number=False, importance=3),
            lambda point: Text(point.finished[:16].replace("T", " ")),
        ),
        Field(Column("changed", is_number=False), lambda point: Text(point.changed)),
        Field(Column("seeds", importance=1), lambda point: Count(point.seeds)),
        Field(
            Column(f"validation {metric}"), lambda point: over_seeds(point.validation, table.metric)
        ),
        Field(
            Column(f"test {metric}", importance=2),
            lambda point: over_seeds(point.test, table.metric),
        ),
        *(
            Field(
                Column("training" if len(course.places) == 1 else f"training, {letter}"),
                partial(_training, letter),
            )
            for letter in course.places
        ),
    ]


def _training(letter: str, point: CommitPoint) -> Cell:
    costs = point.costs.get(letter)
    return Missing() if costs is None else marked(costs, costs.fit_seconds)
