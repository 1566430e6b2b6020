"""Sides of the regression gate, made in a line: plugins with scores and times of made noise."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.gate.model import Key, Measurement, Quality, SeedScore, Side

MACHINE: Mapping[str, Any] = {"system": "Linux 6.1", "cores": 2, "processor": "made"}
SETTINGS: Mapping[str, Any] = {"threads": 2, "device": "CPU", "versions": {"keras": "3.12.0"}}
GROUPS = 200


def key(label: str = "jena_gru", **changes: str) -> Key:
    """Make a key of the quick profile; the task is what the label starts with."""
    parts = {"task": label.split("_")[0], "source": "synthetic", "profile": "quick"}
    return Key(**{**parts, "label": label, "backend": "tensorflow", **changes})


def side(name: str, *plugins: Measurement, **changes: Any) -> Side:
    """Make a side of some plugins."""
    parts = {"machine": MACHINE, "commit": "", "written": "2026-01-01T00:00:00+00:00"}
    return Side(name=name, plugins={each.key: each for each in plugins}, **{**parts, **changes})


def plugin(label: str | Key = "jena_gru", **changes: Any) -> Measurement:
    """Make a plugin that is ok; ``changes`` are fields of ``Measured``."""
    named = key(label) if isinstance(label, str) else label
    return Measurement(named, **{"status": "ok", "data": "data", "settings": SETTINGS, **changes})


def times(
    seconds: float = 0.02, processes: int = 8, noise: float = 0.01, seed: int = 0
) -> tuple[tuple[float, ...], ...]:
    """Make processes of five rounds around ``seconds``, apart by ``noise`` and a little more.

    Those of another ``seed`` are of another run.
    """
    random = np.random.default_rng([seed, 7])
    logs = noise * random.standard_normal((processes, 1))
    logs = logs + 0.3 * noise * random.standard_normal((processes, 5))
    return tuple(tuple(float(value) for value in row) for row in seconds * np.exp(logs))


def quality(
    value: float = 0.26,
    seeds: Sequence[int] = (0, 1, 2),
    noise: float = 0.0005,
    code: str = "",
    **changes: Any,
) -> Quality:
    """Make the scores of some seeds around ``value``, apart by ``noise``.

    A seed's score is drawn from the seed, ``value``, and ``code``: as training of the same
    code gives the same again, and of other code another one.
    """
    made = tuple(_score(value, seed, noise, code) for seed in seeds)
    parts = {"metric": "mae", "direction": "min", "examples": "the same", "independent": True}
    return Quality(**{**parts, "seeds": made, **changes})


def _score(value: float, seed: int, noise: float, code: str) -> SeedScore:
    told = f"{value} {seed} {noise} {code}"
    random = np.random.default_rng([zlib.crc32(told.encode())])
    # The difficulty of the examples is the same for all; what a seed makes of them is not.
    common = np.random.default_rng(1).standard_normal(GROUPS)
    errors = 0.2 * common + 0.02 * random.standard_normal(GROUPS)
    influences = ((errors - errors.mean()) / GROUPS).astype("float32")
    digest = hashlib.sha256(told.encode()).hexdigest()
    return SeedScore(seed, value + noise * float(random.standard_normal()), digest, influences)


def slowed(rounds: Iterable[Iterable[float]], factor: float) -> tuple[tuple[float, ...], ...]:
    """Return rounds that take ``factor`` times as long."""
    return tuple(tuple(value * factor for value in process) for process in rounds)
