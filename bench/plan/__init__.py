"""Which trials a request stands for: to be run, reused, skipped or refused.

``grid`` makes points of what varies, ``plan`` trials of plugins, ``retry`` finds in the records
what failed, and ``order`` says which go first. Nothing is run and nothing is written.
"""

__all__ = ["grid", "order", "plan", "retry"]
