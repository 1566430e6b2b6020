"""``bench show``: a plugin's rows, seeds and history."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from builders import a_record
from command_line import call, complaint

from bench.protocol import TIMEOUT
from bench.records.store import Store


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "reports")
    for seed, quality in enumerate((0.27, 0.26)):
        store.write(
            a_record(quality=quality, seed=seed, minute=seed, reference={"val_mae": 0.2635})
        )
    store.write(a_record(seed=2, minute=2, status=TIMEOUT, reason="not done after 600 s"))
    store.write(a_record(quality=0.25, minute=3, trial={"overrides": {"units": 64}}))
    store.write(a_record(quality=0.24, minute=4, trial={"profile": "full"}))
    return partial(call, capsys, "show")


def rows(out: str) -> list[str]:
    return [line for line in out.splitlines() if " data: " in line and "; " in line]


def test_every_row_has_its_mean_and_each_seed_its_curve(show):
    status, out, _ = show("jena_gru")
    assert status == 0
    lines = out.splitlines()
    first = next(
        n for n, line in enumerate(lines) if line.startswith("quick, official data: jena_gru,")
    )
    assert "3 seeds; validation MAE 0.2650 (sd 0.0071)" in lines[first]
    assert "published 0.2635" in lines[first]
    assert lines[first + 1].startswith("  seed 0: 0.2700  ")
    assert lines[first + 1].endswith("0.3100 to 0.2700, best epoch 3 of 4")
    assert lines[first + 3] == "  seed 2: timeout: not done after 600 s"
    assert len(rows(out)) == 3
    assert any("jena_gru (units=64), 1 seed; validation MAE 0.2500" in row for row in rows(out))


def test_a_seed_and_a_profile_narrow_all_that_is_shown(show):
    _, out, _ = show("jena_gru", "--seed", "1")
    (row,) = rows(out)
    assert "1 seed; validation MAE 0.2600; " in row
    history = out.split("history, newest first:\n")[1]
    assert [" seed 1, " in line for line in history.splitlines()] == [True]
    _, out, _ = show("jena_gru", "--profile", "full")
    (row,) = rows(out)
    assert row.startswith("full, official data: jena_gru, 1 seed; validation MAE 0.2400")


def test_a_peak_of_an_earlier_meaning_is_marked(show, tmp_path):
    """A forked trial of an earlier version left out the pages that it shares with its server."""
    told = {**a_record().environment, "start": "fork"}
    store = Store(tmp_path / "reports")
    for minute, pages in ((10, {}), (11, {"memory_pages": "all"})):
        store.write(a_record(minute=minute, environment={**told, **pages}))
        _, out, _ = show("jena_gru", "--seed", "0")
        assert ("900 MiB (without the pages that a forked trial shares)" in out) == (not pages)
        assert "peak memory 900 MiB" in out


def test_what_narrows_it_to_nothing_is_named(show, capsys):
    error = complaint(capsys, "show", "jena_gru", "--seed", "9", "--profile", "full")
    assert "jena_gru: has no records with --seed 9 --profile full" in error
