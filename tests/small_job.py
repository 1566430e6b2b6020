"""A job that takes no time: a made task with a few examples, and a plugin with a small model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from builders import a_plugin, task_source
from keras_world import a_trial

from bench.data.prepared import write_arrays
from bench.protocol import Job
from bench.task import Array, Prepared

TASK = """
import numpy as np
from bench.task import Examples, OpenTask


def open_view(prepared, view):
    def split(name):
        x, y = (np.array(prepared.arrays[f"{part}_{name}"]) for part in "xy")
        return Examples(y, lambda numbers: x[numbers], np.arange(len(y)) // 8)

    splits = [split(name) for name in ("train", "validation", "test")]
    return OpenTask((3,), "float32", *splits, units={"mae": 1.0})
"""

MODEL = (
    "def build(task, units):\n"
    "    from keras import Sequential, layers\n"
    "    return Sequential([task.inputs(), layers.Dense(units, activation='tanh'), "
    "layers.Dropout(0.2), layers.Dense(1)])\n"
)


def some_data() -> dict[str, Array]:
    """Noisy sums of three inputs, so that some epochs are better on validation than others."""
    random = np.random.default_rng(3)
    arrays: dict[str, Array] = {}
    for name, count in (("train", 96), ("validation", 64), ("test", 64)):
        x = random.normal(size=(count, 3)).astype("float32")
        noise = random.normal(scale=0.7, size=count)
        arrays[f"x_{name}"] = x
        arrays[f"y_{name}"] = (x.sum(axis=1) + noise).astype("float32")
    return arrays


def a_small_job(
    folder: Path,
    arrays: Mapping[str, Array],
    build: str = MODEL,
    hyperparameters: Mapping[str, Any] | None = None,
    **training: Any,
) -> Job:
    """Write task, data and plugin into a new folder, and make a job of them."""
    (folder / "prepared").mkdir(parents=True)
    (folder / "made.py").write_text(task_source() + TASK, encoding="utf-8")
    write_arrays(folder / "prepared", Prepared(arrays, {}), {"task": "made"})
    plugin = a_plugin(folder, build=build)
    return Job(
        replace(a_trial(**training), hyperparameters=hyperparameters or {}),
        str(plugin),
        plugin.read_text(encoding="utf-8"),
        str(folder / "made.py"),
        str(folder / "prepared"),
        str(folder / "kept.npz"),
    )
