"""The process that trains one trial: the only part of the suite that imports Keras.

Other packages start ``server``, or this package itself, by name and never import it: what
goes to and fro is in ``bench.protocol``. ``sampling`` has what both sides must do alike, scoring;
``kept_model`` asks a model in the process of the command that wants it.
"""

__all__ = ["kept_model", "sampling", "server"]
