"""Reports and sides of the gate that tests of how they are told begin with."""

from __future__ import annotations

from typing import Any

from bench.gate.model import (
    BETTER,
    FAILED,
    NOT_COMPARABLE,
    NOT_MEASURED,
    UNCHANGED,
    WORSE,
    Finding,
    Key,
    Measurement,
    Quality,
    Report,
    SeedScore,
    Side,
)
from bench.metrics import COMPILE, PEAK_MEMORY, PREDICT, QUALITY, TRAIN_STEP


def a_key(label: str = "jena_gru", task: str = "jena", **changes: str) -> Key:
    """Make the key of a plugin."""
    return Key(**{"source": "official", "profile": "quick", "backend": "tensorflow", **changes},
               task=task, label=label)  # fmt: skip


def slower(**changes: Any) -> Finding:
    """A training step that takes 5.1% longer."""
    told = {
        "key": a_key(),
        "metric": TRAIN_STEP,
        "verdict": WORSE,
        "base": 0.0123,
        "candidate": 0.01293,
        "change": 0.051,
        "interval": (0.042, 0.06),
        "threshold": 0.02,
        "detectable": 0.031,
        "unit": "s",
    }
    return Finding(**{**told, **changes})


def less_accurate(**changes: Any) -> Finding:
    """An accuracy that is lower by 0.0123."""
    told = {
        "key": a_key("imdb_gru", "imdb"),
        "metric": QUALITY,
        "verdict": WORSE,
        "base": 0.8723,
        "candidate": 0.86,
        "change": -0.0123,
        "interval": (-0.02, -0.005),
        "threshold": 0.002,
        "detectable": 0.006,
        "unit": "accuracy",
    }
    return Finding(**{**told, **changes})


def same(metric: str = PREDICT, **changes: Any) -> Finding:
    """A metric that has not changed."""
    told = {
        "verdict": UNCHANGED,
        "metric": metric,
        "change": 0.001,
        "interval": (-0.01, 0.012),
        "detectable": 0.061,
    }
    return slower(**{**told, **changes})


def one_of_each() -> Report:
    """A report with a finding of most kinds."""
    absent = {"base": None, "candidate": None, "change": None, "interval": None}
    findings = (
        same(),
        same(COMPILE),
        slower(metric=PEAK_MEMORY, verdict=BETTER, base=2e9, candidate=1.5e9, change=-0.25,
               interval=(-0.26, -0.24), unit="bytes"),
        slower(),
        less_accurate(verdict=NOT_MEASURED, reason="one seed cannot tell", **absent),
        Finding(a_key("imdb_bad", "imdb"), "", FAILED, reason="ValueError: no"),
        Finding(a_key("jena_rnn"), TRAIN_STEP, NOT_COMPARABLE, reason="another machine"),
    )  # fmt: skip
    return Report("main (0123abc)", "this tree", findings, ("8 pairs a plugin",))


def a_side() -> Side:
    """A side with a plugin of each task, and one that failed."""
    gru, rnn, bad = a_key("imdb_gru", "imdb"), a_key(), a_key("jena_bad")
    seeds = tuple(SeedScore(seed, 0.8 + seed / 10, "", influences=None) for seed in (0, 1))
    plugins = {
        rnn: Measurement(
            rnn,
            "ok",
            quality=Quality("mae", "min", "", False, seeds[:1]),
            rounds={TRAIN_STEP: ((0.01, 0.5, 0.012), (0.014,), (0.013,))},
            parameters=12_345_678,
        ),
        gru: Measurement(
            gru,
            "ok",
            quality=Quality("accuracy", "max", "", True, seeds),
            rounds={PEAK_MEMORY: ((1048576.0,),), TRAIN_STEP: ((float("nan"),),)},
        ),
        bad: Measurement(bad, "failed", parameters=1),
    }
    return Side("this tree", {}, "0123abc", "2026-01-01T00:00:00Z", plugins)
