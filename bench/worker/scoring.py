"""Metrics, and which examples of a split are scored: numpy only, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.task import Array, Examples


def accuracy(targets: Array, predictions: Array) -> float:
    """Share of examples whose predicted probability falls on the target's side of 0.5.

    Args:
        targets: Shape (n,), 0 or 1.
        predictions: Shape (n,), probabilities or labels.
    """
    return float(np.mean((predictions > 0.5) == (targets > 0.5)))


def mean_absolute_error(targets: Array, predictions: Array) -> float:
    """Mean of |target - prediction|, in the targets' unit; both of shape (n,)."""
    return float(np.mean(np.abs(targets.astype("float64") - predictions.astype("float64"))))


METRICS: Mapping[str, Callable[[Array, Array], float]] = {
    "accuracy": accuracy,
    "mae": mean_absolute_error,
}


def is_better(value: float, than: float | None, direction: str) -> bool:
    """Say whether a metric improved; ``direction`` is "min" or "max"."""
    if than is None:
        return True
    return value < than if direction == "min" else value > than


def evenly_spread(examples: Examples, count: int | None) -> Examples:
    """Return ``count`` examples spread evenly over a split (all of them for None).

    The choice depends on nothing but the two sizes, so every model is scored on the
    same examples.
    """
    total = len(examples)
    if count is None or count >= total:
        return examples
    return examples.only(np.linspace(0, total - 1, count).round().astype("int64"))


def one_number_each(predictions: Array, examples: int) -> Array:
    """Return predictions as float32 of shape (n,).

    Raises:
        ValueError: There is not one number an example.
    """
    flat = np.asarray(predictions, dtype="float32").reshape(-1)
    if len(flat) != examples:
        raise ValueError(
            f"predicted {np.shape(predictions)} for {examples} examples: one number each is "
            "expected, so end the model with one unit"
        )
    return flat
