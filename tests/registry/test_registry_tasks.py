"""Task files are read like plugins; a wrong one stops the suite with one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import task_source

from bench.errors import BenchError
from bench.registry.task_code import load_module
from bench.registry.tasks import TaskInfo, discover_tasks, find_task, read_task


def read(folder: Path, source: str) -> TaskInfo:
    path = folder / "speech.py"
    path.write_text(source, encoding="utf-8")
    return read_task(path)


def test_the_shipped_tasks_are_right():
    tasks = discover_tasks()
    assert set(tasks) == {"imdb", "jena"}
    assert tasks["imdb"].direction == "max"
    assert tasks["jena"].direction == "min"


def test_a_task_is_read_without_running_it(tmp_path):
    task = read(tmp_path, task_source() + "raise SystemExit\n")
    assert (task.name, task.description) == ("speech", "A made task.")
    assert task.view == {"lookback": 10}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"METRIC": ""}, r"speech\.py:1: a task declares METRIC; add it"),
        ({"VERSION": "'1'"}, r"speech\.py:2: VERSION must be a whole number"),
        ({"VIEW": "dict(a=1)"}, r"speech\.py:9: VIEW must be a literal"),
        ({"DIRECTION": "'up'"}, r"speech\.py:4: DIRECTION must be 'min' or 'max'"),
        ({"UNITS": "{'rmse': 'std'}"}, "UNITS must give the unit of 'mae'"),
        ({"VIEW": "{'epochs': 1}"}, "VIEW has 'epochs', which is a training option"),
        ({"VIEW": "{'a': {1, 2}}"}, "VIEW option 'a' must be a number, text"),
        ({"CHOICES": "{'lookback': [1, 2]}"}, "CHOICES of 'lookback' must hold the default"),
        ({"CHOICES": "{'look': [1, 2]}"}, "CHOICES of 'look' must hold the default"),
        ({"TRAINING": "{'epoch': 1}"}, "TRAINING has 'epoch'.*did you mean 'epochs'"),
        ({"TRAINING": "{'epochs': 'x'}"}, "TRAINING option 'epochs' must be a whole number"),
        ({"PROFILES": "{'smoke': {}, 'full': {}}"}, "PROFILES must give the limits of 'quick'"),
        (
            {"PROFILES": "{'smoke': {'epoch': 1}, 'quick': {}, 'full': {}}"},
            "PROFILES has the limit 'epoch' .did you mean 'epochs'",
        ),
        (
            {"PROFILES": "{'smoke': {'epochs': 0}, 'quick': {}, 'full': {}}"},
            "PROFILES limit 'epochs' must be a whole number above 0",
        ),
    ],
)
def test_a_wrong_declaration_is_named_with_its_line(tmp_path, changes, complaint):
    with pytest.raises(BenchError, match=complaint):
        read(tmp_path, task_source(**changes))


def test_a_missing_function_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"a task defines open_view\(\)"):
        read(tmp_path, task_source().replace("def open_view", "def open_door"))


def test_helpers_beside_the_tasks_are_no_tasks(tmp_path):
    read(tmp_path, task_source())
    (tmp_path / "_helper.py").write_text("")
    (tmp_path / ".speech.py").write_text("")
    assert list(discover_tasks(tmp_path)) == ["speech"]


def test_an_unknown_task_offers_the_nearest_and_all():
    with pytest.raises(BenchError, match=r"did you mean 'jena'\?\); there are: imdb, jena"):
        find_task("jenna", discover_tasks())


def test_a_task_file_is_run_once(tmp_path):
    task = read(tmp_path, task_source() + "MADE = object()\n")
    assert load_module(task).MADE is load_module(task).MADE


def test_a_task_file_that_failed_once_is_not_taken_for_a_whole_module(tmp_path):
    task = read(tmp_path, task_source() + "raise OSError('no disk')\n")
    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            load_module(task)


def test_the_shipped_tasks_say_which_arrays_hold_the_targets_of_their_test_split():
    found = {name: [*task.test_targets] for name, task in discover_tasks().items()}
    assert found == {"imdb": ["test_labels"], "jena": ["targets_test"]}


def test_a_task_may_leave_out_its_test_targets_and_not_declare_them_wrongly(tmp_path):
    path = tmp_path / "made.py"
    path.write_text(task_source())
    assert [*read_task(path).test_targets] == []
    path.write_text(task_source(TEST_TARGETS="'y'"))
    with pytest.raises(BenchError, match="TEST_TARGETS must be a list"):
        read_task(path)
