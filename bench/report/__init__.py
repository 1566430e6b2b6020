"""What is shown: each view makes a ``document``, and ``writers`` has each format once.

Views are ``leaderboard`` (cells in ``columns``), ``reproduction``, ``two_results``, ``backends``;
``comparison`` and ``provenance`` explain; ``figures`` and ``data_look`` draw, ``trials`` has rows
of everything, which ``trackers`` hand to other tools; ``page`` is for a browser.
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
