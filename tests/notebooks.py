"""Run notebooks in a real Jupyter kernel, which has no network and none of the user's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest


def keep_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, data: Path | None = None
) -> None:
    """Have kernels, and commands beside them, keep to a folder and import what this process does.

    ``data`` is the folder of data files, one that is not there by default.
    """
    for name, value in {
        "BENCH_CACHE_DIR": cache,
        "BENCH_DATA_DIR": data or folder / "no-data",
        "BENCH_OFFLINE": 1,
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_PLATFORM_DIRS": 1,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }.items():
        monkeypatch.setenv(name, str(value))


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run all cells in a kernel whose working folder is ``folder``."""
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=200, resources=where).execute()
