"""What a peer of the suite scores: the mean absolute error of a forecast, on both splits."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchopt import BaseObjective


class Objective(BaseObjective):
    name = "Temperature of the next day"
    sampling_strategy = "run_once"

    def set_data(self, **data: Any) -> None:
        self.data = data

    def get_objective(self) -> dict[str, Any]:
        return self.data

    def evaluate_result(self, validation: Any, test: Any) -> dict[str, float]:
        return {
            "value": _error(validation, self.data["validation"]),
            "test": _error(test, self.data["test"]),
        }

    def get_one_result(self) -> dict[str, Any]:
        return {split: np.zeros(len(self.data[split][1])) for split in ("validation", "test")}


def _error(predictions: Any, split: Any) -> float:
    return float(np.abs(np.ravel(predictions) - split[1]).mean())
