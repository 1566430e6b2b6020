"""A grid is points, and a point is a row: what varies, what narrows it, and how it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin, a_task, plugin_source

from bench.cli.words import parse_overrides
from bench.errors import BenchError
from bench.plan.grid import points_of
from bench.registry.plugins import Plugin, read_plugin

TASK = a_task()
GRID = '{"units": [8, 16], ("dropout", "recurrent_dropout"): [(0, 0), (0.2, 0.5)]}'
DECLARED = (
    '{"units": 8, "dropout": 0.2, "recurrent_dropout": 0.5, "kernels": [3, 5], "cell": "gru"}'
)
BUILD = "def build(task, units, dropout, recurrent_dropout, kernels, cell, other=None): pass"


def a_grid(folder: Path, grid: str = GRID, declared: str = DECLARED) -> Plugin:
    source = plugin_source(declared, BUILD, before=f"GRID = {grid}" if grid else "")
    plugin = read_plugin(a_plugin(folder, source=source), {"jena": TASK})
    assert plugin.problems == ()
    return plugin


def points(plugin: Plugin, *words: str) -> list[dict[str, Any]]:
    """What is overridden at each point, for these words behind ``--set``."""
    return points_of(plugin, TASK, parse_overrides(words))


def test_every_value_of_one_axis_goes_with_every_value_of_the_others(tmp_path):
    plugin = a_grid(tmp_path)

    assert plugin.points == 4
    assert points(plugin) == [
        {"dropout": 0, "recurrent_dropout": 0},
        {},
        {"units": 16, "dropout": 0, "recurrent_dropout": 0},
        {"units": 16},
    ]


def test_without_a_grid_there_is_one_point_of_what_is_overridden(tmp_path):
    plugin = a_grid(tmp_path, "")

    assert plugin.points == 1
    assert points(plugin) == [{}]
    assert points(plugin, "units=8", "epochs=3") == [{"units": 8, "epochs": 3}]


def test_a_key_of_the_grid_that_is_overridden_has_that_value_alone(tmp_path):
    assert points(a_grid(tmp_path), "units=64") == [
        {"units": 64, "dropout": 0, "recurrent_dropout": 0},
        {"units": 64},
    ]


def test_of_names_that_vary_together_the_values_that_agree_are_left(tmp_path):
    plugin = a_grid(tmp_path)

    assert points(plugin, "dropout=0") == [
        {"dropout": 0, "recurrent_dropout": 0},
        {"units": 16, "dropout": 0, "recurrent_dropout": 0},
    ]
    assert points(plugin, "units=8", "dropout=0.1", "recurrent_dropout=0.3") == [
        {"units": 8, "dropout": 0.1, "recurrent_dropout": 0.3}
    ]
    with pytest.raises(BenchError, match="--set dropout: varies with recurrent_dropout in GRID"):
        points(plugin, "dropout=0.3")


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("units=16,32,64", [16, 32, 64]),
        ("units=[16, 32]", [16, 32]),
        ("cell=lstm,gru", ["lstm", None]),
        ("cell='lstm,gru'", ["lstm,gru"]),
        ("optimizer=adam,sgd", ["adam", "sgd"]),
        ("learning_rate=1e-3,none", [1e-3, None]),
        ("lookback=5d,10d", ["5d", "10d"]),
        ("reverse=true,false", [True, None]),
        ("encoding=raw,hashed", [None, "hashed"]),
        ("kernels=[3,5],[3,7]", [None, [3, 7]]),
    ],
)
def test_values_between_commas_are_points(tmp_path, word, values):
    """None stands for a point that is as declared, and says nothing of it."""
    key = word.partition("=")[0]
    found = [point.get(key) for point in points(a_grid(tmp_path, ""), word)]

    assert found == values


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("kernels=3,7", (3, 7)),
        ("kernels=[3, 7]", [3, 7]),
        # Of what kind these are is not known.
        ("columns=T,p", "T,p"),
        ("other=1,2", (1, 2)),
        ("unknown=a,b", "a,b"),
    ],
)
def test_values_of_a_list_are_one_value(tmp_path, word, value):
    key = word.partition("=")[0]

    assert points(a_grid(tmp_path, ""), word) == [{key: value}]


def test_a_value_given_twice_is_refused(tmp_path):
    with pytest.raises(BenchError, match="--set units: 16 is given twice; keep one"):
        points(a_grid(tmp_path), "units=16,32,16")


def test_a_plugin_with_problems_is_one_row_that_says_what_was_asked(tmp_path):
    plugin = read_plugin(a_plugin(tmp_path, source="def build("), {"jena": TASK})

    (point,) = points(plugin, "units=16,32", "cell=a,b")

    assert json.loads(json.dumps(point)) == {"units": [16, 32], "cell": "a,b"}
