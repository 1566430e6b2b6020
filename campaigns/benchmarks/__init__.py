"""Measurements of the suite itself, side by side in one run: ``python -m campaigns.benchmarks``."""
