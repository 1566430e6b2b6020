from bench.errors import BenchError as BenchError
from bench.python.calls import load as load
from bench.python.calls import run as run
from bench.python.results import LeaderboardView as LeaderboardView
from bench.python.results import Results as Results

__version__: str
__all__ = ["BenchError", "LeaderboardView", "Results", "__version__", "load", "run"]
