"""Statistics as pure functions of numbers, each with its source.

How predictions are scored (``scores``); intervals and comparisons over seeds and examples
(``blocks``, ``intervals``, ``kinds``, ``pairs``, ``compare``); ratios of times (``ratios``,
``before_after``); what tests leave to chance (``beyond_chance``); change points.
"""

__all__ = [
    "before_after",
    "beyond_chance",
    "blocks",
    "change_points",
    "compare",
    "intervals",
    "pairs",
    "ratios",
    "scores",
]
