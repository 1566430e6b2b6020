"""Whether a plugin keeps its contract, asked of it on synthetic data.

``examiner`` asks for ``bench test``; ``pytest_plugin``, the entry point that pytest loads,
asks in a plugin author's own tests, and measures there for pytest-benchmark.
"""

__all__ = ["examiner", "pytest_plugin"]
