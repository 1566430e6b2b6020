"""A small Keras model, what it learns, and a trial that trains it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.registry.training_options import DEFAULTS
from bench.task import Examples
from bench.trial import Trial


def a_trial(seed: int = 0, **training: Any) -> Trial:
    schedule = {**DEFAULTS, "epochs": 3, "steps_per_epoch": 4, "batch_size": 8, **training}
    return Trial(
        task="jena",
        task_version=1,
        plugin="made",
        plugin_sha256="0",
        hyperparameters={},
        view={},
        training=schedule,
        scored_examples=None,
        source="local",
        fingerprint="0",
        profile="smoke",
        seed=seed,
        backend="tensorflow",
        versions={},
    )


def sums(count: int, seed: int) -> Examples:
    """Examples whose target is the sum of their four inputs."""
    inputs = np.random.default_rng(seed).normal(size=(count, 4)).astype("float32")
    targets = inputs.sum(axis=1)
    return Examples(targets, lambda numbers: inputs[numbers], np.arange(count))


def a_model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
