"""What a page tells of one plugin: what it declares, every trial of it, what it gets wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis import predicted as found
from bench.analysis.leaderboard import Row, Table
from bench.formatting import metric_name, one_line
from bench.records.record import Record, row_label
from bench.registry.plugins import Plugin
from bench.report.document import (
    Answer,
    Block,
    Bytes,
    Cell,
    CellTable,
    Column,
    Count,
    Document,
    Duration,
    Field,
    Heading,
    Missing,
    Note,
    Notes,
    Number,
    Paragraph,
    Percentage,
    Section,
    Text,
    table_of,
)
from bench.report.page.commits import Course, commit_of, history
from bench.report.page.drawn import MOST_CLASSES, errors_of
from bench.report.provenance import title

#: From a table and an example's number within the test split to its words; "" where none are.
ExampleWords = Callable[[Table, int], str]


@dataclass(frozen=True)
class Standing:
    """One row of a plugin, where it stands, what it predicted, as far as that is kept, its past."""

    table: Table
    row: Row
    predicted: found.Predicted | None
    course: Course


@dataclass(frozen=True)
class PluginPanel:
    """A plugin: its document, and the text of its file where that is the recorded one.

    ``labels`` are those of its rows by the table, ``summaries`` what its models tell of themselves
    by what they are of.
    """

    name: str
    document: Document
    source: str
    labels: Mapping[str, Sequence[str]]
    summaries: Mapping[str, str]


def panel_of(
    name: str,
    standing: Sequence[Standing],
    plugin: Plugin | None,
    words: ExampleWords,
    name_of: Callable[[Table], str],
) -> PluginPanel:
    """Return all that is told of a plugin.

    Args:
        name: Its name in the records.
        standing: Its rows, at least one.
        plugin: Its file as it is now, None where there is none.
        words: Gives the words of an example, where the data are at hand.
        name_of: Gives the name by which the page knows a table.
    """
    labels: dict[str, list[str]] = {}
    for each in standing:
        labels.setdefault(name_of(each.table), []).append(each.row.label)
    summaries = _summaries(standing)
    trial = standing[0].table.selected[standing[0].row.label].trial
    is_recorded = plugin is not None and plugin.sha256 == trial.plugin_sha256
    blocks = [
        *_opening(plugin, is_recorded, bool(summaries)),
        *_published(standing),
        *_settings(standing[0]),
        *history([(each.table, each.row, each.course) for each in standing]),
        *_trials(standing),
        *(block for each in standing for block in _of_predictions(each, words)),
    ]
    document = Document(name, (Section(tuple(blocks)),), level=3)
    source = plugin.source if plugin and is_recorded else ""
    return PluginPanel(name, document, source, labels, summaries)


def _summaries(standing: Sequence[Standing]) -> dict[str, str]:
    """Return what the models tell of themselves, each text once, by where it is from."""
    found = {
        each.predicted.summary: f"{each.row.label}, {title(each.table)}"
        for each in reversed(standing)
        if each.predicted is not None and each.predicted.summary
    }
    return {where: summary for summary, where in reversed(found.items())}


def _opening(plugin: Plugin | None, is_recorded: bool, has_summary: bool) -> list[Block]:
    lines = []
    if plugin is not None and plugin.reference_note:
        lines.append(Note("published", plugin.reference_note))
    if plugin is None:
        lines.append(Note("source", "its file is not at hand"))
    elif not is_recorded:
        lines.append(Note("source", "the file was edited since it was run, so it is not shown"))
    if not has_summary:
        lines.append(Note("model.summary()", "not kept; an estimator has none"))
    described = [Paragraph(plugin.description)] if plugin and plugin.description else []
    return [*described, Notes(tuple(lines))]


@dataclass(frozen=True)
class _Figure:
    table: Table
    row: Row
    split: str

    @property
    def published(self) -> float | None:
        prefix = "val" if self.split == "validation" else "test"
        return self.row.published.get(f"{prefix}_{self.table.metric}")

    @property
    def measured(self) -> float | None:
        spread = getattr(self.row, self.split).get(self.table.metric)
        return spread.mean if spread else None


def _published(standing: Sequence[Standing]) -> list[Block]:
    figures = [
        _Figure(each.table, each.row, split)
        for each in standing
        for split in ("validation", "test")
    ]
    known = [each for each in figures if each.published is not None]
    if not known:
        return []
    fields: list[Field[_Figure]] = [
        Field(Column("where", is_number=False), lambda each: Text(title(each.table))),
        Field(Column("model", is_number=False), lambda each: Text(each.row.label)),
        Field(
            Column("figure", is_number=False),
            lambda each: Text(f"{each.split} {metric_name(each.table.metric)}"),
        ),
        Field(Column("published"), lambda each: Number(each.published)),
        Field(Column("measured"), lambda each: Number(each.measured)),
        Field(Column("difference"), _difference),
    ]
    return [
        Heading("Published beside measured", level=4),
        Paragraph("Published figures are of the official data and a full training."),
        table_of(fields, known),
    ]


def _difference(each: _Figure) -> Cell:
    if each.published is None or each.measured is None:
        return Missing()
    return Number(each.measured - each.published, is_signed=True)


def _settings(first: Standing) -> list[Block]:
    trial = first.table.selected[first.row.label].trial
    groups = {
        "hyperparameter": trial.hyperparameters,
        "view": trial.view,
        "training": trial.training,
    }
    rows = [(name, value, group) for group, part in groups.items() for name, value in part.items()]
    fields: list[Field[tuple[str, object, str]]] = [
        Field(Column("name", is_number=False), lambda line: Text(str(line[0]))),
        Field(Column("value", is_number=False), lambda line: Text(repr(line[1]))),
        Field(Column("of", is_number=False), lambda line: Text(line[2])),
    ]
    return [
        Heading("Hyperparameters", level=4),
        Paragraph(f"Of {first.row.label}, {title(first.table)}."),
        table_of(fields, rows),
    ]


# Every trial, of every seed, profile and commit


@dataclass(frozen=True)
class _TrialLine:
    table: Table
    record: Record
    is_current: bool


def _trials(standing: Sequence[Standing]) -> list[Block]:
    lines = [
        _TrialLine(each.table, record, record in current)
        for each in standing
        for current in [each.table.selected[each.row.label].told]
        for record in each.table.selected[each.row.label].everything
    ]
    lines.sort(key=lambda line: line.record.finished, reverse=True)
    return [
        Heading("Every trial", level=4),
        Paragraph("The newest first; the row of a table is of the current ones."),
        table_of(_TRIAL_FIELDS, lines),
    ]


def _score(split: str) -> Callable[[_TrialLine], Cell]:
    def cell(line: _TrialLine) -> Cell:
        scores = line.record.metrics.get(split)
        value = scores.get(line.table.metric) if isinstance(scores, Mapping) else None
        return Number(value if isinstance(value, int | float) else None)

    return cell


def _measured(
    section: str, name: str, write: Callable[[float | None], Cell]
) -> Callable[..., Cell]:
    def cell(line: _TrialLine) -> Cell:
        value = getattr(line.record, section).get(name)
        return write(value if isinstance(value, int | float) else None)

    return cell


def _status(line: _TrialLine) -> Cell:
    record = line.record
    return Text(f"{record.status}: {record.reason}" if record.reason else record.status)


def _time(finished: str) -> str:
    return finished[:16].replace("T", " ")


_TRIAL_FIELDS: list[Field[_TrialLine]] = [
    Field(Column("finished", is_number=False), lambda line: Text(_time(line.record.finished))),
    Field(Column("current", is_number=False), lambda line: Answer(line.is_current)),
    Field(Column("profile", is_number=False, importance=4), lambda line: Text(line.table.profile)),
    Field(Column("data", is_number=False, importance=1), lambda line: Text(line.table.source)),
    Field(Column("model", is_number=False), lambda line: Text(row_label(line.record))),
    Field(Column("seed"), lambda line: Count(line.record.trial.seed)),
    Field(Column("validation"), _score("validation")),
    Field(Column("test", importance=7), _score("test")),
    Field(Column("best epoch", importance=2), _measured("metrics", "best_epoch", Count)),
    Field(Column("training", importance=6), _measured("timing", "fit", Duration)),
    Field(Column("peak memory", importance=3), _measured("memory", "peak_rss", Bytes)),
    Field(Column("parameters", importance=3), _measured("model", "parameters", Count)),
    Field(
        Column("commit", is_number=False, importance=5), lambda line: Text(commit_of(line.record))
    ),
    Field(Column("status", is_number=False), _status),
]


# What its predictions show


def _of_predictions(each: Standing, words: ExampleWords) -> Iterator[Block]:
    if each.predicted is None or each.row.status == "skipped":
        return
    made = each.predicted
    seeds = ", ".join(map(str, made.seeds))
    where = f"{each.row.label}, {title(each.table)}, test split, seeds {seeds}"
    if made.classes:
        yield Heading("Which classes it takes for which", level=4)
        yield Paragraph(f"{where}; examples, means over the seeds.")
        yield _confusion(made)
        yield Heading("Calibration", level=4)
        yield Paragraph("What became of the examples that were predicted alike; of all seeds.")
        yield table_of(_calibration_fields(made.classes), made.calibrated())
        yield from _mistakes(each.table, made, words)
    elif each.table.in_time:
        errors = errors_of(each.table, made)
        for name, (of, means) in errors.by.items():
            yield Heading(f"Mean absolute error by {name}", level=4)
            yield Paragraph(
                ", ".join(filter(None, [where, errors.unit])) + f"; {_ERRORS_BY[name]}."
            )
            yield _means(name, of, means)


_ERRORS_BY = {
    "season": "the season of the first target, UTC as recorded",
    "hour": "the hour of the first target, UTC as recorded",
    "step": "how many steps ahead, from the first that is predicted",
}


def _means(name: str, of: Sequence[str], means: Sequence[float | None]) -> CellTable:
    columns = (Column(name, is_number=False), Column("error"))
    rows = tuple((Text(one), Number(mean, 3)) for one, mean in zip(of, means, strict=True))
    return CellTable(columns, rows)


def _confusion(made: found.Predicted) -> CellTable:
    names = [*map(one_line, made.classes)]
    counts = found.confusion(made.targets, made.taken, len(names))
    if len(names) > MOST_CLASSES:
        return _confused(names, counts)
    columns = (
        Column("class", is_number=False),
        *(Column(f"taken for {name}") for name in names),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (Text(name), *(Number(one, 1) for one in row))
        for name, row in zip(names, counts, strict=True)
    )
    return CellTable(columns, rows)


def _confused(names: Sequence[str], counts: Sequence[Sequence[float]]) -> CellTable:
    """Return the pairs of many classes that are confused the most often."""
    pairs = [
        (count, names[of], names[taken])
        for of, row in enumerate(counts)
        for taken, count in enumerate(row)
        if of != taken and count > 0
    ]
    pairs.sort(key=lambda pair: -pair[0])
    columns = [Column(name, is_number=False) for name in ("class", "taken for")]
    rows = tuple(
        (Text(of), Text(taken), Number(count, 1)) for count, of, taken in pairs[:_MOST_PAIRS]
    )
    return CellTable((*columns, Column("examples")), rows)


_MOST_PAIRS = 20


def _calibration_fields(classes: Sequence[str]) -> list[Field[found.CalibrationBin]]:
    share = f"of class {one_line(classes[1])}" if len(classes) == 2 else "is right"
    return [
        Field(Column("examples"), lambda one: Count(one.examples)),
        Field(Column("predicted, mean"), lambda one: Percentage(one.predicted)),
        Field(Column(share), lambda one: Percentage(one.share)),
    ]


def _mistakes(table: Table, made: found.Predicted, words: ExampleWords) -> Iterator[Block]:
    worst = found.worst_mistakes(made.targets, made.values)
    if not worst:
        return
    numbers, names = made.numbers, [*map(one_line, made.classes)]

    def number(one: found.Mistake) -> int | None:
        return None if numbers is None else int(numbers[one.place])

    def text(one: found.Mistake) -> Cell:
        place = number(one)
        told = words(table, place) if place is not None else ""
        return Text(told) if told else Missing()

    fields: list[Field[found.Mistake]] = [
        Field(Column("example"), lambda one: Count(number(one))),
        Field(Column("class", is_number=False), lambda one: Text(names[one.target])),
        Field(Column("taken for", is_number=False), lambda one: Text(names[one.taken])),
        Field(Column("probability"), lambda one: Number(one.sure, 3)),
        Field(Column("words", is_number=False), text),
    ]
    yield Heading("The surest mistakes", level=4)
    yield Paragraph(
        "Examples of the test split by their number; the probability of the class that they were "
        "taken for is the mean over the seeds; words where the prepared data are at hand."
    )
    yield table_of(fields, worst)
