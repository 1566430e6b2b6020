"""What trials leave beside their records, for sides that are made of records."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from bench.records.record import Record

#: Sixty hours of twenty days.
GROUPS = np.arange(60, dtype="int32") // 3


def left_predictions(record: Record, **changes: Any) -> bytes:
    """Pack predictions that only the seed and the recorded metric decide."""
    noise = np.random.default_rng(record.trial.seed)
    targets = np.linspace(-1, 1, len(GROUPS)).astype("float32")
    metric = record.data["metric"]["name"]
    error = record.metrics["validation"][metric] + 0.01 * noise.standard_normal(len(GROUPS))
    arrays = {
        "predictions": (targets + error).astype("float32"),
        "targets": targets,
        "groups": GROUPS,
        **changes,
    }
    content = io.BytesIO()
    np.savez_compressed(
        content, **arrays, **{f"validation_{name}": array for name, array in arrays.items()}
    )
    return content.getvalue()
