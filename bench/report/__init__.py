"""What is shown: each view makes a ``document``, and ``writers`` has each format once.

Views: ``leaderboard`` (cells in ``columns``, each step in ``parts``), ``reproduction``,
``two_results``, ``backends``; ``comparison`` and ``provenance`` explain; ``figures``, ``data_look``
draw; ``trials`` has rows of all, for ``trackers`` too; ``apart`` shares work; ``page`` is a page.
"""

__all__ = [
    "apart",
    "backends",
    "columns",
    "data_look",
    "document",
    "figures",
    "leaderboard",
    "parts",
    "provenance",
    "reproduction",
    "sorting",
    "style",
    "trackers",
    "trials",
    "two_results",
    "writers",
]
