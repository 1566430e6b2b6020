"""The learning curves of all models of a table as one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bench.formatting import metric_name, one_line
from bench.leaderboard import Spread, Table
from bench.pictures import Panel, Range, baseline, own_range, panels, shared_range
from bench.render.columns import quality
from bench.render.provenance import title
from bench.render.svg import BLUE, DASHES, GREY, HEAD, ORANGE, WIDTH, add_head, own_style, to_svg

_COLUMNS = 4
_ROW = 1.45  # inches
_LONGEST = 26


def learning_curves(table: Table) -> bytes:
    """Draw a panel for each model, best first: training and validation metric by epoch.

    A line is a seed. All panels have one scale but those that it would not show.
    """
    shown = panels(table)
    shared = shared_range(shown, table)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    size = max(WIDTH / 2, WIDTH * columns / _COLUMNS), HEAD + 0.3 + _ROW * rows
    with own_style():
        layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEAD / size[1]))
        figure = Figure(size, layout=layout)
        grid = figure.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            if number < len(shown):
                panel = shown[number]
                _draw(axes, panel, table)
                _scale(axes, panel, shared, is_leftmost=number % columns == 0)
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
    figure = quality(Spread(panel.mean, None, 1), table.metric)
    axes.set_title(one_line(panel.label, _LONGEST), loc="left", fontsize=8, pad=3)
    axes.set_title(figure, loc="right", fontsize=7, pad=3, color=GREY)


def _plot(axes: Axes, seeds: Sequence[Sequence[float]], colour: str) -> None:
    """Draw a line a seed as one path, broken where one ends, which keeps the file small."""
    epochs = [epoch for metric in seeds for epoch in (*range(1, len(metric) + 1), math.nan)]
    values = [value for metric in seeds for value in (*metric, math.nan)]
    axes.plot(epochs, values, color=colour, linewidth=0.8)


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
