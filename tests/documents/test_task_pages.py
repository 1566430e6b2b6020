"""The pages on tasks of one's own say what holds, and the tutorial's commands work."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import call
from conftest import Run

from bench.records.store import Store
from bench.registry.kinds import KINDS

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "tutorial-task.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m bench (.*)$", TUTORIAL, flags=re.MULTILINE)


def test_the_page_on_tasks_names_every_key_of_a_series():
    page = (DOCS / "tasks.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"\| key of `DATA` \|.*?\n\n", page, flags=re.DOTALL)
    keys = re.findall(
        r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:] if row)
    )

    assert keys == [*KINDS["series"].options]


def town(folder: Path) -> pd.Series:
    """The file of the tutorial: twelve weeks of hours that know the day and the week."""
    hours = np.arange(24 * 84)
    noise = np.random.default_rng(5).normal(0, 1, len(hours))
    load = 50 + 9 * np.sin(2 * math.pi * hours / 24) - 6 * (hours // 24 % 7 > 4) + noise
    times = pd.date_range("2024-01-01", periods=len(hours), freq="h").strftime("%d.%m.%Y %H:%M")
    frame = pd.DataFrame({"Zeit": times, "Last (MW)": load.round(1), "Wind (m/s)": hours % 5})
    frame.to_csv(folder / "town.csv", sep=";", decimal=",", index=False)
    return frame["Last (MW)"]


def test_the_tutorial_s_commands_make_a_leaderboard_whose_naive_rows_are_those_of_pandas(
    bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, cache: Path
):
    """All but the last are run as they stand; the last is seen to mean every model of the kind."""
    load = town(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    *first, everything = COMMANDS
    written, shown, naive = first

    assert call(capsys, *written.split())[0] == 0
    assert "168 samples of 2 columns" in call(capsys, *shown.split())[1]
    done = bench(*naive.split())
    assert done.returncode == 0, done.stderr

    assert everything == "run --all --task town"
    listed = call(capsys, "list", "--task", "town")[1]
    assert listed.count("\n  series_") == 10
    found = {r.trial.plugin: r.metrics["test"] for r in Store(tmp_path / "reports").read().records}
    tested = load[int(0.75 * len(load)) :]
    for name, lag in (("series_naive", 24), ("series_seasonal_naive", 168)):
        error = (tested - load.shift(lag)[tested.index]).abs().mean()
        assert found[name]["mae_MW"] == pytest.approx(error, rel=1e-6)
        std = load[: len(load) // 2].std(ddof=0)
        assert found[name]["mae"] == pytest.approx(error / std, abs=1e-6)
