"""Reviews: reading, tokenising and encoding them, and making them up.

For task files such as ``datasets/imdb.py``: ``reading`` parses raw files, ``opening`` opens
a view, ``synthetic`` makes reviews up; ``vectors`` reads word vectors.
"""

__all__ = ["opening", "reading", "synthetic", "vectors"]
