"""Task files of one's own: found in folders and packages, and what is wrong costs little."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_plugin, task_source

from bench.errors import BenchError, TaskError
from bench.registry.discover import discover, find_tasks
from bench.registry.task_code import call_task
from bench.registry.tasks import read_task
from bench.task import Prepared


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    folder = tmp_path / "datasets"
    folder.mkdir()
    return folder


def a_task_file(folder: Path, name: str = "speech", more: str = "", **changes: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(task_source(**changes) + more, encoding="utf-8")
    return path


def problems_of(folder: Path, plugins: Path) -> dict[str, list[str]]:
    registry = discover([plugins], datasets=[folder], own=True)
    chosen = [plugin for plugin in registry.plugins if registry.is_meant(plugin)]
    return {plugin.name: [problem.message for problem in plugin.problems] for plugin in chosen}


# Where they are found


def test_a_folder_adds_its_tasks_to_the_shipped_ones(datasets, plugin_folder):
    a_task_file(datasets)
    a_plugin(plugin_folder, "mine", task="speech", hyperparameters='{"lookback": 3}',
             build="def build(task): return None")  # fmt: skip
    registry = discover([plugin_folder], datasets=[datasets])

    assert registry.tasks.keys() == {"imdb", "jena", "speech"}
    (mine,) = registry.select(["mine"])
    assert (mine.task, mine.problems) == ("speech", ())


def test_a_folder_that_is_none_is_a_usage_error(tmp_path):
    with pytest.raises(BenchError, match=r"--datasets .*gone: is not a folder; give one with task"):
        find_tasks([tmp_path / "gone"])


def test_a_package_has_tasks_by_an_entry_point_and_is_not_imported(tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "theirs" / "tasks").mkdir(parents=True)
    (site / "theirs" / "__init__.py").write_text("raise SystemExit('imported')\n")
    a_task_file(site / "theirs" / "tasks")
    info = site / "third_party-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench.tasks]\nx = theirs.tasks\ny = gone.tasks\n")
    monkeypatch.syspath_prepend(str(site))
    found = find_tasks()

    assert "speech" in found.right
    (wrong,) = found.wrong
    assert "entry point 'gone.tasks' leads to no file" in wrong.reason


# What is wrong with one


def test_a_wrong_task_costs_its_own_plugins_alone_and_they_say_why(datasets, plugin_folder):
    a_task_file(datasets, VERSION="'one'")
    a_plugin(plugin_folder, "theirs", task="speech")
    a_plugin(plugin_folder, "mine", task="jena")
    problems = problems_of(datasets, plugin_folder)

    assert problems["mine"] == []
    (problem,) = problems["theirs"]
    assert "its task 'speech' cannot be used" in problem
    assert "speech.py:2: VERSION must be a whole number" in problem


def test_one_that_does_not_parse_is_told_as_such_where_it_is_asked_for(datasets):
    (datasets / "speech.py").write_text("VERSION = (\n")
    registry = discover(datasets=[datasets])

    with pytest.raises(BenchError, match=r"speech\.py:1: does not parse"):
        registry.task("speech")
    assert registry.task("jena").name == "jena"
    with pytest.raises(BenchError, match="unknown task 'jenna'"):
        registry.task("jenna")


def test_two_tasks_of_one_name_are_both_refused_and_both_files_are_named(datasets, plugin_folder):
    ours = a_task_file(datasets, "jena")
    a_plugin(plugin_folder, "mine", task="jena")
    found = find_tasks([datasets])

    assert "jena" not in found.right
    assert len(found.wrong) == 2
    for wrong in found.wrong:
        assert "several tasks have this name" in wrong.reason
        assert str(ours) in wrong.reason
    assert "several tasks have this name" in problems_of(datasets, plugin_folder)["mine"][0]


def test_a_copy_of_a_task_is_the_same_task(datasets, tmp_path):
    a_task_file(datasets)
    (tmp_path / "other").mkdir()
    a_task_file(tmp_path / "other")

    found = find_tasks([datasets, tmp_path / "other"])
    assert "speech" in found.right
    assert found.wrong == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"METRIC": "'auc'", "UNITS": "{'auc': ''}"}, "METRIC must be one of mae, rmse"),
        ({"OFFICIAL": "['data.csv']"}, "OFFICIAL must be a list of lists"),
        ({"OFFICIAL": "[[{'nam': 'data.csv'}]]"}, "OFFICIAL must give each file's name"),
        ({"LOCAL": "['data.csv']"}, "LOCAL must be a list of lists of names"),
    ],
)
def test_what_the_data_are_called_and_scored_by_is_looked_at(datasets, changes, said):
    with pytest.raises(BenchError, match=said):
        read_task(a_task_file(datasets, **changes))


# Its source, and what it imports from beside it


def test_an_edit_of_a_task_is_another_source_and_so_is_one_of_what_it_imports(datasets):
    file = a_task_file(datasets, more="from . import _rows\n")
    rows, deep = datasets / "_rows.py", datasets / "_deep.py"
    rows.write_text("from ._deep import step\n")
    deep.write_text("step = 1\n")
    (datasets / "_other.py").write_text("")
    first = read_task(file).sha256
    seen = {first}
    for path, text in ((deep, "step = 2\n"), (rows, "from ._deep import step as one\n")):
        path.write_text(text)
        seen.add(read_task(file).sha256)
    file.write_text(file.read_text() + "# another split\n")
    seen.add(read_task(file).sha256)
    assert len(seen) == 4

    (datasets / "_other.py").write_text("# no matter\n")
    assert read_task(file).sha256 in seen


def test_what_lies_beside_a_task_is_imported_by_name_and_by_no_other_task(tmp_path):
    made = {}
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "_rows.py").write_text(f"WHOSE = {name!r}\n")
        more = "def synthesise():\n    from ._rows import WHOSE\n    return WHOSE\n"
        made[name] = call_task(read_task(a_task_file(folder, more=more)), "synthesise", kind=str)
    assert made == {"one": "one", "two": "two"}


def test_an_edited_task_is_run_as_it_is_now(datasets):
    before = a_task_file(datasets, more="def synthesise(): return 1\n")
    assert call_task(read_task(before), "synthesise", kind=int) == 1
    after = a_task_file(datasets, more="def synthesise(): return 2\n")
    assert call_task(read_task(after), "synthesise", kind=int) == 2


# What its code raises


def told(file: Path) -> str:
    with pytest.raises(TaskError) as raised:
        call_task(read_task(file), "synthesise", kind=Prepared)
    return str(raised.value).replace(str(file.parent), "")


def test_what_a_task_raises_is_told_with_file_and_line(datasets):
    file = a_task_file(datasets, more="\ndef synthesise():\n    return {}['rows']\n")
    line = len(file.read_text().splitlines())
    assert told(file) == f"/speech.py:{line}: KeyError: 'rows'"


def test_so_is_what_it_raises_at_its_import_and_beside_it(datasets):
    file = a_task_file(datasets, more="1 / 0\n")
    line = len(file.read_text().splitlines())
    assert told(file) == f"/speech.py:{line}: ZeroDivisionError: division by zero"

    (datasets / "_rows.py").write_text("\nimport no_such_package\n")
    file = a_task_file(datasets, more="from . import _rows\n")
    assert "/_rows.py:2: ModuleNotFoundError: No module named 'no_such_package'" in told(file)


def test_a_plain_import_of_what_lies_beside_it_is_told_with_the_right_one(datasets):
    (datasets / "_rows.py").write_text("")
    assert told(a_task_file(datasets, more="import _rows\n")).endswith(
        "No module named '_rows'; write: from . import _rows"
    )


def test_a_function_that_returns_something_else_is_named_with_its_line(datasets):
    file = a_task_file(datasets)
    text = file.read_text().splitlines()
    line = 1 + next(n for n, each in enumerate(text) if each.startswith("def synthesise"))
    assert told(file).startswith(f"/speech.py:{line}: synthesise returned NoneType; it returns Pre")
