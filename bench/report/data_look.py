"""A task's data as a document, and as pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.formatting import counted, one_line
from bench.report.document import (
    Block,
    Cell,
    CellTable,
    Column,
    Count,
    Document,
    Heading,
    Missing,
    Note,
    Notes,
    Number,
    Section,
    Text,
)

if TYPE_CHECKING:
    from bench.task import Array, Look, Picture


def data_document(task: str, facts: Mapping[str, Any], look: Look | None, example: str) -> Document:
    """Return what `data show` tells.

    Args:
        task: Its name.
        facts: What its prepared data say of themselves; what is long is counted.
        look: What the task file shows of them, None if it shows nothing.
        example: Which example is shown, such as "train 0".
    """
    known = {name.replace("_", " "): _fact(value) for name, value in facts.items()}
    sections = [_lines(f"{task}: data", known)]
    if look is not None:
        sections += [
            Section((Heading(title), _table(rows))) for title, rows in look.tables.items() if rows
        ]
        sections.append(_lines(f"example {example}", look.example))
    data = {
        "task": task,
        "facts": dict(facts),
        "tables": {} if look is None else look.tables,
        "example": {} if look is None else look.example,
    }
    return Document(f"{task}: data", tuple(sections), data)


def _lines(heading: str, lines: Mapping[str, str]) -> Section:
    notes = Notes(tuple(Note(f"  {name}", text) for name, text in lines.items()))
    blocks: tuple[Block, ...] = (Heading(heading), notes)
    return Section(blocks)


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_fact(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        is_short = len(value) <= 20 and all(isinstance(each, str) for each in value)
        return ", ".join(value) or "none" if is_short else counted(len(value), "value")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Mapping[str, str | float | None]]) -> CellTable:
    names = [*rows[0]]
    columns = tuple(
        Column(name, name, is_number=not isinstance(rows[0][name], str), importance=place or None)
        for name, place in zip(names, range(0, -len(names), -1), strict=True)
    )
    return CellTable(columns, tuple(tuple(_cell(row[name]) for name in names) for row in rows))


def _cell(value: str | float | None) -> Cell:
    if value is None:
        return Missing()
    if isinstance(value, str):
        return Text(value)
    return Count(value) if isinstance(value, int) else Number(value, 2)


# Pictures

#: Bars of a histogram, at most.
_BARS = 60
#: Points of a line in a page, which has many lines: the lowest and highest of each stretch.
_POINTS = 1200


def picture_numbers(picture: Picture) -> dict[str, Any]:
    """Return what a picture is drawn from in a page: few numbers, ready to be written as JSON.

    Of a line ``x`` are seconds since 1970 where it is over time, else numbers; of a histogram its
    edges, one more than there are bars; of bars their names.
    """
    import numpy as np

    y, x = np.asarray(picture.y), np.asarray(picture.x)
    is_time = x.dtype.kind == "M"
    if picture.kind == "histogram":
        y, x = np.histogram(y, bins=_edges(y))
    elif picture.kind == "line":
        from bench.series.look import thinned  # What draws texts has no need of it.

        x, y = thinned(x.astype("datetime64[s]").astype("int64") if is_time else x, y, _POINTS)
    return {
        "title": one_line(picture.title),
        "kind": picture.kind,
        "is_time": is_time,
        "x": [one_line(str(name)) for name in x] if picture.kind == "bars" else _numbers(x),
        "y": _numbers(y),
        "x_label": one_line(picture.x_label),
        "y_label": one_line(picture.y_label),
        "marks": {one_line(name): float(value) for name, value in picture.marks.items()},
    }


def _edges(values: Array) -> Array:
    """Return the edges of a histogram's bars: each bar has as many whole numbers as the others."""
    import numpy as np

    low, high = np.min(values), np.max(values)
    if np.asarray(values).dtype.kind not in "iu":
        return np.linspace(low, high if high > low else low + 1, _BARS + 1)
    width = max(1, -(-(int(high) - int(low) + 1) // _BARS))
    return np.arange(int(low), int(high) + width + 1, width)


def _numbers(values: Array) -> list[float | None]:
    """Return numbers that a picture does not exceed: whole ones, or five digits that count."""
    if values.dtype.kind in "iu":
        return [int(value) for value in values]
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]


def data_figures(task: str, pictures: Sequence[Picture]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each picture's file, and the picture as SVG."""
    for picture in pictures:
        yield f"{task}-{picture.name}.svg", _drawn(task, picture)


def _drawn(task: str, picture: Picture) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.lines import Line2D

    from bench.report.style import (
        BLUE,
        DASHES,
        GREY,
        HEAD,
        ORANGE,
        RED,
        WIDTH,
        add_head,
        own_style,
        to_svg,
    )

    heading = f"{task}: {picture.title}"
    with own_style():
        size = (WIDTH, HEAD + 2.6)
        layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEAD / size[1]))
        figure = Figure(size, layout=layout)
        axes = figure.subplots()
        if picture.kind == "line":
            axes.plot(picture.x, picture.y, color=BLUE, linewidth=0.8)
        elif picture.kind == "histogram":
            axes.hist(picture.y, bins=_edges(picture.y).tolist(), color=BLUE)
        else:
            axes.bar([*map(str, picture.x)], picture.y, color=BLUE, width=0.5)
        colors = (ORANGE, RED, GREY)
        legend = []
        for (name, value), color in zip(picture.marks.items(), colors, strict=False):
            axes.axvline(value, color=color, linestyle=DASHES)
            legend.append(
                Line2D([], [], color=color, linestyle=DASHES, label=f"{name} {value:,.0f}")
            )
        axes.set_xlabel(picture.x_label)
        axes.set_ylabel(picture.y_label)
        add_head(figure, heading, legend)
        return to_svg(figure, heading)
