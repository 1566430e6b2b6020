"""Backends side by side, as a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.backends import OTHER, BackendComparison, BackendRun, BackendTable
from bench.formatting import NOTHING, metric_name
from bench.report.columns import CONTENDED, marked, quality
from bench.report.document import (
    Bytes,
    Cell,
    CellTable,
    Column,
    Count,
    Document,
    Duration,
    Exact,
    Field,
    IntervalCell,
    Marked,
    Missing,
    Note,
    Notes,
    Paragraph,
    Place,
    Section,
    Text,
    table_of,
)
from bench.report.provenance import about, below, opening, provenance, title

#: Stands after a compile time in which compiled code was read from a cache.
CACHED = "†"


@dataclass(frozen=True)
class _BackendLine:
    """A plugin on one backend; what is said of the plugin stands on its first line."""

    plugin: BackendComparison
    side: BackendRun
    is_first: bool


def backends_document(found: Sequence[BackendTable]) -> Document:
    """Return the comparisons, what they could not tell, and the plugins that are left out."""
    sections = [_section(comparison) for comparison in found if comparison.plugins]
    sections += [Section((Paragraph(line),)) for line in left_out(found)]
    data = {"tables": [_data(comparison) for comparison in found]}
    return Document("Backends side by side", tuple(sections), data)


def _section(comparison: BackendTable) -> Section:
    table = comparison.table
    said = [Note("", line) for line in reasons(comparison)]
    return Section(
        (
            *opening(table),
            Paragraph(reading(comparison), on=Place.PAGE),
            _rows(comparison),
            Notes((*said, *provenance(table))),
            Paragraph(reading(comparison), on=Place.TERMINAL),
        )
    )


def _data(comparison: BackendTable) -> dict[str, Any]:
    table = comparison.table
    return {
        **about(table),
        "why": table.why,
        "metric": table.metric,
        "direction": table.direction,
        "provenance": dict(below(table)),
        "plugins": comparison.plugins,
        "alone": comparison.alone,
    }


def reasons(comparison: BackendTable) -> list[str]:
    """Say in lines why there is no fastest backend, or no telling of quality, of which plugins."""
    said: dict[str, list[str]] = {}
    for plugin in comparison.plugins:
        if plugin.why_none:
            said.setdefault(f"No fastest backend ({plugin.why_none})", []).append(plugin.plugin)
        if plugin.why_quality and plugin.quality != OTHER:
            line = f"Quality {plugin.quality} ({plugin.why_quality})"
            said.setdefault(line, []).append(plugin.plugin)
        for note in plugin.notes:
            said.setdefault(note, []).append(plugin.plugin)
    return [f"{line}: {', '.join(plugins)}." for line, plugins in said.items()]


def reading(comparison: BackendTable) -> str:
    """Say how a comparison is to be read."""
    sides = [side for plugin in comparison.plugins for side in plugin.sides]
    parts = [
        "Fastest: the shortest median epoch after each seed's first, where its 95% confidence "
        "interval lies below the others' and its quality is not worse; how processes differ is "
        "in an interval as far as there are several seeds. Same quality: whether the validation "
        f"{metric_name(comparison.table.metric)} is separated on the same examples, at 5% over "
        "all pairs of backends here; yes says that no difference was found."
    ]
    if any(side.costs.contended for side in sides):
        parts.append(f"{CONTENDED} timed while other work ran on the machine.")
    if any(side.cached for side in sides):
        parts.append(f"{CACHED} compiled code was read from a cache: compares with no other time.")
    return " ".join(parts)


def left_out(found: Sequence[BackendTable]) -> list[str]:
    """Name the plugins that are ok on one backend only, and say on which."""
    lines = []
    for comparison in found:
        said: dict[str, list[str]] = {}
        for plugin, why in comparison.alone.items():
            said.setdefault(why, []).append(plugin)
        listed = "; ".join(f"{', '.join(plugins)} ({why})" for why, plugins in said.items())
        if listed:
            lines.append(f"Left out of {title(comparison.table)}: {listed}.")
    return lines


def _rows(comparison: BackendTable) -> CellTable:
    metric = comparison.table.metric
    fields: list[Field[_BackendLine]] = [
        Field(Column("plugin", "plugin", is_number=False), lambda line: _once(line, _name(line))),
        Field(Column("backend", "backend", is_number=False), lambda line: Text(line.side.backend)),
        Field(Column("", "metric", on=Place.DATA), lambda line: Text(metric)),
        Field(
            Column(f"validation {metric_name(metric)}", "validation"),
            lambda line: quality(line.side.quality, metric),
        ),
        Field(Column("", "seeds", on=Place.DATA), lambda line: Count(line.side.quality.count)),
        *_times(),
        Field(
            Column("peak memory", "peak_rss_bytes"),
            lambda line: Bytes(line.side.costs.peak_rss_bytes),
        ),
        _for_programs("contended", lambda line: "; ".join(line.side.costs.contended)),
        Field(Column("fastest", is_number=False), _fastest),
        Field(Column("same quality", is_number=False), _quality),
        _for_programs("notes", lambda line: "; ".join(line.plugin.notes)),
    ]
    return table_of(fields, _lines(comparison), about=about(comparison.table))


def _times() -> list[Field[_BackendLine]]:
    return [
        Field(Column("epoch", "epoch_seconds"), lambda line: _time(line, "epoch_seconds")),
        Field(Column("95% interval", "epoch_seconds"), _interval),
        Field(Column("compile", "compile_seconds"), _compile),
        _for_programs("compile_cached", lambda line: line.side.cached),
        Field(
            Column("per 1,000 predictions", "predict_per_1000_seconds"),
            lambda line: _time(line, "predict_per_1000_seconds"),
        ),
    ]


def _for_programs(key: str, value: Callable[[_BackendLine], str | bool]) -> Field[_BackendLine]:
    return Field(Column("", key, on=Place.DATA), lambda line: Exact(Missing(), {"": value(line)}))


def _lines(comparison: BackendTable) -> Iterator[_BackendLine]:
    for plugin in comparison.plugins:
        for number, side in enumerate(plugin.sides):
            yield _BackendLine(plugin, side, is_first=number == 0)


def _once(line: _BackendLine, cell: Cell) -> Cell:
    """Show what is said of a plugin once; programs get it on each of its lines."""
    return cell if line.is_first else Exact(Text(""), cell.values)


def _name(line: _BackendLine) -> Cell:
    return Text(line.plugin.plugin)


def _time(line: _BackendLine, name: str) -> Duration:
    return marked(line.side.costs, getattr(line.side.costs, name))


def _interval(line: _BackendLine) -> Cell:
    low, high = line.side.costs.epoch_seconds_interval or (None, None)
    return IntervalCell(Duration(low), Duration(high), " – ")


def _compile(line: _BackendLine) -> Cell:
    return Marked(_time(line, "compile_seconds"), CACHED if line.side.cached else "")


def _fastest(line: _BackendLine) -> Cell:
    plugin = line.plugin
    shown = NOTHING if plugin.factor is None else f"{plugin.fastest}, {plugin.factor:.1f} times"
    values = {"fastest": plugin.fastest, "factor": plugin.factor, "why_none": plugin.why_none}
    return _once(line, Exact(Text(shown), values))


def _quality(line: _BackendLine) -> Cell:
    plugin = line.plugin
    why = f"{OTHER}, {plugin.why_quality}" if plugin.quality == OTHER else plugin.quality
    values = {"same_quality": plugin.quality, "why_quality": plugin.why_quality}
    return _once(line, Exact(Text(why), values))
