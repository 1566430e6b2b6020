"""How the gate tells what it found: to people, to pull requests and to other programs.

``people`` has text and markdown, ``machines`` the formats that programs read; ``history``
and ``history_figure`` show a metric over many baselines.
"""

__all__ = ["history", "history_figure", "machines"]
