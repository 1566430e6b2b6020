"""Many tests at once."""

from __future__ import annotations

import numpy as np

from bench.task import Array


def holm(p_values: Array) -> Array:
    """Adjust p-values so that, at a level, any false rejection at all is as rare as the level.

    Holm (1979), "A simple sequentially rejective multiple test procedure". Holds for any
    dependence between the tests.

    Args:
        p_values: Shape (m,).

    Returns:
        Adjusted p-values, shape (m,), at most 1.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate((count - np.arange(count)) * p_values[order])
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
