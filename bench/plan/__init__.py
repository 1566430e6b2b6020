"""Which trials a request stands for: to be run, reused, skipped or refused.

``plan`` makes trials of plugins, ``order`` says which go first, and ``retry`` finds in the
records what failed. Nothing is run and nothing is written.
"""

__all__ = ["order", "plan", "retry"]
