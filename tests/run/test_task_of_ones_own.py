"""A task of one's own, from its file to the leaderboard, and what an edit of it costs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_plugin
from command_line import call
from conftest import Run
from task_world import a_project
from tree_world import commit, git
from verify_world import Place, Workshop

from bench.records.store import Store

MakePlace = Callable[..., Place]


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """A project of the task sunspots with one plugin for it, whose trials a workshop does."""
    place = make_place(Workshop(), [])
    a_project(place.folder)
    (place.folder / "plugins" / "last_year.py").unlink()
    return place


def edit(place: Place, old: str, new: str) -> None:
    file = place.folder / "datasets" / "sunspots.py"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def run(place: Place, *words: str) -> tuple[int, str]:
    status = place.bench("run", "--all", "--profile", "smoke", "--source", "synthetic", *words)
    return status, place.err


# One time as it is


def test_a_project_s_task_is_run_verified_on_two_cores_and_reported(bench: Run, tmp_path: Path):
    """The real command line, with workers: forked from a server, two at once, and repeated."""
    project = a_project(tmp_path / "project")
    where = ["--plugins", project / "plugins", "--datasets", project / "datasets"]
    data = ["--data", f"sunspots={project / 'sunspots.csv'}", "--profile", "smoke"]
    done = bench("run", "dense", "last_year", *where, *data, "--jobs", "2", "--verify")

    assert done.returncode == 0, done.stderr
    records = Store(tmp_path / "reports").read().records
    assert {r.trial.plugin for r in records} == {"dense", "last_year"}
    assert {r.status for r in records} == {"ok"}
    assert {r.data["source"] for r in records} == {"local"}
    assert {r.repeat["verdict"] for r in records if r.repeat} == {"bit-identical"}
    assert "sunspots, local data" in done.stdout


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
def test_bench_test_checks_plugins_of_such_a_task(bench: Run, tmp_path: Path):
    a_project(tmp_path)
    done = bench("test", "dense")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_revision_is_judged_by_models_of_such_a_task(bench: Run, tmp_path: Path):
    """Each side trains on its own task file and data; what did not change is not called worse."""
    plugin = a_project(tmp_path) / "plugins" / "dense.py"
    shutil.copy(plugin, plugin.with_name("steady.py"))
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "A task of our own")
    plugin.write_text(plugin.read_text().replace('"units": 4', '"units": 16'), encoding="utf-8")
    asked = ["--metric", "quality", "--metric", "parameters", "--seeds", "0", "--quick"]
    done = bench("check", "--against", "HEAD", *asked, "--format", "json")

    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["findings"]
    verdicts = {(each["label"], each["metric"]): each["verdict"] for each in found}
    assert verdicts["dense", "parameters"] == "worse"
    unchanged = {key for key, verdict in verdicts.items() if verdict == "unchanged"}
    metrics = ("quality", "parameters")
    assert unchanged >= {(name, m) for name in ("steady", "last_year") for m in metrics}


# What an edit costs


def test_an_edited_split_is_trained_again_and_stands_in_a_table_of_its_own(place):
    assert run(place)[0] == 0
    assert "0 to run, 1 reused" in run(place)[1]
    edit(place, "TRAINED = 0.6", "TRAINED = 0.7")

    assert "1 to run" in run(place)[1]
    first, second = place.records
    assert first.trial.task_version == second.trial.task_version
    assert first.identity != second.identity
    assert place.bench("report", "--format", "json") == 0
    tables = json.loads(place.out)["tables"]
    assert len({table["task_sha256"] for table in tables}) == len(tables) == 2


def test_taken_back_the_results_from_before_it_count_again(place):
    run(place)
    edit(place, "TRAINED = 0.6", "TRAINED = 0.7")
    run(place)
    edit(place, "TRAINED = 0.7", "TRAINED = 0.6")

    assert "0 to run, 1 reused" in run(place)[1]
    assert place.bench("show", "dense") == 0
    # The row of the edit is marked; the record that counts is not.
    assert "\ncurrent record: " in place.out or "\nlast record: " in place.out


def test_what_was_made_before_an_edit_is_marked_and_not_judged(place):
    run(place)
    assert place.bench("baseline", "--output", "kept.json") == 0
    edit(place, "TRAINED = 0.6", "TRAINED = 0.7")

    assert place.bench("show", "dense") == 0
    assert "its task was edited since" in place.out
    line = ["check", "--baseline", "kept.json", "--metric", "parameters", "--format", "json"]
    assert place.bench(*line) == 3
    (found,) = json.loads(place.out)["findings"]
    assert (found["verdict"], "edited since" in found["reason"]) == ("not measured", True)


def test_the_data_are_made_again_by_the_edited_file(place):
    run(place)
    assert "making synthetic data" not in run(place)[1]

    edit(place, "years = np.arange(300)", "years = 1 + np.arange(300)")
    assert "making synthetic data" in run(place)[1]
    first, second = (record.data["fingerprint"] for record in place.records)
    assert first == second


# What is wrong with it


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("years = np.arange(300)", "years = np.arange('x')", "TypeError"),
        ("import pandas as pd", "import pandas as pd, no_such_package", "ModuleNotFoundError"),
        ('return Prepared({"spots": spots.astype("float32")}, {})', "return None", "returned None"),
    ],
)
def test_what_it_raises_ends_the_run_with_its_file_and_line_and_is_no_fault_of_the_suite(
    place, old, new, said
):
    edit(place, old, new)
    status, err = run(place)

    assert status == 2
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "datasets/sunspots.py:" in last
    assert said in last
    assert "fault of the suite" not in err


def test_what_open_view_raises_is_a_failed_row_that_names_the_task_s_line(place):
    edit(place, 'facts={"period": 11}', 'facts={"period": 11 / 0}')
    status, _ = run(place)

    assert status == 1
    (record,) = place.records
    assert record.status == "failed"
    assert record.reason.startswith("sunspots.py:")
    assert "ZeroDivisionError" in record.reason


def test_a_wrong_task_is_listed_and_fails_its_own_plugins_alone(place, capsys):
    edit(place, 'DIRECTION = "min"', 'DIRECTION = "down"')
    a_plugin(place.folder / "plugins", "other")
    status, out, _ = call(capsys, "list")

    assert status == 0
    assert "sunspots: PROBLEM datasets/sunspots.py:10: DIRECTION must be 'min' or 'max'" in out
    assert "other: A model" in out
    data = ["--data", f"jena={place.weather}", "--profile", "smoke"]
    assert place.bench("run", "--all", *data) == 1
    assert {(r.trial.plugin, r.status) for r in place.records} == {("other", "ok")}
    assert "left out: " in place.err
    assert "its task 'sunspots' cannot be used" in place.err


# The data commands


def test_data_commands_know_it(place, monkeypatch):
    monkeypatch.setenv("BENCH_DATA_DIR", str(place.folder / "no-data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    assert place.bench("data", "status", "sunspots") == 0
    assert "sunspots:" in place.out
    assert place.bench("data", "verify", "sunspots.csv") == 0
    assert "sunspots: ok: sunspots.csv: can be read as local data" in place.out
    assert place.bench("data", "fetch", "sunspots") == 1
    assert "sunspots: no official data are known" in place.err
    assert place.bench("data", "verify", "sunspots") == 0


def test_a_new_plugin_may_be_of_it(place):
    assert place.bench("new", "mine", "--task", "sunspots") == 0
    assert 'TASK = "sunspots"' in (place.folder / "plugins" / "mine.py").read_text()
