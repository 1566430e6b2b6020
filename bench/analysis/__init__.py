"""What records say when they stand side by side: pure functions from records to tables.

``leaderboard`` makes the tables and ``ranking`` judges them; costs, contention, places,
frontier, backends, reproduction, two results and what was predicted are further questions to the
same records.
"""

__all__ = [
    "backends",
    "contention",
    "costs",
    "frontier",
    "leaderboard",
    "places",
    "predicted",
    "ranking",
    "reproduction",
    "two_results",
]
