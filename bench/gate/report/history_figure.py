"""The history of a metric as one picture: a small panel for each plugin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.formatting import one_line
from bench.gate.history import Series
from bench.gate.report.history import change_text, commit_text, heading, machines_text, names
from bench.metrics import METRICS, QUALITY
from bench.report.style import BLUE, DASHES, GREY, HEAD, RED, WIDTH, add_head, own_style, to_svg

_COLUMNS = 3
_ROW = 1.55  # inches
_LONGEST = 44


def history_figure(found: Sequence[Series]) -> bytes:
    """Draw a panel for each series: its values, the medians of its segments, its changes.

    Args:
        found: Series of one metric, at least one.
    """
    columns = min(_COLUMNS, len(found))
    rows = -(-len(found) // columns)
    size = max(WIDTH / 2, WIDTH * columns / _COLUMNS), HEAD + _ROW * rows
    with own_style():
        layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEAD / size[1]))
        figure = Figure(size, layout=layout)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(found) :]:
            axes.set_axis_off()
        for axes, series, name in zip(grid.flat, found, names(found), strict=False):
            _draw(axes, series, name)
        if machines_text(found):
            figure.supxlabel("\n".join(machines_text(found)), fontsize=6, x=0.01, ha="left")
        add_head(figure, heading(found), _legend())
        return to_svg(figure, heading(found))


def _draw(axes: Axes, series: Series, name: str) -> None:
    values = [point.value for point in series.points]
    axes.plot(range(len(values)), values, ".", color=GREY, markersize=4)
    for segment in series.segments:
        ends = [segment.first - 0.5, segment.last + 0.5]
        axes.plot(ends, [segment.median] * 2, color=BLUE, linewidth=1.2)
    for before, after in pairwise(series.segments):
        _mark(axes, series, before.last + 0.5, after.change)
    axes.set_title(one_line(name, _LONGEST), loc="left", fontsize=8, pad=3)
    axes.set_xlim(-0.5, max(len(values) - 0.5, 0.5))
    low, high = _span(series)
    axes.set_ylim(low, high)
    last = len(values) - 1
    axes.xaxis.set_major_locator(FixedLocator([0, last] if last else [0]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: commit_text(series, round(x))))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(y, series)))
    axes.grid(visible=False, axis="x")
    axes.tick_params(left=False, bottom=False, pad=1.5, labelsize=6)
    # The names of the first and the last commit grow inwards, so that panels do not meet.
    labels = axes.get_xticklabels()
    labels[-1].set_horizontalalignment("right")
    labels[0].set_horizontalalignment("left")


def _span(series: Series) -> tuple[float, float]:
    """Return the ends of the axis: noise within twice the tolerance looks as small as it is."""
    values = [point.value for point in series.points]
    middle, tolerance = median(values), METRICS[series.metric].tolerance
    least = 2 * (tolerance if series.metric == QUALITY else tolerance * abs(middle))
    low, high = min(*values, middle - least), max(*values, middle + least)
    margin = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _tick(value: float, series: Series) -> str:
    """Write a value with the digits that tell one tick from the next."""
    if series.unit == "s":
        return f"{1000 * value:.4g} ms" if abs(value) < 1 else f"{value:.4g} s"
    if series.unit == "bytes":
        return f"{value / 1024**2:.4g} MiB"
    return f"{value:.4g}" if series.unit else f"{value:,.0f}"


def _mark(axes: Axes, series: Series, place: float, change: float | None) -> None:
    colour = RED if change is not None and series.is_worse(change) else BLUE
    axes.axvline(place, color=colour, linewidth=0.9, linestyle=DASHES)
    # What grows leaves room below its new level, what shrinks above.
    is_below = change is not None and change > 0
    axes.text(
        place,
        0.03 if is_below else 0.97,
        f" {change_text(change, series)}",
        transform=axes.get_xaxis_transform(),
        color=colour,
        fontsize=6,
        va="bottom" if is_below else "top",
    )


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=GREY, marker=".", linestyle="", label="a commit's measurements"),
        Line2D([], [], color=BLUE, label="median of a segment"),
        Line2D([], [], color=BLUE, linestyle=DASHES, label="change for the better"),
        Line2D([], [], color=RED, linestyle=DASHES, label="change for the worse"),
    ]
