"""Plugins are found in the suite, in folders, by entry point and as single files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from builders import a_plugin, task_source

from bench.errors import BenchError
from bench.registry.discover import Registry, discover
from bench.registry.source_tree import Tree


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of its own: two tasks and no plugin; return the folder of its plugins."""
    folders = {"plugins": tmp_path / "suite-plugins", "datasets": tmp_path / "suite-datasets"}
    for folder in folders.values():
        folder.mkdir()
    for name in ("jena", "imdb"):
        (folders["datasets"] / f"{name}.py").write_text(task_source())
    monkeypatch.setattr("bench.registry.discover.shipped", folders.__getitem__)
    monkeypatch.setattr("bench.registry.tasks.shipped", folders.__getitem__)
    return folders["plugins"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path, where a test installs packages."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    return site


def install(site: Path, entry_point: str) -> None:
    """Write what pip leaves of a distribution with one entry point."""
    info = site / "third_party-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bench.plugins]\n{entry_point}\n")


def names(registry: Registry) -> list[str]:
    return [plugin.name for plugin in registry.plugins]


def problems_of(registry: Registry, name: str) -> list[str]:
    return [str(p) for plugin in registry.plugins if plugin.name == name for p in plugin.problems]


def test_the_shipped_plugins_have_no_problem():
    registry = discover()
    assert len(registry.plugins) >= 8
    assert [str(p) for plugin in registry.plugins for p in plugin.problems] == []


def test_plugins_stand_by_task_then_name(suite):
    for name, task in (("b", "jena"), ("c", "imdb"), ("a", "jena")):
        a_plugin(suite, name, task=task)
    assert names(discover()) == ["c", "a", "b"]


def test_no_plugin_is_run(suite, tmp_path):
    witness = tmp_path / "witness"
    a_plugin(suite, before=f"open({str(witness)!r}, 'w'); raise SystemExit")
    assert names(discover()) == ["model"]
    assert not witness.exists()


def test_a_wrong_file_is_listed_and_the_others_work(suite):
    a_plugin(suite, "right")
    a_plugin(suite, "wrong", "def build(")
    (suite / "bytes.py").write_bytes(b"\xff\xfe\x00")
    registry = discover()

    assert {p.name for p in registry.plugins if p.problems} == {"wrong", "bytes"}
    assert names(registry) == ["bytes", "wrong", "right"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_what_is_no_file_or_far_too_large_is_listed_and_the_others_work(suite, plugin_folder):
    a_plugin(suite, "right")
    os.mkfifo(suite / "pipe.py")
    (suite / "device.py").symlink_to("/dev/zero")
    (suite / "itself.py").symlink_to(suite / "itself.py")
    (suite / "folder.py").mkdir()
    with (suite / "large.py").open("wb") as large:
        large.truncate(10 << 20)
    registry = discover()

    said = {plugin.name: str(plugin.problems[0]) for plugin in registry.plugins if plugin.problems}
    assert set(said) == {"pipe", "device", "itself", "folder", "large"}
    for name in ("pipe", "device", "folder"):
        assert said[name].startswith(f"{suite / name}.py:1: is not a regular file")
    assert "has 10,485,760 bytes, more than the 1,048,576 that are read" in said["large"]
    assert "itself.py:1: cannot be read" in said["itself"]
    assert [plugin.name for plugin in registry.select(["right"])] == ["right"]


def test_helpers_and_what_an_editor_leaves_are_no_plugins(suite):
    a_plugin(suite, "right")
    for name in ("_helper.py", ".right.py", "right.py~", "right.pyc", "notes.txt"):
        (suite / name).write_text("")
    (suite / ".#right.py").symlink_to("nobody@nowhere")
    assert names(discover()) == ["right"]


def test_a_further_folder_adds_its_plugins(suite, plugin_folder):
    a_plugin(suite, "ours")
    a_plugin(plugin_folder, "theirs")
    assert names(discover([plugin_folder])) == ["ours", "theirs"]


def test_a_single_file_adds_itself_alone(suite, plugin_folder):
    file = a_plugin(plugin_folder, "one")
    a_plugin(plugin_folder, "two")
    assert names(discover(files=[file])) == ["one"]


def test_two_plugins_of_one_name_are_both_refused_and_both_files_are_named(suite, plugin_folder):
    ours, theirs = a_plugin(suite, "gru"), a_plugin(plugin_folder, "gru")
    a_plugin(suite, "other")
    registry = discover([plugin_folder])

    assert problems_of(registry, "other") == []
    both = f"several plugins have this name: {plugin_folder / 'gru.py'}, {ours}; rename all but one"
    assert {*problems_of(registry, "gru")} == {f"{ours}:1: {both}", f"{theirs}:1: {both}"}


def test_a_plugin_with_the_name_of_an_ensembles_rows_is_refused(suite, plugin_folder):
    file = a_plugin(plugin_folder, "ensemble")

    said = "rows that `ensemble` makes have the name 'ensemble'; rename the file"
    assert problems_of(discover([plugin_folder]), "ensemble") == [f"{file}:1: {said}"]


def test_a_file_reached_in_several_ways_is_one_plugin(suite, plugin_folder, tmp_path):
    file = a_plugin(plugin_folder, "gru")
    (tmp_path / "linked").symlink_to(plugin_folder)
    registry = discover([plugin_folder, tmp_path / "linked", plugin_folder], [file])

    assert names(registry) == ["gru"]
    assert problems_of(registry, "gru") == []


@pytest.mark.parametrize("is_file", [True, False])
def test_a_folder_that_is_none_is_a_usage_error(suite, tmp_path, is_file):
    folder = tmp_path / "gone"
    if is_file:
        folder.write_text("")
    with pytest.raises(BenchError, match="gone: is not a folder; give one"):
        discover([folder])


def test_a_file_that_is_not_there_is_a_usage_error(suite, tmp_path):
    with pytest.raises(BenchError, match=r"gone\.py: no such plugin file; check the path"):
        discover(files=[tmp_path / "gone.py"])


@pytest.mark.parametrize(
    "entry_point", ["x = theirs.models", "x = theirs.models.gru", "x=theirs.models.gru:build"]
)
def test_an_entry_point_leads_to_a_package_or_a_module_that_is_not_imported(
    suite, installed, entry_point
):
    folder = installed / "theirs" / "models"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    a_plugin(folder, "gru", before="raise SystemExit('imported')")
    install(installed, entry_point)
    registry = discover()

    assert names(registry) == ["gru"]
    assert problems_of(registry, "gru") == []


def test_an_entry_point_may_lead_to_a_module_without_a_package(suite, installed):
    a_plugin(installed, "their_gru")
    install(installed, "gru = their_gru")
    assert names(discover()) == ["their_gru"]


def test_an_entry_point_may_lead_to_a_package_without_init(suite, installed):
    (installed / "namespace").mkdir()
    a_plugin(installed / "namespace", "gru")
    install(installed, "x = namespace")
    assert names(discover()) == ["gru"]


@pytest.mark.parametrize("target", ["no_such_package.models", "sys", "json.no_such_module", "!"])
def test_a_broken_entry_point_is_listed_and_the_others_work(suite, installed, target):
    a_plugin(suite, "gru")
    install(installed, f"gru = {target}")
    registry = discover()

    (right,) = [plugin for plugin in registry.plugins if not plugin.problems]
    (broken,) = [plugin for plugin in registry.plugins if plugin.problems]
    assert right.name == "gru"
    assert f"entry point {target!r} leads to no file" in str(broken.problems[0])


def test_whoever_else_finds_packages_is_not_asked_for_entry_points(suite, installed, monkeypatch):
    """Some versions of importlib_metadata refuse all of a machine for a malformed one."""

    class Refusing:
        @staticmethod
        def find_spec(*anything):
            return None

        @staticmethod
        def find_distributions(*anything):
            raise ValueError("Invalid object reference")

    a_plugin(installed, "their_gru")
    install(installed, "gru = their_gru")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Refusing])

    assert names(discover()) == ["their_gru"]


def test_of_two_versions_of_a_package_the_one_that_is_imported_counts(
    suite, installed, tmp_path, monkeypatch
):
    a_plugin(installed, "their_gru")
    install(installed, "gru = their_gru")
    shadowed = tmp_path / "shadowed"
    shadowed.mkdir()
    install(shadowed, "gru = their_former_gru")
    monkeypatch.setattr(sys, "path", [*sys.path, str(shadowed)])

    assert names(discover()) == ["their_gru"]


def test_another_revision_has_its_own_plugins_and_tasks(suite, plugin_folder, tmp_path):
    copy = tmp_path / "copy"
    tree = Tree(tmp_path, copy, "v1")
    (copy / suite.name).mkdir(parents=True)
    (copy / plugin_folder.name).mkdir()
    (copy / "suite-datasets").mkdir()
    (copy / "suite-datasets" / "jena.py").write_text(task_source(VERSION="7"))
    for name in ("kept", "new"):
        a_plugin(suite, name)
    a_plugin(plugin_folder, "mine")
    for folder, name in ((suite, "kept"), (suite, "removed"), (plugin_folder, "mine")):
        a_plugin(copy / folder.name, name)
    file = a_plugin(tmp_path, "alone")
    a_plugin(copy, "alone")
    found = discover([plugin_folder], [file], tree)

    assert names(found) == ["alone", "kept", "mine", "removed"]
    assert all(plugin.path.is_relative_to(copy) for plugin in found.plugins)
    assert {name: task.version for name, task in found.tasks.items()} == {"jena": 7}


def test_what_another_revision_does_not_have_yet_is_left_out(
    suite, plugin_folder, installed, tmp_path
):
    tree = Tree(tmp_path, tmp_path / "copy", "v1")
    a_plugin(plugin_folder, "new")
    a_plugin(installed, "mine")
    install(installed, "mine = mine")

    assert names(discover([plugin_folder], [a_plugin(tmp_path, "alone")], tree)) == []


def test_what_lies_outside_of_the_working_tree_is_the_same_for_all_revisions(
    suite, installed, tmp_path
):
    (tmp_path / "mine").mkdir()
    tree = Tree(tmp_path / "mine", tmp_path / "copy", "v1")
    a_plugin(suite, "shipped")
    a_plugin(installed, "theirs")
    install(installed, "theirs = theirs")

    assert names(discover(tree=tree)) == ["shipped", "theirs"]


@pytest.fixture
def registry(suite: Path) -> Registry:
    """Three plugins for Jena and one for IMDB."""
    for name in ("jena_gru", "jena_lstm", "jena_naive"):
        a_plugin(suite, name)
    a_plugin(suite, "imdb_lstm", task="imdb")
    return discover()


@pytest.mark.parametrize(
    ("patterns", "task", "expected"),
    [
        ([], None, "imdb_lstm jena_gru jena_lstm jena_naive"),
        ([], "jena", "jena_gru jena_lstm jena_naive"),
        (["jena_lstm", "jena_gru"], None, "jena_lstm jena_gru"),
        (["*lstm"], None, "imdb_lstm jena_lstm"),
        (["*lstm"], "imdb", "imdb_lstm"),
        (["jena_gr?", "jena_[gl]*"], None, "jena_gru jena_lstm"),
    ],
)
def test_select_by_name_glob_and_task(registry, patterns, task, expected):
    assert [p.name for p in registry.select(patterns, task)] == expected.split()


def test_select_by_the_path_of_a_file(registry, suite, monkeypatch):
    monkeypatch.chdir(suite)
    assert [p.name for p in registry.select(["./jena_gru.py"])] == ["jena_gru"]


@pytest.mark.parametrize(
    ("pattern", "task", "message"),
    [
        ("jena_gri", None, r"unknown plugin: 'jena_gri' \(did you mean 'jena_gru'\?\); see"),
        ("speech*", None, r"glob matches no plugin: 'speech\*'; see `python -m bench list`"),
        ("imdb_lstm", "jena", r"unknown plugin for task 'jena': 'imdb_lstm'"),
        ("JENA_GRU", None, "unknown plugin"),
    ],
)
def test_a_pattern_that_matches_nothing_offers_the_nearest(registry, pattern, task, message):
    with pytest.raises(BenchError, match=message):
        registry.select([pattern], task)
