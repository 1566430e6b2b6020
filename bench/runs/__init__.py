"""From a request to records: trials are planned, given to workers, watched and kept.

``session`` is one run from end to end, ``runner`` goes through its plan, ``executor`` starts,
watches and ends the processes; ``jobs`` makes what they are told, ``recorder`` writes what comes of
it, ``interruption`` hears of Ctrl-C, and ``ensembles`` puts together what trials have predicted.
"""

__all__ = [
    "ensembles",
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
