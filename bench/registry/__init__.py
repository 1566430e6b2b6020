"""What there is to run: task and plugin files, read without being run.

``discover`` finds them; ``plugins``, ``grid``, ``requirements``, ``tasks``, ``declarations`` read
what they declare, ``kinds`` what follows from DATA; ``task_code`` runs a task's file;
``training_options`` has schedules and profiles, ``project`` what a working folder's own are.
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
    "requirements",
    "source_tree",
    "task_code",
    "tasks",
    "training_options",
]
