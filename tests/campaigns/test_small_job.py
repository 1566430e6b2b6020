"""A small job beside a peer: what both take, and that both do the same."""

from __future__ import annotations

import numpy as np

from campaigns.speed import small_job
from campaigns.speed.__main__ import main
from campaigns.speed.plain_jena import Series
from campaigns.speed.small_job import Took
from campaigns.speed.specification import Specification, Work


def test_a_small_job_says_what_is_missing_and_what_both_sides_took(monkeypatch, capsys):
    monkeypatch.setattr("campaigns.speed.small_job.find_spec", lambda name: None)
    assert main(["small-job"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchopt is not installed; `pip install 'benchopt>=1.10'`")

    said: list[str] = []
    rounds = [(Took(8.0, 9.0), Took(6.0, 6.0)), (Took(8.0, 9.0), Took(9.0, 7.0))]
    assert small_job.report(rounds, said.append)
    assert said[1] == (
        "on the clock: benchopt 8.0 (8.0–8.0), suite 7.5 (6.0–9.0), "
        "suite / benchopt 0.94 (0.75–1.12)"
    )
    assert not small_job.report(rounds[1:], said.append)
    assert said[-1] == "at most 1 times benchopt's time: NOT met"


def test_the_peer_of_a_small_job_sees_the_series_and_the_schedule_of_the_suite(tmp_path):
    specification = Specification(
        plugin="plugins/jena_gru.py",
        options={"units": 4},
        facts={"lookback": 3},
        input_shape=(3, 2),
        input_dtype="float32",
        loss="mse",
        metric="mae",
        optimizer={"class_name": "rmsprop", "config": {}},
        batch_size=8,
        training_examples=None,
        jit_compile=False,
        work=Work(epochs=1, steps=4, validated=500, scored=500),
        data=Series(str(tmp_path / "series.csv"), 3, 1, 2, 0, 20, 30, reverse=False),
    )
    rows = np.random.default_rng(0).normal(size=(40, 2))
    np.savetxt(tmp_path / "series.csv", rows, delimiter=",", header="a,b", comments="")

    told = small_job.specification([specification], tmp_path)

    series = np.load(told["file"])
    assert series.dtype == "float32"
    assert np.allclose(series[:20].mean(axis=0), 0, atol=1e-6)
    assert told["window"] == {"lookback": 3, "step": 1, "delay": 2, "target": 0}
    assert told["examples"]["train"] == 4 * 8
    assert told["plugins"]["jena_gru"]["options"] == {"units": 4}
