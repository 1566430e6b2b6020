"""A project has plugins of its own: these are what a command means where nothing is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_plugin, task_source

from bench.errors import BenchError
from bench.gate.against import both_registries, only_named
from bench.registry.discover import Registry
from bench.registry.project import left_out, project_of, registry_of, results_folder, tasks_of
from bench.registry.source_tree import Meant, Tree


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed suite with the task jena and the plugins jena_gru, jena_naive; its plugins."""
    folders = {kind: tmp_path / "suite" / kind for kind in ("plugins", "datasets")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["datasets"] / "jena.py").write_text(task_source())
    for name in ("jena_gru", "jena_naive"):
        a_plugin(folders["plugins"], name)
    for module in ("bench.registry.project", "bench.registry.discover", "bench.registry.tasks"):
        monkeypatch.setattr(f"{module}.shipped", folders.__getitem__)
    return folders["plugins"]


@pytest.fixture
def project(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which a test works, with the folder ``plugins`` and nothing in it."""
    folder = tmp_path / "project"
    (folder / "plugins").mkdir(parents=True)
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    return folder


def asked(*folders: Path, with_shipped: bool = False) -> Meant:
    return Meant(folders, (), with_shipped)


def names(registry: Registry, *patterns: str) -> list[str]:
    return [plugin.name for plugin in registry.select(patterns)]


def told(registry: Registry, *patterns: str) -> list[str]:
    return [*left_out(registry, patterns, None, "run")]


def write(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


# Which plugins are meant


def test_a_folder_of_plugins_here_is_what_a_project_means_and_the_rest_is_counted(project):
    a_plugin(project / "plugins", "mine")
    registry = registry_of(asked())

    assert names(registry) == ["mine"]
    assert told(registry) == ["2 shipped plugins are not run: --shipped"]


def test_with_shipped_all_are_meant_and_nothing_is_left_to_tell(project):
    a_plugin(project / "plugins", "mine")
    registry = registry_of(asked(with_shipped=True))

    assert names(registry) == ["jena_gru", "jena_naive", "mine"]
    assert told(registry) == []


def test_without_a_plugin_of_its_own_all_are_meant(project):
    (project / "plugins" / "_helper.py").write_text("")
    registry = registry_of(asked())

    assert names(registry) == ["jena_gru", "jena_naive"]
    assert told(registry) == []


def test_a_shipped_plugin_is_there_by_its_name_and_needs_no_word(project):
    a_plugin(project / "plugins", "mine")
    registry = registry_of(asked())

    assert names(registry, "jena_naive", "mine") == ["jena_naive", "mine"]
    assert told(registry, "jena_naive", "mine") == []
    assert names(registry, "jena_*") == ["jena_gru", "jena_naive"]
    assert told(registry, "jena_*") == []


def test_a_glob_that_matches_its_own_plugins_matches_no_others_and_says_so(project):
    a_plugin(project / "plugins", "jena_mine")
    registry = registry_of(asked())

    assert names(registry, "jena_*") == ["jena_mine"]
    assert told(registry, "jena_*") == ["2 shipped plugins are not run: --shipped"]
    assert names(registry, "jena_*", "jena_gru") == ["jena_mine", "jena_gru"]
    assert told(registry, "jena_*", "jena_gru") == ["1 shipped plugin is not run: --shipped"]


def test_folders_named_on_the_command_line_are_its_own_too(project, plugin_folder):
    a_plugin(plugin_folder, "theirs")
    assert names(registry_of(asked(plugin_folder))) == ["theirs"]

    a_plugin(project / "plugins", "mine")
    assert names(registry_of(asked(plugin_folder))) == ["mine", "theirs"]


def test_in_the_suite_s_own_checkout_everything_is_meant(suite, plugin_folder, monkeypatch):
    monkeypatch.chdir(suite.parent)
    assert names(registry_of(asked())) == ["jena_gru", "jena_naive"]

    a_plugin(plugin_folder, "mine")
    assert names(registry_of(asked(plugin_folder))) == ["jena_gru", "jena_naive", "mine"]


# Two of one name


def test_its_own_plugin_goes_before_a_shipped_one_of_its_name_and_this_is_told(project):
    file = a_plugin(project / "plugins", "jena_gru", hyperparameters='{"units": 9}')
    registry = registry_of(asked())
    (chosen,) = registry.select(["jena_gru"])

    assert (chosen.path, chosen.problems) == (file.relative_to(project), ())
    assert told(registry, "jena_gru") == [
        "jena_gru: this project's own, and not the shipped one of that name"
    ]
    assert told(registry, "jena_naive") == []


def test_with_shipped_two_of_one_name_are_refused_and_both_files_are_named(project, suite):
    file = a_plugin(project / "plugins", "jena_gru", hyperparameters='{"units": 9}')
    both = registry_of(asked(with_shipped=True)).select(["jena_gru"])

    assert len(both) == 2
    for plugin in both:
        (problem,) = map(str, plugin.problems)
        assert str(file.relative_to(project)) in problem
        assert str(suite / "jena_gru.py") in problem


def test_a_copy_of_a_shipped_plugin_is_the_same_plugin_and_no_word_is_lost(project, suite):
    copy = a_plugin(project / "plugins", "jena_gru", (suite / "jena_gru.py").read_text())
    registry = registry_of(asked())

    assert [plugin.path for plugin in registry.select([])] == [copy.relative_to(project)]
    assert told(registry) == ["1 shipped plugin is not run: --shipped"]


def test_two_of_its_own_of_one_name_are_refused(project, plugin_folder):
    a_plugin(project / "plugins", "mine")
    a_plugin(plugin_folder, "mine")
    plugins = registry_of(asked(plugin_folder)).select(["mine"])

    assert [len(plugin.problems) for plugin in plugins] == [1, 1]


# What the project's file says


def test_its_file_names_its_folders_wherever_below_it_a_command_is_given(project, monkeypatch):
    (project / "models").mkdir()
    (project / "docs").mkdir()
    a_plugin(project / "models", "mine")
    write(project, '[tool.bench]\nplugins = ["models"]\nresults = "kept"\n')
    monkeypatch.chdir(project / "docs")

    assert names(registry_of(asked())) == ["mine"]
    assert results_folder() == Path("../kept")


def test_without_a_word_of_folders_they_lie_beside_the_file(project, monkeypatch):
    a_plugin(project / "plugins", "mine")
    (project / "docs").mkdir()
    write(project, "[tool.bench.check]\nlevel = 0.05\n")
    monkeypatch.chdir(project / "docs")

    assert names(registry_of(asked())) == ["mine"]
    assert results_folder() == Path("reports")


def test_a_folder_that_it_names_is_its_own_also_while_it_is_empty(project):
    write(project, '[tool.bench]\nplugins = ["plugins"]\n')
    assert names(registry_of(asked())) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tool.bench]\nplugin = []", "the unknown entry 'plugin' (did you mean 'plugins'?)"),
        ("[tool.bench]\nplugins = 'mine'", "[tool.bench].plugins must be a list or null, not 'mi"),
        ("[tool.bench]\nplugins = ['mine']", "mine, which is not a folder; make it, or correct"),
        ("[tool.bench]\nresults = 3", "[tool.bench].results must be a text or null, not 3"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_the_file_and_the_key(project, table, said):
    write(project, table)
    with pytest.raises(BenchError) as raised:
        registry_of(asked())

    assert str(raised.value).startswith(f"{project / 'pyproject.toml'}: [tool.bench]")
    assert said in str(raised.value)


def test_a_project_without_a_file_is_the_folder_itself(project):
    write(project, "[project]\nname = 'x'\n")
    assert (project_of().file, project_of().root.resolve()) == (None, project)


# Another revision


@pytest.fixture
def tree(project: Path, tmp_path: Path) -> Tree:
    """The project's repository, and a revision of it that has nothing yet."""
    (tmp_path / "copy").mkdir()
    return Tree(project, tmp_path / "copy", "v1")


Compared = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def compared(tree: Tree) -> Compared:
    """Tell which plugins a check compares, now and in the revision."""

    def compare() -> tuple[list[str], list[str]]:
        now, then = both_registries(asked(), tree)
        all_of = {*names(now), *names(then)}
        return names(only_named(now, all_of, then)), names(only_named(then, all_of, now))

    return compare


def test_a_revision_has_a_file_and_folders_of_its_own(project, tree, compared):
    (project / "models").mkdir()
    a_plugin(project / "models", "mine")
    a_plugin(project / "models", "new")
    write(project, '[tool.bench]\nplugins = ["models"]\n')
    (tree.copy / "plugins").mkdir()
    a_plugin(tree.copy / "plugins", "mine")
    a_plugin(tree.copy / "plugins", "former")

    assert compared() == (["mine", "new"], ["former", "mine"])


def test_a_revision_from_before_the_first_plugin_means_none(project, compared):
    a_plugin(project / "plugins", "mine")
    assert compared() == (["mine"], [])


def test_without_its_last_plugin_a_project_means_none(tree, compared):
    (tree.copy / "plugins").mkdir()
    a_plugin(tree.copy / "plugins", "mine")
    assert compared() == ([], ["mine"])


def test_its_own_plugin_is_never_compared_with_a_shipped_one_of_its_name(project, compared):
    a_plugin(project / "plugins", "jena_gru", hyperparameters='{"units": 9}')
    assert compared() == (["jena_gru"], [])


def test_where_neither_has_a_plugin_of_its_own_all_are_compared(compared):
    assert compared() == (["jena_gru", "jena_naive"], ["jena_gru", "jena_naive"])


# Tasks


def test_a_folder_of_tasks_here_or_where_its_file_says_adds_to_the_shipped_ones(project):
    (project / "datasets").mkdir()
    (project / "data").mkdir()
    (project / "datasets" / "speech.py").write_text(task_source())
    (project / "data" / "sales.py").write_text(task_source())
    assert registry_of(asked()).tasks.keys() == {"jena", "speech"}
    assert tasks_of().right.keys() == {"jena", "speech"}

    write(project, '[tool.bench]\ndatasets = ["data"]\n')
    assert registry_of(asked()).tasks.keys() == {"jena", "sales"}
    assert tasks_of([project / "datasets"]).right.keys() == {"jena", "sales", "speech"}


def test_a_revision_has_tasks_of_its_own(project, tree):
    for folder, version in ((project, "2"), (tree.copy, "1")):
        (folder / "datasets").mkdir()
        (folder / "datasets" / "speech.py").write_text(task_source(VERSION=version))
    now, then = both_registries(asked(), tree)

    assert (now.tasks["speech"].version, then.tasks["speech"].version) == (2, 1)


def test_tasks_named_on_the_command_line_are_the_revision_s_too(project, tree):
    (project / "mine").mkdir()
    (project / "mine" / "speech.py").write_text(task_source())
    now, then = both_registries(Meant((), (Path("mine"),), False), tree)

    assert "speech" in now.tasks
    assert "speech" not in then.tasks
