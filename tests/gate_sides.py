"""Sides of the gate as files keep them: exact scores, and a day for each commit."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from gate_world import key, plugin, side

from bench.gate.model import Measurement, Quality, SeedScore, Side


def a_quality(*values: float, **changes: Any) -> Quality:
    """Make the quality of seeds 0, 1, ... with exactly these values, on fifty days."""
    seeds = []
    for seed, value in enumerate(values):
        influences = 0.001 * np.random.default_rng(seed).standard_normal(50)
        digest = hashlib.sha256(f"{seed} {value}".encode()).hexdigest()
        seeds.append(SeedScore(seed, value, digest, influences.astype("float32")))
    return replace(Quality("mae", "min", "the same", False, tuple(seeds)), **changes)


def a_measured(label: str = "jena_gru", **changes: Any) -> Measurement:
    """Make what one side measured of a Jena plugin of any name."""
    return plugin(key(label, task="jena"), **{"parameters": 4673, **changes})


def a_side(*measured: Measurement, **changes: Any) -> Side:
    """Make a side of some plugins, of a commit that is known."""
    return side("before", *measured, **{"commit": "0123456789ab", **changes})
