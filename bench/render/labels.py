"""Where the names of points go, so that they cover neither each other nor the points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
