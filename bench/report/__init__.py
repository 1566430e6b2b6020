"""A leaderboard for readers: text, markdown, HTML, CSV, JSON and figures.

``writers`` writes it, of the cells in ``columns`` and the sentences in ``notes``;
``reproduction`` and ``backends`` are views of their own, ``figures`` the pictures.
"""

__all__ = ["backends", "figures", "notes", "reproduction", "style", "writers"]
