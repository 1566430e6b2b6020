"""Which trials a request stands for: to be run, reused, skipped or refused.

``plan`` makes trials of plugins, ``retry`` finds in the records what failed, and ``order`` says
which go first. Nothing is run and nothing is written.
"""

__all__ = ["order", "plan", "retry"]
