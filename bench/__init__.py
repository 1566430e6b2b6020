"""A plugin-based benchmark suite for Keras sequence models.

In Python, ``bench.run`` trains plugins and ``bench.load`` reads results; both return
``bench.Results``, which gives data frames and the leaderboard. What a user can fix raises
``bench.BenchError``. See ``docs/python.md``.
"""

__version__ = "0.1.0"
__all__ = ["BenchError", "LeaderboardView", "Results", "__version__", "load", "run"]

#: Where the names are that are imported when they are asked for; ``__init__.pyi`` has their types.
_HOMES = {
    "BenchError": "bench.errors",
    "LeaderboardView": "bench.python.results",
    "Results": "bench.python.results",
    "load": "bench.python.calls",
    "run": "bench.python.calls",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
