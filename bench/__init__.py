"""A plugin-based benchmark suite for Keras sequence models."""

__version__ = "0.1.0"
