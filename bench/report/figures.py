"""The learning curves of all models of a table as one picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from matplotlib.transforms import IdentityTransform

from bench.analysis.frontier import (
    CURVES,
    TIME,
    FrontierPoint,
    Panel,
    Range,
    baseline,
    frontier,
    own_range,
    panels,
    pictures,
    points,
    shared_range,
    visible,
    without_cost,
)
from bench.analysis.leaderboard import Leaderboard, Spread, Table
from bench.formatting import few, metric_name, one_line
from bench.report.columns import quality
from bench.report.provenance import title
from bench.report.style import (
    BLUE,
    DASHES,
    GREY,
    HEAD,
    ORANGE,
    RED,
    WIDTH,
    Box,
    add_head,
    own_style,
    place,
    to_svg,
)

_COLUMNS = 4
_ROW = 1.45  # inches
_LONGEST = 26


def learning_curves(table: Table) -> bytes:
    """Draw a panel for each model, best first: training and validation metric by epoch.

    A line is a seed. The panels beside each other have one scale, but those that it would not
    show: one for all would have those of the best look alike.
    """
    shown = panels(table)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    shared = [shared_range(shown[n * columns :][:columns], table) for n in range(rows)]
    size = max(WIDTH / 2, WIDTH * columns / _COLUMNS), HEAD + 0.3 + _ROW * rows
    with own_style():
        layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEAD / size[1]))
        figure = Figure(size, layout=layout)
        grid = figure.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            if number < len(shown):
                panel = shown[number]
                _draw(axes, panel, table)
                _scale(axes, panel, shared[number // columns], number % columns == 0)
            else:
                axes.set_axis_off()
        figure.supxlabel("epoch", fontsize=8)
        figure.supylabel(metric_name(table.metric), fontsize=8)
        heading = f"{title(table)}: learning curves"
        add_head(figure, heading, _legend(table))
        return to_svg(figure, heading)


def _draw(axes: Axes, panel: Panel, table: Table) -> None:
    level = baseline(table)
    if level is not None:
        axes.axhline(level, color=GREY, linewidth=0.9, linestyle=DASHES)
    _plot(axes, [curve.train for curve in panel.curves], ORANGE)
    _plot(axes, [curve.validation for curve in panel.curves], BLUE)
    if not panel.curves:
        axes.axhline(panel.mean, color=BLUE, linewidth=0.8)
    figure = quality(Spread(panel.mean, None, 1), table.metric).text
    axes.set_title(one_line(panel.label, _LONGEST), loc="left", fontsize=8, pad=3)
    axes.set_title(figure, loc="right", fontsize=7, pad=3, color=GREY)


def _plot(axes: Axes, seeds: Sequence[Sequence[float]], colour: str) -> None:
    """Draw a line a seed as one path, broken where one ends, which keeps the file small.

    A point that has none beside it, as of a single epoch, is no line and gets a mark.
    """
    epochs = [epoch for metric in seeds for epoch in (*range(1, len(metric) + 1), math.nan)]
    values = [value for metric in seeds for value in (*metric, math.nan)]
    axes.plot(epochs, values, color=colour, linewidth=0.8)
    around = [math.nan, *values, math.nan]
    alone = [
        place
        for place, (before, value, after) in enumerate(
            zip(around[:-2], values, around[2:], strict=True)
        )
        if math.isfinite(value) and not (math.isfinite(before) or math.isfinite(after))
    ]
    if alone:
        xs, ys = [epochs[place] for place in alone], [values[place] for place in alone]
        axes.plot(xs, ys, color=colour, linestyle="none", marker="o", markersize=3)


def _scale(axes: Axes, panel: Panel, shared: Range, is_leftmost: bool) -> None:
    on_scale = shared.holds(panel.mean)
    span = shared if on_scale else own_range(panel)
    if not on_scale:
        axes.text(0.97, 0.9, "own scale", transform=axes.transAxes, ha="right", fontsize=7)
    last = max((len(curve.validation) for curve in panel.curves), default=1)
    axes.set_ylim(span.low, span.high)
    axes.set_xlim(*((1, last) if last > 1 else (0.5, 1.5)))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.grid(visible=False, axis="x")
    axes.patch.set_visible(False)
    axes.tick_params(
        left=False,
        bottom=False,
        labelleft=is_leftmost or not on_scale,
        labelbottom=bool(panel.curves),
        pad=1.5,
        labelsize=7,
    )


def _legend(table: Table) -> list[Line2D]:
    lines = [
        Line2D([], [], color=BLUE, label="validation (a line a seed; its mean beside the name)"),
        Line2D([], [], color=ORANGE, label="training"),
    ]
    if baseline(table) is None:
        return lines
    name = one_line(table.baseline, _LONGEST)
    return [*lines, Line2D([], [], color=GREY, linestyle=DASHES, label=f"{name} (baseline)")]


# Quality against training time as a picture: what more seconds buy, and what nothing beats


_LONGEST_POINT = 30
_LONGEST_LIST = 90
_FAR = 12.0  # points, beyond which a line leads from a name to its point
_TICKS = {
    0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1: "1 s", 3: "3 s", 10: "10 s", 30: "30 s",
    60: "1 min", 180: "3 min", 600: "10 min", 1800: "30 min",
    3600: "1 h", 10800: "3 h", 36000: "10 h", 108000: "30 h",
}  # fmt: skip


@dataclass(frozen=True)
class _Mark:
    """A point where it is drawn: at the edge if it lies beyond."""

    point: FrontierPoint
    seconds: float
    metric: float
    is_best: bool
    is_beyond: bool

    @property
    def colour(self) -> str:
        return RED if self.is_best else GREY if self.point.contended else BLUE


def quality_against_time(table: Table) -> bytes:
    """Draw validation metric against training time, with the frontier that nothing beats.

    What was timed while contended is drawn, in grey, and takes no part in the frontier.
    """
    shown = points(table)
    span = visible([point.quality.mean for point in shown], table.direction)
    shortest = _shortest(shown)
    drawn = span.wider(0.1)
    best = frontier(shown, table.direction)
    marks = [
        _Mark(
            point,
            max(point.cost, shortest),
            drawn.clipped(point.quality.mean),
            is_best=point in best,
            is_beyond=not drawn.holds(point.quality.mean),
        )
        for point in shown
    ]
    height = HEAD + min(6.5, 3.8 + 0.07 * len(shown))
    with own_style():
        figure = Figure((WIDTH, height))
        bottom = 0.45 / height
        axes = figure.add_axes((0.08, bottom, 0.9, 1 - bottom - HEAD / height))
        _cost_scale(axes, marks, drawn, shortest)
        _draw_costs(axes, marks, baseline(table))
        _write_names(axes, marks, baseline(table), table.metric)
        better = "lower" if table.direction == "min" else "higher"
        axes.set_ylabel(f"validation {metric_name(table.metric)}, {better} is better")
        axes.set_xlabel("training time" + _left_out(table))
        heading = f"{title(table)}: quality against training time"
        add_head(figure, heading, _cost_legend(table, marks))
        return to_svg(figure, heading)


def _left_out(table: Table) -> str:
    names = one_line(few(without_cost(table)), _LONGEST_LIST)
    return f" (left out, without a time that compares: {names})" if names else ""


def _shortest(shown: Sequence[FrontierPoint]) -> float:
    """Return the time at which models without training are drawn: a logarithm has no zero."""
    trained = [point.cost for point in shown if point.cost >= min(_TICKS)]
    return min(trained, default=1.0) / (3.0 if len(trained) < len(shown) else 1.0)


def _cost_scale(axes: Axes, marks: Sequence[_Mark], drawn: Range, shortest: float) -> None:
    longest = max(mark.seconds for mark in marks)
    ticks = {at: name for at, name in _TICKS.items() if shortest / 2 <= at <= longest * 2}
    if any(mark.point.cost < shortest for mark in marks):
        ticks = {shortest: "none", **{at: n for at, n in ticks.items() if at > 1.5 * shortest}}
    axes.set_xscale("log")
    axes.set_xlim(shortest / 2, longest * 2)
    axes.xaxis.set_major_locator(FixedLocator([*ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([*ticks.values()])
    axes.set_ylim(drawn.low, drawn.high)
    axes.tick_params(length=2)


def _draw_costs(axes: Axes, marks: Sequence[_Mark], level: float | None) -> None:
    best = sorted((mark.seconds, mark.metric) for mark in marks if mark.is_best)
    axes.plot(
        [seconds for seconds, _ in best],
        [metric for _, metric in best],
        color=RED,
        linewidth=1,
        alpha=0.6,
        drawstyle="steps-post",
    )
    if level is not None:
        axes.axhline(level, color=GREY, linewidth=0.9, linestyle=DASHES)
    for mark in marks:
        axes.errorbar(
            mark.seconds,
            mark.metric,
            yerr=None if mark.is_beyond else _half(mark.point.quality),
            color=mark.colour,
            elinewidth=0.8,
            marker="d" if mark.is_beyond else "o",
            markersize=5,
            markerfacecolor=mark.colour if mark.is_best else "white",
            clip_on=not mark.is_beyond,  # What is drawn at the edge lies half outside.
        )


def _half(quality: Spread) -> float | None:
    return quality.interval.half if quality.interval else None


def _write_names(axes: Axes, marks: Sequence[_Mark], level: float | None, metric: str) -> None:
    """Write each name near its point, those of the frontier first."""
    ordered = sorted(marks, key=lambda mark: not mark.is_best)
    texts = [_name(axes, mark, metric) for mark in ordered]
    sizes = [(box.width + 2, box.height) for box in (text.get_window_extent() for text in texts)]
    frame = axes.get_window_extent()
    canvas = Box(frame.x0, frame.y0, frame.width, frame.height)

    def on_canvas(seconds: float, metric: float) -> tuple[float, float]:
        x, y = axes.transData.transform((seconds, metric))
        return float(x), float(y)

    at = [on_canvas(mark.seconds, mark.metric) for mark in ordered]
    lines = _steps(sorted(xy for xy, mark in zip(at, ordered, strict=True) if mark.is_best))
    lines += [_bar(mark, on_canvas) for mark in ordered if _half(mark.point.quality)]
    if level is not None:
        _, y = on_canvas(1.0, level)
        lines.append(Box(canvas.x, y - 0.5, canvas.width, 1.0))
    for text, box, (x, y) in zip(texts, place(at, sizes, lines, canvas), at, strict=True):
        text.set_position((box.x + 1, box.y))
        near = _clamp(x, box.x, box.x + box.width), _clamp(y, box.y, box.y + box.height)
        if abs(near[0] - x) + abs(near[1] - y) > _FAR:
            lead = Line2D([x, near[0]], [y, near[1]], color=GREY, linewidth=0.4)
            lead.set_transform(IdentityTransform())
            axes.add_artist(lead)


def _bar(mark: _Mark, on_canvas: Callable[[float, float], tuple[float, float]]) -> Box:
    """Return the bar of a point's interval as a thin box."""
    half = _half(mark.point.quality) or 0.0
    x, low = on_canvas(mark.seconds, mark.metric - half)
    _, high = on_canvas(mark.seconds, mark.metric + half)
    return Box(x - 0.5, low, 1.0, high - low)


def _steps(best: Sequence[tuple[float, float]]) -> list[Box]:
    """Return the frontier's lines, from the quickest point on, as thin boxes."""
    boxes = []
    for (x, y), (next_x, next_y) in pairwise(best):
        boxes.append(Box(x, y - 0.5, next_x - x, 1.0))
        boxes.append(Box(next_x - 0.5, min(y, next_y), 1.0, abs(next_y - y)))
    return boxes


def _name(axes: Axes, mark: _Mark, metric: str) -> Text:
    name = one_line(mark.point.label, _LONGEST_POINT)
    if mark.is_beyond:
        name += f" ({quality(Spread(mark.point.quality.mean, None, 1), metric).text})"
    return axes.text(
        0,
        0,
        name,
        color=mark.colour,
        fontsize=8,
        fontweight="bold" if mark.is_best else "normal",
        va="bottom",
        transform=IdentityTransform(),
    )


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _cost_legend(table: Table, marks: Sequence[_Mark]) -> list[Line2D]:
    lines = []
    contended = [mark for mark in marks if mark.point.contended]
    if len(contended) < len(marks):
        lines.append(_dot("o", RED, RED, "nothing is both quicker and better"))
        lines.append(_dot("o", BLUE, "white", "the others"))
    if contended:
        none = "" if len(contended) < len(marks) else ": no frontier"
        lines.append(_dot("o", GREY, "white", f"contended{none}"))
    if any(mark.is_beyond for mark in marks):
        lines.append(_dot("d", BLUE, "white", "beyond the scale"))
    if baseline(table) is not None:
        name = one_line(table.baseline, _LONGEST_POINT)
        lines.append(Line2D([], [], color=GREY, linestyle=DASHES, label=f"{name} (baseline)"))
    return lines


def _dot(marker: str, colour: str, face: str, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        color=colour,
        linestyle="",
        marker=marker,
        markerfacecolor=face,
        markersize=5,
        label=label,
    )


# The pictures of a leaderboard as SVG, for which matplotlib has to be installed


_DRAWN = {CURVES: learning_curves, TIME: quality_against_time}


def figures(board: Leaderboard) -> dict[str, bytes]:
    """Return every picture by file name.

    The same records give the same bytes, on one version of matplotlib.
    """
    return {name: _DRAWN[kind](table) for name, (kind, table) in pictures(board).items()}
