"""The page on Python is a notebook that runs, in a real Jupyter kernel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from notebooks import execute, keep_to

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture
def kernel_world(tmp_path: Path, cache: Path, weather: Path, monkeypatch: pytest.MonkeyPatch):
    """A working folder for a kernel, with a small file of weather in its data folder."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(weather, data / "jena_small.csv")
    keep_to(tmp_path, monkeypatch, cache, data)
    return tmp_path


@pytest.mark.long
def test_the_page_runs_in_a_kernel_and_shows_what_it_says(kernel_world):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in code])

    execute(notebook, kernel_world)

    shown = {cell.source: cell.outputs for cell in notebook.cells}
    (ran,) = (outputs for source, outputs in shown.items() if "seeds=[0, 1]" in source)
    (refused,) = (outputs for source, outputs in shown.items() if "BenchError" in source)
    (table,) = (outputs for source, outputs in shown.items() if source == "found.leaderboard()\n")
    progress = "".join(each.text for each in ran if each.output_type == "stream")
    assert {each.name for each in ran if each.output_type == "stream"} == {"stderr"}
    assert "[4/4] jena jena_dlinear seed 1" in progress
    assert "\x1b" not in progress
    assert ran[-1].data["text/plain"] == "<Results of 4 trials (jena) in reports>"
    assert "(did you mean 'epochs'?)" in refused[-1].text
    assert "<table>" in table[0].data["text/html"]
    assert "jena_dlinear" in table[0].data["text/markdown"]
    assert all(cell.outputs for cell in notebook.cells if not cell.source.endswith('_*")\n'))
