"""Texts: reading, tokenising and encoding them, and making them up.

For task files such as ``datasets/imdb.py``: ``reading`` parses raw files, ``opening`` opens
a view, ``synthetic`` makes texts up, ``look`` shows some, ``asking`` encodes a user's own.
Those without code have ``kind``, ``proposal`` writes them; ``vectors`` reads word vectors.
"""

__all__ = ["asking", "kind", "look", "opening", "proposal", "reading", "synthetic", "vectors"]
