"""How pictures look and are written: one style, safe text, the same bytes each time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.formatting import one_line

#: Colours that the colour-blind tell apart (Okabe and Ito, 2008).
BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#666666"
DASHES = (0, (4, 3))
#: Inches, near the width of a README.
WIDTH = 9.0
#: Inches above a picture for its title and legend.
HEAD = 0.58

_STYLE = {
    "figure.dpi": 72,  # As an SVG has it, so that a pixel is a point.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "text.parse_math": False,
}
_TAG = re.compile(r"^ *<[^>]+>", re.MULTILINE)
_LONG_NUMBER = re.compile(r"\d+\.\d{2,}")
_SUPERFLUOUS = re.compile(r'^ +|(?<=<g) id="[^"]*"| transform="rotate\(-0 [^"]*"', re.MULTILINE)


@contextmanager
def own_style() -> Iterator[None]:
    """Draw in the suite's style, whatever the user has configured."""
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # A name may be in a script that the font for measuring lacks; who shows it has others.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        yield


def add_head(figure: Figure, title: str, legend: Sequence[Line2D]) -> None:
    """Write the title and, under it, the legend."""
    height = figure.get_size_inches()[1]
    figure.text(
        0.01, 1 - 0.08 / height, one_line(title, 100), va="top", fontsize=10, fontweight="bold"
    )
    figure.legend(
        handles=[*legend],
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.22 / height),
        ncols=len(legend),
        frameon=False,
        handlelength=2.2,
    )


def to_svg(figure: Figure, title: str) -> bytes:
    """Return a picture to a tenth of a point, without date or version."""
    buffer = io.StringIO()
    metadata = {"Title": one_line(title), "Date": None, "Creator": None}
    figure.savefig(buffer, format="svg", facecolor="white", metadata=metadata)
    return _TAG.sub(_shortened, buffer.getvalue()).encode()


def _shortened(tag: re.Match[str]) -> str:
    """Leave out what shows nothing: a third of the file.

    After a move and its lines, a pair of numbers is a line without being called one.
    """
    kept = _SUPERFLUOUS.sub("", tag[0])
    rounded = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", kept)
    return rounded if "C" in rounded or "Q" in rounded else rounded.replace(" \nL ", " ")
