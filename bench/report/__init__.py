"""What is shown: each view makes a ``document``, and ``writers`` has each format once.

``leaderboard`` (with the cells in ``columns``), ``reproduction`` and ``backends`` are views;
``comparison`` tells how ranks were found, ``provenance`` where numbers come from; ``figures``
draws the pictures, ``data_look`` shows and draws a task's data.
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
    "writers",
]
