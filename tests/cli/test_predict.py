"""``run --keep-models``, then ``predict`` and ``export``: a model is trained, kept and asked."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command_line import call, complaint

from bench.records.store import Store

pytest.importorskip("keras")


def test_a_model_is_kept_asked_for_a_forecast_and_handed_on(
    small_run, cache, weather, tmp_path: Path, monkeypatch, capsys
):
    run = small_run("jena_naive", "--keep-models")
    assert run.returncode == 0, run.stderr
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "no-data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    store = Store(Path("reports"))
    (record,) = store.read().records

    # The naive forecast is known: the newest temperature before that time.
    rows = [line.split(",") for line in weather.read_text().splitlines()[1:]]
    newest, measured = float(rows[2999][2]), float(rows[3024][2])
    at = (datetime(2020, 1, 1) + timedelta(hours=3000)).isoformat(timespec="minutes")
    status, out, err = call(capsys, "predict", "jena_naive", "--at", at)
    assert (status, len(err.splitlines())) == (0, 1)
    when = (datetime(2020, 1, 1) + timedelta(hours=3024)).strftime("%Y-%m-%d %H:%M")
    off = abs(newest - measured)
    assert f"forecast for {when}: {newest:.2f} °C\n" in out
    assert f"measured: {measured:.2f} °C: {off:.2f} °C off, the naive one {off:.2f} °C\n" in out

    # A file of one's own that ends there is asked at its end.
    own = tmp_path / "own.csv"
    own.write_text("\n".join(weather.read_text().splitlines()[:3001]) + "\n")
    numbers = [
        json.loads(call(capsys, "predict", "jena_naive", *words, "--json")[1])["numbers"]
        for words in (("--at", at), ("--data", own))
    ]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)

    assert call(capsys, "export", "jena_naive", "naive.keras")[0] == 0
    assert Path("naive.keras").read_bytes() == store.model(record)
    told = complaint(capsys, "predict", "jena_naive", "is it warm?")
    assert "a sentence is for tasks of texts" in told
    task = complaint(capsys, "predict", "jena_naive", "--task", "imdb", "--at", at)
    assert "jena_naive: has no model that was kept --task imdb" in task
