"""A reader who follows the tutorials, one after the other, sees what they say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from command_line import call
from conftest import Run
from notebooks import execute, keep_to

from bench.records.record import Record
from bench.records.store import Store

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / f"tutorial-{name}.md").read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    return re.findall(r"^python -m bench (.*)$", page(name), flags=re.MULTILINE)


def listings(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page(name), flags=re.DOTALL)


def outputs(name: str) -> list[str]:
    """What a page shows as printed: its blocks without a command."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page(name), flags=re.DOTALL | re.MULTILINE)
    return [block for kind, block in blocks if not kind and "python -m bench" not in block]


def town(folder: Path) -> pd.Series:
    """The file of the tutorial: twelve weeks of hours that know the day and the week."""
    hours = np.arange(24 * 84)
    noise = np.random.default_rng(5).normal(0, 1, len(hours))
    load = 50 + 9 * np.sin(2 * math.pi * hours / 24) - 6 * (hours // 24 % 7 > 4) + noise
    times = pd.date_range("2024-01-01", periods=len(hours), freq="h").strftime("%d.%m.%Y %H:%M")
    frame = pd.DataFrame({"Zeit": times, "Last (MW)": load.round(1), "Wind (m/s)": hours % 5})
    frame.to_csv(folder / "town.csv", sep=";", decimal=",", index=False)
    return frame["Last (MW)"]


@pytest.fixture
def reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, cache: Path
) -> Callable[[str], str]:
    """A folder with the file of the tutorials; does a command that trains nothing in it."""
    monkeypatch.chdir(tmp_path)
    keep_to(tmp_path, monkeypatch, cache)

    def do(line: str) -> str:
        status, out, err = call(capsys, *line.split())
        assert status == 0, err
        return out

    return do


@pytest.mark.long
def test_the_tutorials_on_a_task_a_model_a_grid_and_a_notebook_lead_to_what_they_show(
    bench: Run, tmp_path: Path, reader: Callable[[str], str]
):
    """One folder, in which each goes on from the one before; only "run --all" is not run."""
    load = town(tmp_path)

    written, shown, naive, everything = commands("task")
    reader(written)
    assert "168 samples of 2 columns" in reader(shown)
    assert trained(bench, naive).keys() == {"series_naive", "series_seasonal_naive"}
    assert everything == "run --all --task town"
    assert reader("list --task town").count("\n  series_") == 10
    found = {r.trial.plugin: r.metrics["test"] for r in Store(tmp_path / "reports").read().records}
    tested = load[int(0.75 * len(load)) :]
    for name, lag in (("series_naive", 24), ("series_seasonal_naive", 168)):
        error = (tested - load.shift(lag)[tested.index]).abs().mean()
        assert found[name]["mae_MW"] == pytest.approx(error, rel=1e-6)
        std = load[: len(load) // 2].std(ddof=0)
        assert found[name]["mae"] == pytest.approx(error / std, abs=1e-6)

    made, checked, beside, looked = commands("model")
    reader(made)
    plugin = tmp_path / "plugins" / "my_gru.py"
    plugin.write_text(listings("model")[0], encoding="utf-8")
    (ok,) = outputs("model")
    assert bench(*checked.split()).stdout == ok
    assert trained(bench, beside).keys() == {"series_naive", "my_gru"}
    assert "my_gru, 1 seed; validation MAE" in reader(looked)

    grid, best = commands("grid")
    text = plugin.read_text(encoding="utf-8")
    head, tail = text.split("\n\n\n", 1)
    plugin.write_text(f"{head}\n{listings('grid')[0]}\n\n{tail}", encoding="utf-8")
    assert outputs("grid")[0].split("\n")[:-1] == ["my_gru", *trained(bench, grid)]
    rows = re.findall(r"^ .* my_gru(?: \(units=4\))? .*$", reader(best), flags=re.MULTILINE)
    assert rows
    assert all(" 2 " in row for row in rows)

    cells = [nbformat.v4.new_code_cell(cell) for cell in listings("notebook")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    execute(notebook, tmp_path)
    assert all(any("data" in each for each in cell.outputs) for cell in notebook.cells)
    first, frame, by_hour, curves, table = (cell.outputs[-1].data for cell in notebook.cells)
    assert "Results of" in first["text/plain"]
    assert "series_naive" in frame["text/plain"]
    assert by_hour["text/html"].count("<tr") == 2 + 24
    assert "validation" in curves["text/plain"]
    assert "my_gru" in table["text/markdown"]


def trained(bench: Run, line: str) -> dict[str, Record]:
    """Run a command; return by label the trials that it trained, each of them ok."""
    before = {record.identity for record in Store(Path("reports")).read().records}
    done = bench(*line.split())
    assert done.returncode == 0, done.stderr
    found = [r for r in Store(Path("reports")).read().records if r.identity not in before]
    return {record.trial.label: record for record in found}


def test_the_tutorial_on_a_repository_leads_to_a_check_that_fails(
    tmp_path: Path, reader: Callable[[str], str], bench: Run, monkeypatch, capsys
):
    made, listed, line, kept, checked = commands("repository")
    reader(made)
    monkeypatch.chdir("models")
    assert {"my_forecast", "my_words"} <= {*re.findall(r"\w+", reader(listed))}
    # The command line is run in the folder above, where its fixture has it.
    words = [*line.split(), "--results", "models/reports", "--plugins", "models/plugins"]
    assert bench(*words).returncode == 0
    reader(kept)
    assert "2 unchanged" in reader(checked)

    plugin = Path("plugins/my_forecast.py")
    plugin.write_text(plugin.read_text().replace('"units": 16', '"units": 32'), encoding="utf-8")
    assert bench(*words).returncode == 0
    status, out, _ = call(capsys, *checked.split())
    assert (status, "worse" in out) == (1, True)
