"""What there is to run: task and plugin files, read without being run.

``discover`` finds them; ``plugins``, ``grid``, ``tasks`` and ``declarations`` read what they
declare, ``kinds`` what follows from DATA; ``training_options`` has the schedule's options and
profiles, ``project`` what a working folder's own are.
"""

__all__ = [
    "declarations",
    "discover",
    "drafts",
    "grid",
    "intervals",
    "kinds",
    "plugins",
    "project",
    "source_tree",
    "tasks",
    "training_options",
]
