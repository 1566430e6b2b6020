"""From a request to records: trials are planned, given to workers, watched and kept.

``session`` is one run from end to end, ``runner`` goes through its plan, ``executor`` and what
stands behind it start, watch and end the processes; ``jobs`` makes what they are told,
``recorder`` writes what comes of it, and ``interruption`` hears of Ctrl-C.
"""

__all__ = [
    "executor",
    "interruption",
    "jobs",
    "launch",
    "preparation",
    "processes",
    "progress",
    "recorder",
    "runner",
    "session",
]
