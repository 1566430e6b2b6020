"""Where the data of tasks come from, and how they are kept once they are parsed.

``sources`` finds or downloads raw files and checks their digests; ``ready`` hands a run the
parsed arrays of a task; ``word_vectors`` and ``survey`` know what plugins and users need.
"""

__all__ = [
    "digests",
    "download",
    "encoded",
    "prepared",
    "ready",
    "sources",
    "survey",
    "word_vectors",
]
