"""What there is to run: task and plugin files, read without being run.

``discover`` finds them; ``plugins``, ``tasks`` and ``declarations`` read what they declare;
``training_options`` has the schedule's options and profiles.
"""

__all__ = [
    "declarations",
    "discover",
    "plugins",
    "source_tree",
    "tasks",
    "training_options",
]
