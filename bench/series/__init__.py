"""Weather series: reading, cleaning, splitting and windowing them, and making them up.

For task files such as ``datasets/jena.py``: ``csv_file`` reads, ``prepare`` cleans and
splits, ``windows`` opens a view, ``synthetic`` makes a series up, ``look`` shows one,
``asking`` forecasts.
"""

__all__ = ["asking", "csv_file", "look", "official", "prepare", "synthetic", "windows"]
