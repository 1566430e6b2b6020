"""docs/models.md says of every plugin what its file says."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("keras")
pytest.importorskip("sklearn")

import models_page
from builders import a_plugin

from bench.errors import BenchError
from bench.registry.discover import discover
from bench.registry.plugins import read_plugin

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_page_is_what_the_plugins_say():
    written = PAGE.read_text(encoding="utf-8").splitlines()
    made = models_page.page().splitlines()
    different = sorted({line[:60].strip("| ") for line in set(written) ^ set(made)})

    assert not different, f"drifted from the plugins: run `{models_page.COMMAND}`"
    assert written == made


def test_a_line_tells_hyperparameters_parameters_and_published_figures(tmp_path):
    path = a_plugin(
        tmp_path,
        "my_model",
        before="REFERENCE = {'val_mae': 0.26, 'test_mae_degC': 2.5}",
        hyperparameters="{'lookback': '1d', 'units': 3}",
        build=(
            "def build(task, units):\n"
            "    from keras import Sequential, layers\n"
            "    return Sequential([task.inputs(), layers.GRU(units), layers.Dense(1)])"
        ),
    )
    tasks = discover().tasks
    plugin = read_plugin(path, tasks)
    number = models_page.parameters(plugin, tasks["jena"], models_page.made_weather())

    assert number == 3 * (14 * 3 + 3 * 3 + 2 * 3) + 3 + 1
    assert models_page.row(plugin, number) == [
        "my_model",
        "A model: what it does.",
        "lookback='1d', units=3",
        "175",
        "MAE 0.26, MAE (°C) 2.5 (test)",
    ]


def test_a_plugin_with_a_problem_is_named(tmp_path):
    tasks = discover().tasks
    plugin = read_plugin(a_plugin(tmp_path, source="TASK = 'jena'"), tasks)

    with pytest.raises(BenchError, match=r"model\.py:1: lacks a docstring"):
        models_page.parameters(plugin, tasks["jena"], models_page.made_weather())
