"""The suite's plugins as a user of Keras alone trains them: fit with validation, predict."""

from __future__ import annotations

import runpy
from types import SimpleNamespace
from typing import Any, ClassVar

import keras
from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "keras"
    parameters: ClassVar = {"plugin": ["jena_naive", "jena_dense", "jena_gru"]}

    def set_objective(self, **given: Any) -> None:
        keras.utils.set_random_seed(0)
        self.given = given
        x, _ = given["train"]
        told = given["plugins"][self.plugin]
        task = SimpleNamespace(inputs=lambda: keras.Input(x.shape[1:]), **told["facts"])
        self.model = runpy.run_path(told["path"])["build"](task, **told["options"])
        self.epochs = told["epochs"]

    def run(self, _: int) -> None:
        x, y = self.given["train"]
        self.model.compile(optimizer=self.given["optimizer"], loss="mse", metrics=["mae"])
        if self.epochs:
            self.model.fit(
                x,
                y,
                batch_size=self.given["batch_size"],
                epochs=self.epochs,
                validation_data=self.given["validation"],
                verbose=0,
            )

    def get_result(self) -> dict[str, Any]:
        return {
            split: self.model.predict(self.given[split][0], batch_size=512, verbose=0)
            for split in ("validation", "test")
        }
