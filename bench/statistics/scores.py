"""The score of each example, whose mean is the metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.errors import BenchError
from bench.task import Array


def _correct(targets: Array, predictions: Array) -> Array:
    return np.asarray((predictions > 0.5) == (targets > 0.5))


def _absolute_error(targets: Array, predictions: Array) -> Array:
    return np.asarray(np.abs(targets.astype("float64") - predictions.astype("float64")))


PER_EXAMPLE: Mapping[str, Callable[[Array, Array], Array]] = {
    "accuracy": _correct,
    "mae": _absolute_error,
}


#: The least and the largest value that each metric can have.
RANGES: Mapping[str, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "mae": (0.0, float("inf")),
}


def per_example(metric: str, targets: Array, predictions: Array) -> Array:
    """Return the score of each example, float32 of shape (n,); their mean is the metric.

    Args:
        metric: A metric of ``bench.worker.sampling``: accuracy scores 1 for a prediction on
            the target's side of 0.5, else 0; mae scores the absolute error, in the
            targets' unit.
        targets: Shape (n,).
        predictions: Shape (n,).

    Raises:
        BenchError: The metric has no score of an example, or the shapes differ.
    """
    if metric not in PER_EXAMPLE:
        raise BenchError(
            f"metric {metric!r}: it has no score of a single example, so there is no error to "
            f"tell; those that have one: {', '.join(PER_EXAMPLE)}"
        )
    if targets.ndim != 1 or targets.shape != predictions.shape:
        raise BenchError(
            f"predictions of shape {predictions.shape} for targets of shape {targets.shape}: "
            "one number an example is needed; run the trial again"
        )
    return PER_EXAMPLE[metric](targets, predictions).astype("float32")
