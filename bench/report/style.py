"""How pictures look and are written: one style, safe text, the same bytes each time."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

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


#: Colours of a picture on a light ground, and what they are on a dark one.
_ON_DARK = {
    "#ffffff": "#0d1117",
    "#000000": "#e6edf3",
    "#e4e4e4": "#2d333b",
    GREY.lower(): "#9aa4af",
    BLUE.lower(): "#58a6dc",
    ORANGE.lower(): "#e6b450",
    RED.lower(): "#ff8c5a",
}
_COLOUR = re.compile(rb"#[0-9a-fA-F]{6}\b")


def on_dark(picture: bytes) -> bytes:
    """Return a picture of ``to_svg`` for a dark ground."""

    def other(found: re.Match[bytes]) -> bytes:
        return _ON_DARK.get(found[0].decode().lower(), found[0].decode()).encode()

    # Text is black where nothing else is said.
    style = b'<style type="text/css">text{fill:#000000}'
    return _COLOUR.sub(other, picture.replace(b'<style type="text/css">', style, 1))


def _shortened(tag: re.Match[str]) -> str:
    """Leave out what shows nothing: a third of the file.

    After a move and its lines, a pair of numbers is a line without being called one.
    """
    kept = _SUPERFLUOUS.sub("", tag[0])
    rounded = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", kept)
    return rounded if "C" in rounded or "Q" in rounded else rounded.replace(" \nL ", " ")


# Where the names of points go, so that they cover neither each other nor the points


_DIRECTIONS = 16
_DISTANCES = (7.0, 13.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0)
_MARKER = 4.0


@dataclass(frozen=True)
class Box:
    """A rectangle from its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def shared_with(self, other: Box) -> float:
        """Return the area that two boxes have in common."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(0.0, width) * max(0.0, height)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    canvas: Box,
) -> list[Box]:
    """Return a box for each point's name, near it; earlier points choose first.

    Args:
        points: Where the points are.
        sizes: Width and height of each one's name.
        obstacles: What names should not cover either.
        canvas: Where names may be.
    """
    markers = [Box(x - _MARKER, y - _MARKER, 2 * _MARKER, 2 * _MARKER) for x, y in points]
    placed: list[Box] = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        best = _least_covered(_around(x, y, width, height), [*obstacles, *markers, *placed], canvas)
        placed.append(best)
    return placed


def _around(x: float, y: float, width: float, height: float) -> Iterator[Box]:
    """Yield places from near to far, at each distance from the right round to the right."""
    for distance in _DISTANCES:
        for step in range(_DIRECTIONS):
            angle = 2 * math.pi * step / _DIRECTIONS
            right, up = math.cos(angle), math.sin(angle)
            # The box touches the circle with the side or corner that faces the point.
            left = x + distance * right - width * (1 - right) / 2
            yield Box(left, y + distance * up - height * (1 - up) / 2, width, height)


def _least_covered(boxes: Iterable[Box], taken: Sequence[Box], canvas: Box) -> Box:
    best, least = canvas, math.inf
    for box in boxes:
        outside = box.width * box.height - box.shared_with(canvas)
        covered = outside + sum(box.shared_with(other) for other in taken)
        if covered < least - 1e-6:
            best, least = box, covered
        if least <= 1e-6:
            break
    return best
