"""What is shown: each view makes a ``document``, and ``writers`` has each format once.

``leaderboard`` (with the cells in ``columns``), ``reproduction`` and ``backends`` are views;
``figures`` draws the pictures.
"""

__all__ = [
    "backends",
    "document",
    "figures",
    "leaderboard",
    "reproduction",
    "style",
    "writers",
]
