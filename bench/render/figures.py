"""The pictures of a leaderboard as SVG, for which matplotlib has to be installed."""

from __future__ import annotations

from bench.leaderboard import Leaderboard
from bench.pictures import CURVES, TIME, pictures
from bench.render.cost import quality_against_time
from bench.render.learning import learning_curves

_DRAWN = {CURVES: learning_curves, TIME: quality_against_time}


def figures(board: Leaderboard) -> dict[str, bytes]:
    """Return every picture by file name.

    The same records give the same bytes, on one version of matplotlib.
    """
    return {name: _DRAWN[kind](table) for name, (kind, table) in pictures(board).items()}
