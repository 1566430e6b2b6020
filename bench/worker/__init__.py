"""The process that trains one trial: the only part of the suite that imports Keras.

Other packages start ``server``, or this package itself, by name and never import it: what
goes to and fro is in ``bench.protocol``.
"""

__all__ = ["server"]
