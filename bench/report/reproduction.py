"""Published figures beside measured ones, as a document."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.analysis.reproduction import (
    LEAST_SEEDS,
    TOLERANCE,
    VERDICTS,
    WORSE,
    PublishedFigure,
    Reproduction,
    ReproductionTable,
)
from bench.formatting import metric_name
from bench.report.columns import digits, over_seeds
from bench.report.document import (
    Cell,
    Column,
    Count,
    Document,
    Exact,
    Field,
    Missing,
    Notes,
    Number,
    Paragraph,
    Place,
    Section,
    Text,
    table_of,
)
from bench.report.provenance import about, below, opening, provenance, title

#: A reason is told whole, on a terminal as on a page.
_LONGEST_REASON = 300
_LONGEST_ON_PAGE = 300


def reproduction_document(reproduction: Reproduction) -> Document:
    """Return the comparisons, and the tables that are left out with the reason."""
    sections = [Section((Paragraph(_reading(), on=Place.PAGE),))]
    sections += [_section(comparison) for comparison in reproduction.comparisons]
    lines = left_out(reproduction)
    sections += [Section((Paragraph(f"Left out: {line}."),)) for line in lines]
    tables = [_data(comparison) for comparison in reproduction.comparisons]
    data = {"tables": tables, "left_out": lines}
    return Document("Published figures beside measured ones", tuple(sections), data)


def left_out(reproduction: Reproduction) -> list[str]:
    """Name the tables that published figures do not speak of, and say why."""
    return [f"{title(table)}: {why}" for table, why in reproduction.left_out]


def summary(comparison: ReproductionTable) -> str:
    """Count the verdicts, and the figures that are worse for no known reason."""
    found = Counter(figure.verdict for figure in comparison.figures)
    counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if found[verdict])
    unexplained = sum(f.verdict == WORSE and not f.why for f in comparison.figures)
    remark = f" ({unexplained} for no known reason)" if unexplained else ""
    number = len(comparison.figures)
    return f"{number} published figure{'s' if number > 1 else ''}: {counts}{remark}."


def _reading() -> str:
    return (
        "Published figures are of one run each, without a fixed seed, on the official data. "
        "Measured is the mean over seeds; ± is their standard deviation. Within tolerance is a "
        f"difference of at most {TOLERANCE:.3f} in the task's own metric, or of the standard "
        f"deviation where that is larger. Fewer than {LEAST_SEEDS} seeds are not judged."
    )


def _section(comparison: ReproductionTable) -> Section:
    table = comparison.table
    rows = table_of(
        _fields(comparison),
        comparison.figures,
        about=about(table),
        longest_on_page=_LONGEST_ON_PAGE,
    )
    return Section(
        (
            *opening(table),
            Paragraph(summary(comparison), on=Place.PAGE),
            rows,
            Paragraph(summary(comparison), on=Place.TERMINAL),
            Notes(provenance(table)),
        )
    )


def _data(comparison: ReproductionTable) -> dict[str, Any]:
    table = comparison.table
    return {
        **about(table),
        "why": table.why,
        "direction": table.direction,
        "provenance": dict(below(table)),
        "figures": comparison.figures,
    }


def _figure(figure: PublishedFigure) -> Cell:
    name = f"{figure.split} {metric_name(figure.metric)}" if figure.split else _named(figure.metric)
    shown = f"{name}, {figure.epoch} epoch" if figure.epoch else name
    values = {"split": figure.split, "metric": figure.metric, "epoch": figure.epoch or "best"}
    return Exact(Text(shown), values)


def _named(metric: str) -> str:
    return {"epoch_seconds": "seconds an epoch"}.get(metric, metric)


def _difference(figure: PublishedFigure) -> Cell:
    return Number(figure.difference, digits(figure.metric), is_signed=True)


def _seeds(figure: PublishedFigure) -> Cell:
    return Count(figure.measured.count) if figure.measured else Missing()


_FIELDS: tuple[Field[PublishedFigure], ...] = (
    Field(Column("plugin", "plugin", is_number=False), lambda figure: Text(figure.plugin)),
    Field(Column("figure", is_number=False), _figure),
    Field(
        Column("published", "published"),
        lambda figure: Number(figure.published, digits(figure.metric)),
    ),
    Field(
        Column("measured", "measured"),
        lambda figure: over_seeds(figure.measured, figure.metric),
    ),
    Field(Column("", "seeds", on=Place.DATA), _seeds),
    Field(Column("difference", "difference"), _difference),
    Field(Column("verdict", "verdict", is_number=False), lambda figure: Text(figure.verdict)),
    Field(
        Column("why", "why", is_number=False, longest=_LONGEST_REASON),
        lambda figure: Text(figure.why),
    ),
)


def _fields(comparison: ReproductionTable) -> tuple[Field[PublishedFigure], ...]:
    """Return the columns; people see where figures are from if any plugin says it."""
    is_told = any(figure.source for figure in comparison.figures)
    on = Place.PEOPLE | Place.DATA if is_told else Place.DATA
    source = Column("source", "source", is_number=False, on=on, importance=3)
    return (*_FIELDS[:2], Field(source, lambda figure: Text(figure.source)), *_FIELDS[2:])
