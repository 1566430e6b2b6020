"""Reviews: reading, tokenising and encoding them, and making them up.

For task files such as ``datasets/imdb.py``: ``reading`` parses raw files, ``opening`` opens
a view, ``synthetic`` makes reviews up, ``look`` shows some; ``vectors`` reads word vectors.
"""

__all__ = ["look", "opening", "reading", "synthetic", "vectors"]
