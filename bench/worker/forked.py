"""A child that a plugin forks may come back into the suite: it must not act for the trial."""

from __future__ import annotations

import os


def end_unless(trial: int) -> None:
    """End this process, at once and without a word, unless it is process ``trial``."""
    if os.getpid() != trial:
        os._exit(0)
