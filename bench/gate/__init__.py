"""The regression gate: two sides are measured or read, compared, and judged.

``check`` compares with a baseline and ``against`` with another revision; ``model`` has the
sides and verdicts that all of it speaks of, ``settings`` what a check is told.
"""

__all__ = [
    "against",
    "baseline",
    "check",
    "from_pytest_benchmark",
    "from_records",
    "history",
    "measure",
    "model",
    "settings",
]
