"""What is shown: each view makes a ``document``, and ``writers`` has each format once.

``leaderboard`` (its cells in ``columns``), ``reproduction``, ``two_results`` and ``backends`` are
views; ``comparison`` tells how ranks were found, ``provenance`` where numbers come from;
``figures`` and ``data_look`` draw, ``trials`` has rows of everything, which ``trackers`` hand to
other tools; ``page`` is for a browser.
"""

__all__ = [
    "backends",
    "data_look",
    "document",
    "figures",
    "leaderboard",
    "provenance",
    "reproduction",
    "sorting",
    "style",
    "trackers",
    "trials",
    "two_results",
    "writers",
]
