"""Messages from a worker: what is one is read, what only looks like one is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.protocol import (
    EpochDone,
    Malformed,
    Outcome,
    Readings,
    WorkerExited,
    WorkerReady,
    decode,
    encode,
)

OUTCOME = Outcome(
    "ok",
    metrics={"best_epoch": 1, "train": {"loss": 0.5}, "curves": {"train_loss": [0.5, 0.25]}},
    timing={"fit": 1.5},
    memory={"peak_rss": 5},
    model={"parameters": 3},
    environment={"versions": {"keras": "3"}, "server": None, "cores": [1, 2]},
)


@pytest.mark.parametrize(
    "message",
    [WorkerReady(), EpochDone(1, 2, 0.5), Readings({"step": [0.1]}), OUTCOME, WorkerExited(-9)],
)
def test_what_is_sent_is_read(message):
    assert decode(encode(message)) == message


def test_a_diverged_training_may_tell_of_losses_that_are_no_numbers():
    message = decode(encode(Outcome("diverged", metrics={"curves": {"loss": [float("nan")]}})))
    assert isinstance(message, Outcome)


@pytest.mark.parametrize("line", ["", "{", "[]", "1", "null", '{"kind": []}', '{"kind": "x"}'])
def test_what_a_plugin_prints_is_no_message(line):
    assert decode(line) is None


DEEP: Any = 1
for _ in range(50):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("status", "best"),
        ("status", 3),
        ("reason", None),
        ("reason", "x" * 20_000),
        ("metrics", None),
        ("metrics", {"best_epoch": "x"}),
        ("metrics", {"best_epoch": True}),
        ("metrics", {"curves": {"loss": [None]}}),
        ("metrics", {"curves": [1]}),
        ("metrics", {"train": 3}),
        ("timing", {"fit": "fast"}),
        ("timing", {"fit": -1}),
        ("timing", {"fit": float("inf")}),
        ("timing", {"fit": float("nan")}),
        ("timing", {"fit": 1e301}),
        ("timing", [1]),
        ("memory", {"peak_rss": 1.5}),
        ("memory", {"peak_rss": 10**400}),
        ("model", {"parameters": DEEP}),
        ("environment", DEEP),
        ("environment", {"x" * 20_000: 1}),
    ],
)
def test_an_outcome_of_other_types_or_sizes_is_malformed_and_says_which_part(part, value):
    document = {**json.loads(encode(OUTCOME)), part: value}
    found = decode(json.dumps(document))
    assert found == Malformed(f"a message Outcome whose {part} is not what it must be")


def test_a_message_with_other_parts_is_malformed():
    for document in ({"kind": "Outcome"}, {"kind": "Begun", "x": 1}, {"kind": "EpochDone"}):
        assert isinstance(decode(json.dumps(document)), Malformed)


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "ok", "x"])
)
_JSON = (
    _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(st.just("x"), _SCALARS, max_size=1)
)
_NAMES = ["epoch", "epochs", "metric", "status", "reason", "rounds", "timing", "metrics", "line"]
_KINDS = ["Begun", "EpochDone", "Outcome", "Ended", "Readings", "Note", "Checked"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_KINDS), st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=4))
def test_whatever_names_a_kind_is_read_or_refused_and_never_raises(kind, parts):
    found = decode(json.dumps({"kind": kind, **parts}))
    assert found is not None
    if isinstance(found, EpochDone):
        assert isinstance(found.metric, int | float)
        assert not isinstance(found.epoch, str | bool | float)
