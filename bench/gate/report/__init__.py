"""How the gate tells what it found: to people, to pull requests and to other programs.

``people`` has the report of a check and the table of a baseline as documents, ``machines`` the
forms that other programs have laid down; ``history`` and ``history_figure`` show a metric over
many baselines.
"""

__all__ = ["history", "history_figure", "machines", "people"]
