"""A plugin may serve a kind of tasks, or several: one for each, meant where it belongs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import a_plugin, task_source
from click.testing import CliRunner

from bench.cli.list import command as list_command
from bench.cli.new import plugin_source
from bench.cli.show import command as show_command
from bench.errors import BenchError
from bench.registry.discover import Registry, discover
from bench.registry.project import left_out

DATA = "{'file': 'x.csv', 'time': 't', 'targets': ['y']}"
BUILD = "def build(task): return None"


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Two series of one's own, and a task of no kind."""
    folder = tmp_path / "datasets"
    folder.mkdir()
    for name in ("town", "sales"):
        text = f'"""Made."""\nKIND = \'series\'\nDATA = {DATA}\n'
        (folder / f"{name}.py").write_text(text)
    (folder / "speech.py").write_text(task_source())
    return folder


def registry_with(
    folder: Path, datasets: Path | None, task: object = "series", own: bool = False, **more: str
) -> Registry:
    parts = {"hyperparameters": "{}", "build": BUILD, **more}
    a_plugin(folder, "generic", task=task, **parts)  # type: ignore[arg-type]
    return discover([folder], datasets=[datasets] if datasets else [], own=own)


def served(registry: Registry, *patterns: str, task: str | None = None) -> list[str]:
    return [p.task for p in registry.select([*patterns], task) if p.name == "generic"]


def test_it_is_meant_for_ones_own_tasks_of_the_kind(plugin_folder, datasets):
    registry = registry_with(plugin_folder, datasets)

    assert served(registry) == served(registry, "generic") == ["sales", "town"]
    assert served(registry, task="town") == ["town"]
    labels = [plugin.label for plugin in registry.select(["gen*"])]
    assert labels == ["generic (sales)", "generic (town)"]


def test_the_shipped_task_of_the_kind_has_it_where_it_is_named(plugin_folder, datasets):
    registry = registry_with(plugin_folder, datasets)

    assert served(registry, task="jena") == []
    assert served(registry, "generic", task="jena") == ["jena"]
    alone = registry_with(plugin_folder, None)
    assert served(alone) == []
    assert served(alone, "generic") == ["jena"]


def test_a_project_of_its_own_leaves_out_nothing_that_is_only_meant_by_name(
    plugin_folder, datasets
):
    registry = registry_with(plugin_folder, datasets, own=True)

    assert served(registry) == ["sales", "town"]
    (line,) = left_out(registry, [], "town", "run") if registry.left_out([], "town") else ("",)
    assert "generic" not in line
    assert all(plugin.name != "generic" for plugin in registry.left_out([], None))


def test_a_list_names_tasks_and_kinds_and_each_is_there_once(plugin_folder, datasets):
    registry = registry_with(plugin_folder, datasets, ["town", "series", "speech", "town"])
    found = {p.task: p for p in registry.plugins if p.name == "generic"}

    assert {*found} == {"jena", "sales", "speech", "town"}
    assert [name for name, plugin in found.items() if plugin.by_kind] == ["jena", "sales"]
    assert all(plugin.problems == () for plugin in found.values())


def test_a_task_that_there_is_not_costs_the_others_nothing(plugin_folder, datasets):
    registry = registry_with(plugin_folder, datasets, ["town", "twon"])
    found = {p.task: [x.message for x in p.problems] for p in registry.plugins}

    assert found["town"] == []
    assert found["twon"] == ["unknown task 'twon' (did you mean 'town'?)"]


@pytest.mark.parametrize("task", [[], ["town", 3], 3])
def test_what_names_no_task_is_told(plugin_folder, datasets, task):
    registry = registry_with(plugin_folder, datasets, task)
    (plugin,) = (p for p in registry.plugins if p.name == "generic")

    assert [problem.message for problem in plugin.problems][:1] == [
        "TASK must be a text, like 'jena'"
    ]


def test_a_kind_is_the_nearest_word_too(plugin_folder):
    with_word = registry_with(plugin_folder, None, "serie")
    (plugin,) = (p for p in with_word.plugins if p.name == "generic")
    assert plugin.problems[0].message == "unknown task 'serie' (did you mean 'series'?)"


def test_what_a_task_cannot_take_is_a_problem_of_that_task_alone(plugin_folder, datasets):
    more = {"hyperparameters": '{"calendar": True}'}
    registry = registry_with(plugin_folder, datasets, ["town", "speech"], **more)
    found = {p.task: [x.message for x in p.problems] for p in registry.plugins}

    assert found["town"] == []
    assert "unknown hyperparameter 'calendar'" in found["speech"][0]


def test_published_figures_belong_to_the_data_of_one_task(plugin_folder, datasets):
    registry = registry_with(plugin_folder, datasets, before="REFERENCE = {'val_mae': 0.2}")
    found = [p for p in registry.plugins if p.name == "generic"]

    assert {str(p.problems[-1]) for p in found} == {
        f"{plugin_folder / 'generic.py'}:2: REFERENCE belongs to the data of one task, and TASK "
        "names a kind or several: leave it out"
    }
    assert all(p.reference == {} for p in found)


def test_two_files_of_one_name_are_refused_and_one_file_for_several_tasks_is_not(
    plugin_folder, datasets, tmp_path
):
    registry_with(plugin_folder, datasets)
    (tmp_path / "more").mkdir()
    a_plugin(tmp_path / "more", "generic")
    registry = discover([plugin_folder, tmp_path / "more"], datasets=[datasets])

    told = {str(p.problems[-1].message) for p in registry.plugins if p.name == "generic"}
    assert len(told) == 1
    assert "several plugins have this name" in told.pop()


def test_list_has_it_under_each_task_and_show_once(plugin_folder, datasets, tmp_path):
    registry_with(plugin_folder, datasets)
    asked = ["--plugins", str(plugin_folder), "--datasets", str(datasets)]

    def said(command: object, *words: str) -> str:
        result = CliRunner().invoke(command, [*words, *asked], standalone_mode=False)  # type: ignore[arg-type]
        assert result.exception is None, result.output
        return result.output

    document = json.loads(said(list_command, "--json"))
    found = [(p["task"], p["by_kind"]) for p in document["plugins"] if p["name"] == "generic"]
    kinds = {task["name"]: task["kind"] for task in document["tasks"]}
    shown = said(show_command, "generic", "--results", str(tmp_path / "none"))

    assert found == [("sales", True), ("town", True)]
    assert kinds == {
        "imdb": "text", "jena": "series", "sales": "series", "speech": None, "town": "series"
    }  # fmt: skip
    assert "  for jena, sales, town\n" in shown
    assert shown.count("generic: A model") == 1


@pytest.mark.parametrize(("task", "kind"), [("town", "series"), ("series", "series")])
def test_a_new_plugin_for_a_task_of_a_kind_has_no_problem(plugin_folder, datasets, task, kind):
    a_plugin(plugin_folder, "mine", plugin_source("mine", task, kind))
    registry = discover([plugin_folder], datasets=[datasets])
    found = [p for p in registry.plugins if p.name == "mine"]

    assert [p.task for p in found if not p.problems] == (
        ["town"] if task == "town" else ["jena", "sales", "town"]
    )
    with pytest.raises(BenchError, match="unknown plugin"):
        registry.select(["mine"], "imdb")
