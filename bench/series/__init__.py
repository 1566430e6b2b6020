"""Series: reading, cleaning, splitting and windowing them, and making them up.

For task files such as ``datasets/jena.py``: ``csv_file`` reads, ``prepare`` splits, ``windows``
opens a view, ``synthetic`` makes a series up, ``look`` shows one, ``asking`` forecasts. Those
without code have ``kind``, whose arrays ``forecasts`` makes; ``proposal`` writes them.
"""

__all__ = [
    "asking",
    "csv_file",
    "kind",
    "look",
    "official",
    "prepare",
    "proposal",
    "synthetic",
    "windows",
]
