"""``import bench``: light, typed, and the same names wherever they are told."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).parents[2]
IMPORTS = """
import sys
before = {*sys.modules}
import bench
print(*sorted({*sys.modules} - before))
bench.load, bench.run, bench.Results, bench.BenchError
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEAVY = {"keras", "tensorflow", "jax", "torch", "pandas", "numpy", "scipy", "matplotlib"}
#: What only the command line needs, and a run.
LATE = {"click", "rich", "tabulate"}


def test_it_imports_nothing_and_its_names_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    by_import, with_names = done.stdout.splitlines()

    assert by_import == "bench"
    assert not (HEAVY | LATE) & {*with_names.split()}


def test_types_completion_and_the_module_tell_of_the_same_names():
    typed = ast.parse((ROOT / "bench" / "__init__.pyi").read_text(encoding="utf-8"))
    told = [node for node in typed.body if isinstance(node, ast.Assign)]
    imported = {
        alias.asname: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert ast.literal_eval(told[0].value) == bench.__all__
    assert {*imported} == {*bench.__all__} - {"__version__"} <= {*dir(bench)}
    for name, home in imported.items():
        assert getattr(bench, name) is getattr(importlib.import_module(str(home)), name)


def test_what_it_documents_stays_though_packages_are_imported():
    importlib.import_module("bench.runs.session")

    assert callable(bench.run)
    assert all(value.__doc__ for value in (bench.run, bench.load, bench.Results))


def test_a_name_that_is_not_there_is_an_error_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'bench' has no attribute 'runn'"):
        bench.runn  # type: ignore[attr-defined]  # noqa: B018
