"""What is wrong with a GRID is said with its line and the fix, as of HYPERPARAMETERS."""

from __future__ import annotations

import pytest
from builders import a_plugin, a_task

from bench.registry.grid import GridAxis
from bench.registry.plugins import read_plugin

TASKS = {"jena": a_task()}


def read(folder, grid):
    return read_plugin(a_plugin(folder, before=f"GRID = {grid}"), TASKS)


def test_a_right_grid_is_read_whole_and_told_in_one_line(tmp_path):
    plugin = read(tmp_path, '{"units": [8, 16], ("epochs", "patience"): [(3, None), [5, 2]]}')

    assert plugin.problems == ()
    assert plugin.grid == (
        GridAxis(("units",), ((8,), (16,))),
        GridAxis(("epochs", "patience"), ((3, None), (5, 2))),
    )
    assert plugin.points == 4
    assert [*map(str, plugin.grid)] == ["units=8, 16", "(epochs, patience)=(3, None), (5, 2)"]


@pytest.mark.parametrize(
    ("grid", "line", "said"),
    [
        ("[8, 16]", 2, "GRID must be a dictionary, like {'units': [16, 32]}"),
        ("units", 2, "GRID must be a literal: write plain values, no calls or names"),
        (
            '{\n"units": [8],\n"unit": [9]}',
            4,
            "GRID varies an unknown hyperparameter 'unit' (did you mean 'units'?): it is no "
            "parameter of build, no option of the task's view and no training option",
        ),
        (
            '{\n("units", "epoch"): [(8, 1)]}',
            3,
            "GRID varies an unknown hyperparameter 'epoch' (did you mean 'epochs'?): it is no "
            "parameter of build, no option of the task's view and no training option",
        ),
        ("{3: [8]}", 2, "GRID has the key 3: use a name, or a tuple of names"),
        ("{(): [()]}", 2, "GRID has an empty key: use a name, or a tuple of names"),
        ('{"units": [8], ("units", "epochs"): [(9, 1)]}', 2, "GRID varies 'units' twice: keep one"),
        ('{"units": 8}', 2, "GRID must give units a list of values"),
        ('{"units": []}', 2, "GRID must give units a list of values"),
        (
            '{("units", "epochs"): [(8, 1), 9]}',
            2,
            "GRID must give units, epochs a tuple of 2 values each, not 9",
        ),
        ('{"units": [8, "many"]}', 2, "GRID has units='many': must be a whole number"),
        ('{"epochs": [1, -1]}', 2, "GRID has epochs=-1: must be at least 0, not -1"),
        ('{"units": [8, 16, 8]}', 2, "GRID gives units the value 8 twice: keep one"),
    ],
)
def test_a_wrong_grid_is_a_problem_of_its_line(tmp_path, grid, line, said):
    plugin = read(tmp_path, grid)

    assert [(problem.line, problem.message) for problem in plugin.problems] == [(line, said)]
    assert plugin.grid == ()


def test_a_name_that_is_like_it_offers_it(tmp_path):
    plugin = read_plugin(a_plugin(tmp_path, before='GRIDS = {"units": [8]}'), TASKS)

    assert "unknown declaration GRIDS (did you mean 'GRID'?)" in plugin.problems[0].message


def test_another_grid_leaves_the_results_of_its_points_what_they_are(tmp_path):
    def digest(grid: str, build: str = "def build(task, units): return None") -> str:
        return read_plugin(a_plugin(tmp_path, before=grid, build=build), TASKS).sha256

    one = digest('GRID = {"units": [8]}')
    assert digest('GRID = {\n    "units": [8, 16],\n}') == one
    assert digest('GRID = {"units": [8]}; import os') != digest('GRID = {"units": [9]}; import os')
    for reads in ("GRID", "globals()['GRID']"):
        build = f"def build(task, units): return {reads}"
        assert digest('GRID = {"units": [8]}', build) != digest('GRID = {"units": [9]}', build)
