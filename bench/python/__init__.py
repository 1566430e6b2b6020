"""The suite for those who write Python: what ``import bench`` offers.

``calls`` are its functions, which run and read as the command line does; ``results`` is
what they return, as data frames and as a leaderboard that shows itself.
"""

__all__ = ["calls", "results"]
