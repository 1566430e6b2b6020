"""The suite's trial beside a plain Keras script, measured in turn: ``python -m tests.speed``."""
