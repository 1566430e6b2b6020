"""``run`` trains every point of a grid, and ``report --best-of-grid`` shows each plugin's best."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_plugin, a_record
from command_line import complaint, report_on
from run_world import an_outcome
from verify_world import Place, Workshop

import bench
from bench.protocol import Job, Outcome


class Trainer(Workshop):
    """The more units a model has, the better it is on validation, and the worse on test."""

    def __call__(self, job: Job) -> Outcome:
        units = job.trial.hyperparameters.get("units", 0)
        made = super().__call__(job)
        scores = {"validation": {"mae": 1 / (1 + units)}, "test": {"mae": 1.0 + units}}
        return replace(made, metrics={**an_outcome().metrics, **scores})


@pytest.fixture
def place(make_place: Callable[..., Place], plugin_folder: Path) -> Place:
    """Plugins of a grid of three points, and of none."""
    made = make_place(Trainer(), ["plain"])
    a_plugin(plugin_folder, "grid", before='GRID = {"units": [4, 8, 16]}')
    return made


def rows(place: Place, *words: str) -> dict[str, dict]:
    assert place.bench("report", "--plugins", "my-plugins", "--format", "json", *words) == 0
    (table,) = json.loads(place.out)["tables"]
    return {row["label"]: {**row, "of": table.get("points", {})} for row in table["rows"]}


def test_each_point_is_a_row_named_by_what_differs(place):
    assert place.run("grid", "plain", "--profile", "smoke", "--seeds", "0,1") == 0

    assert "grid: a grid of 3 points, 6 trials" in place.err.splitlines()
    assert "8 trials: 8 to run" in place.err
    assert {*rows(place)} == {"grid", "grid (units=4)", "grid (units=16)", "plain"}
    assert place.run("grid", "--profile", "smoke", "--set", "units=16,32") == 0
    assert "2 trials: 1 to run, 1 reused" in " ".join(place.err.replace(" in", "").split())
    assert "grid (units=32)" in rows(place)


def test_the_best_of_a_grid_is_chosen_by_validation_and_says_of_how_many(place):
    place.run("grid", "plain", "--profile", "smoke")

    best = rows(place, "--best-of-grid")
    place.bench("report", "--plugins", "my-plugins", "--best-of-grid")
    chosen = " ".join(place.out.split())
    place.bench("report", "--plugins", "my-plugins", "--best-of-grid", "--format", "md")
    page = place.out
    place.bench("report", "--plugins", "my-plugins")
    every = place.out

    assert {*best} == {"grid (units=16)", "plain"}
    assert best["plain"]["of"] == {"grid (units=16)": 3, "plain": 1}
    assert "to choose among many is an advantage" in chosen
    assert "| best of |" in " ".join(page.split())
    assert "advantage" in page
    assert "advantage" not in every


def test_in_python_a_list_of_values_is_a_grid(place):
    found = bench.run(
        "plain",
        set={"units": [2, 8]},
        plugins="my-plugins",
        data={"jena": place.weather},
        profile="smoke",
        progress=False,
    )

    assert [*found.frame()["variant"]] == ["units=2", ""]
    assert {*found.leaderboard(best_of_grid=True).document.data["tables"][0]["points"]} == {"plain"}


def test_the_baseline_stays_and_failed_or_outdated_points_are_not_chosen(tmp_path, capsys):
    records = [
        a_record("jena_naive", 0.3),
        a_record("jena_naive", 0.2, trial={"overrides": {"step": 2}, "view": {"step": 2}}),
        a_record("model", status="failed", reason="no", trial={"overrides": {"units": 1}}),
        a_record("model", 0.25, trial={"overrides": {"units": 2}, "hyperparameters": {"units": 2}}),
    ]

    _, out, _ = report_on(records, tmp_path, capsys, "--best-of-grid", "--format", "json")

    (table,) = json.loads(out)["tables"]
    assert [row["label"] for row in table["rows"]] == [
        "jena_naive (step=2)",
        "model (units=2)",
        "jena_naive",
    ]
    assert table["points"] == {"jena_naive (step=2)": 2, "model (units=2)": 1}


def test_it_is_a_view_of_the_leaderboard_alone(capsys):
    said = complaint(capsys, "report", "--best-of-grid", "--backends")

    assert said == "error: --backends is another report than --best-of-grid: leave one out"
