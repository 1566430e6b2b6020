"""The suite's own prepared series: windows and targets of three splits, gathered at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    name = "jena"
    parameters: ClassVar = {"specification": [""]}

    def get_data(self) -> dict[str, Any]:
        told = json.loads(Path(self.specification).read_text(encoding="utf-8"))
        table = np.load(told["file"])
        draw = np.random.default_rng(0)
        rows = {
            name: draw.integers(*limits, size=told["examples"][name])
            for name, limits in told["limits"].items()
        }
        return {
            **{name: _gathered(table, told["window"], chosen) for name, chosen in rows.items()},
            **{name: told[name] for name in ("optimizer", "batch_size", "plugins")},
        }


def _gathered(table: Any, window: dict[str, int], rows: Any) -> tuple[Any, Any]:
    """Return the windows before some rows and the targets after them."""
    before = np.arange(-window["lookback"], 0, window["step"])
    return table[rows[:, None] + before], table[rows + window["delay"], window["target"]]
