"""The notebook for Colab runs, cell by cell, and shows what it says: all but the installing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import execute, keep_to

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_notebook_for_colab_trains_two_models_and_one_of_the_readers_own(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    """Installing needs a network, so that its cell is left out; the data are made up."""
    keep_to(tmp_path, monkeypatch, cache)
    notebook = nbformat.read(ROOT / "docs" / "colab.ipynb", as_version=4)
    (install,) = (cell for cell in notebook.cells if "install" in cell.metadata.get("tags", ()))
    assert "keras-sequence-bench @ git+" in install.source
    notebook.cells.remove(install)
    assert not any(cell.get("outputs") for cell in notebook.cells)

    execute(notebook, tmp_path)

    two, table, written, three, frame, curves = (
        cell.outputs for cell in notebook.cells if cell.cell_type == "code"
    )
    assert two[-1].data["text/plain"] == "<Results of 2 trials (jena) in reports>"
    assert "jena: synthetic data" in said(two)
    assert "jena_dense" in table[-1].data["text/markdown"]
    assert written == []
    assert "3 trials: 1 to run" in said(three)
    assert "my_gru seed 0: validation mae" in said(three)
    assert "my_gru" in three[-1].data["text/markdown"]
    assert frame[-1].data["text/html"].count("my_gru") == 1
    assert "validation" in curves[-1].data["text/plain"]


def said(outputs: list[Any]) -> str:
    """What a cell has printed."""
    return "".join(each.text for each in outputs if each.output_type == "stream")
