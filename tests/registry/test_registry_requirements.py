"""REQUIRES: what a plugin says of packages is read without them, and told where they lack."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from builders import World, a_plugin, a_task
from wheels import a_wheel

from bench.protocol import FAILED, SKIPPED
from bench.registry import requirements
from bench.registry.declarations import read_declarations
from bench.registry.plugins import LITERALS, Plugin, read_plugin
from bench.registry.requirements import absence, normalised, packages_here, unmet

TASKS = {"jena": a_task()}
ROOT = Path(__file__).parents[2]


def requiring(folder: Path, requires: str, before: str = "") -> Plugin:
    """A plugin with this REQUIRES, in line 2 of its file."""
    source = (
        f'"""A model."""\nREQUIRES = {requires}\n{before}\n'
        'TASK = "jena"\nHYPERPARAMETERS = {}\n\n\ndef build(task):\n    return None\n'
    )
    return read_plugin(a_plugin(folder, "model", source), TASKS)


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A folder from which packages are imported; none is in it yet."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(folder: Path, name: str, version: str, *needs: str) -> None:
    with zipfile.ZipFile(a_wheel(folder, name, version, requires=needs)) as archive:
        archive.extractall(folder)


# What is declared


def test_requirements_are_read_as_pip_would(tmp_path):
    plugin = requiring(tmp_path, '["lightgbm>=4", "made[fast] ~= 2.1 ; python_version > \'3\'"]')

    assert plugin.problems == ()
    assert plugin.requires == ("lightgbm>=4", "made[fast] ~= 2.1 ; python_version > '3'")


@pytest.mark.parametrize(
    ("requires", "line", "told"),
    [
        ('"lightgbm"', 2, r"REQUIRES must be a list of texts as for pip, like \['lightgbm>=4'\]"),
        ('["a", 4]', 2, "REQUIRES must be a list of texts .*, not of 4"),
        ('["a", None]', 2, "REQUIRES must be a list of texts .*, not of None"),
        ('[\n    "made>=1",\n    "made>>1",\n]', 4, "'made>>1' is no requirement .*as for pip"),
        ('["made>=x.y"]', 2, "'made>=x.y' is no requirement"),
        ("[\"made; sys_platfrom == 'linux'\"]", 2, "is no requirement"),
        ('["made @ https://example.org/made.whl"]', 2, "gives an address.*'made==1.0'"),
        ("[name]", 2, "REQUIRES must be a literal"),
    ],
)
def test_a_wrong_requirement_is_told_with_its_line(tmp_path, requires, line, told):
    (problem,) = requiring(tmp_path, requires).problems

    assert problem.line == line
    assert problem.path.endswith("model.py")
    assert re.search(told, problem.message), problem.message


@pytest.mark.parametrize("word", ["made", "made>=1", "made-2_b.c==1.20.3", "m>=04"])
def test_a_plain_requirement_needs_no_parser_and_has_none_against_it(tmp_path, word, monkeypatch):
    assert requirements._complaint(word) == ""
    monkeypatch.setattr(requirements, "requirement_problems", None)
    assert requiring(tmp_path, f'["{word}"]').requires == (word,)


def test_what_a_plugin_requires_is_no_part_of_what_it_computes(tmp_path):
    loose = requiring(tmp_path, '["made>=1"]\nGRID = {"epochs": [1, 2]}')
    strict = requiring(tmp_path, '[\n    "made>=2",\n    "other",\n]')
    read = requiring(tmp_path, '["made>=2"]', "print(REQUIRES)")

    assert loose.sha256 == strict.sha256 != read.sha256


def test_the_shipped_plugins_of_scikit_learn_say_what_installs_it():
    for path in (ROOT / "plugins").glob("*.py"):
        found = read_declarations(path, LITERALS)
        requires = found.constants.get("REQUIRES")
        assert ("sklearn" in found.imports) == (requires is not None), path
        if requires:
            assert requires.value == ["scikit-learn>=1.4"]


def test_what_is_imported_by_another_name_is_known_once():
    plugin = Plugin("model", Path(), needs=("sklearn",), requires=("Scikit_Learn>=1.4",))
    bare = Plugin("model", Path(), requires=("scikit-learn>=1.4",))

    assert packages_here(plugin, lambda name: "1.4").others == {}
    assert [*packages_here(bare, lambda name: "1.4").others] == ["scikit-learn"]


# What is here


def test_a_package_is_absent_or_has_another_version_or_will_do(installed):
    install(installed, "made-up", "2.0")
    install(installed, "early", "3.0rc1")

    assert unmet(["made-up>=2", "Made_Up", "made.up!=1", "early>=2"]) == {}
    wrong = unmet(["made-up<2", "absent-package>=1", "made-up==2.0"])
    assert {str(each): version for each, version in wrong.items()} == {
        "made-up<2": "2.0",
        "absent-package>=1": "",
    }


def test_a_marker_says_where_a_requirement_counts(installed):
    words = ["absent; python_version < '3'", "there ; python_version>='3'", "There"]

    assert [*map(str, unmet(words))] == ["there"]
    assert normalised(words) == ("there",)


def test_an_extra_brings_its_own_requirements(installed):
    install(
        installed,
        "made-up",
        "2.0",
        *('absent-always; extra == "slow"', 'made-up[fast]; extra == "all"'),
        *('absent-fast>1; extra == "fast"', "needed-in-any-case"),
    )

    assert [*map(str, unmet(["made-up"]))] == []
    assert [*map(str, unmet(["made-up[all]"]))] == ["absent-fast>1"]


def test_what_lacks_is_told_with_the_line_that_installs_it(installed):
    install(installed, "made-up", "2.0")
    plugin = Plugin("model", Path(), requires=("absent >= 4", "made-up==1", "other"))

    assert absence(plugin) == (
        "needs absent>=4 and other, not installed here; made-up==1, and made-up 2.0 is installed "
        'here: pip install "absent>=4" "made-up==1" "other", or run --environments'
    )
    assert absence(Plugin("model", Path(), needs=("x", "y")), {"y": "1"}.get) == (
        "needs x, not installed here"
    )


# What is planned


def test_a_plugin_whose_requirement_is_not_met_is_skipped(tmp_path, installed):
    world = World(tmp_path)
    requiring(tmp_path, '["absent>=4"]', "import absent")
    planned = world.only()

    assert (planned.verdict, planned.to_run) == (SKIPPED, False)
    assert planned.reason.startswith('needs absent>=4, not installed here: pip install "absent>=4"')
    assert planned.trial.versions["absent"] == "absent"


def test_a_version_that_is_required_and_imported_by_nothing_is_part_of_the_identity(
    tmp_path, installed
):
    requiring(tmp_path, '["made-up"]')
    world = World(tmp_path)
    before = world.only()
    install(installed, "made-up", "2.0")
    after = world.only()

    assert (before.verdict, after.verdict) == (SKIPPED, "")
    assert "made-up" not in before.trial.versions
    assert after.trial.versions["made-up"] == "2.0"


def test_a_wrong_requirement_is_the_plugin_s_failure(tmp_path):
    requiring(tmp_path, '["made>>1"]')
    planned = World(tmp_path).only()

    assert planned.verdict == FAILED
    assert planned.reason.startswith("model.py:2: REQUIRES: 'made>>1' is no requirement")
