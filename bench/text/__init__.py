"""Reviews: reading, tokenising and encoding them, and making them up.

For task files such as ``datasets/imdb.py``: ``reading`` parses raw files, ``opening`` opens
a view, ``synthetic`` makes reviews up, ``look`` shows some, ``asking`` encodes a user's own;
``vectors`` reads word vectors.
"""

__all__ = ["asking", "look", "opening", "reading", "synthetic", "vectors"]
