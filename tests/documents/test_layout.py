"""The map and the road in CONTRIBUTING lead through the code as it is; so do the faces."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = sorted(file.parent for file in BENCH.glob("**/__init__.py") if file.parent != BENCH)

MOST_MODULES, MOST_LOOSE = 228, 12
MOST_ON_THE_ROAD, MOST_LINES = 15, 4000


def dotted(path: Path) -> str:
    """The name by which a module or package of the suite is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(file): file for file in BENCH.glob("**/*.py")}


def test_there_are_no_more_modules_than_a_reader_can_hold():
    loose = [file for file in BENCH.glob("*.py") if file.name != "__init__.py"]

    assert len(MODULES) <= MOST_MODULES
    assert len(loose) <= MOST_LOOSE


def test_no_two_classes_have_one_name():
    names = Counter(
        node.name
        for file in MODULES.values()
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )

    assert [name for name, count in names.items() if count > 1] == []


# The map


def on_the_map() -> list[list[str]]:
    """What stands on each line of the map, as it is written there."""
    _, table = CONTRIBUTING.split("| what stands here | what it holds |\n|---|---|\n")
    rows = table.split("\n\n")[0].splitlines()
    return [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in rows]


def test_the_map_shows_every_package_and_loose_module_and_nothing_else():
    packages = {f"{package.relative_to(BENCH).as_posix()}/" for package in PACKAGES}
    loose = {file.name for file in BENCH.glob("*.py") if file.name != "__init__.py"}
    shown = [name for names in on_the_map() for name in names]

    assert len(shown) == len({*shown})
    assert {*shown} == packages | loose


def test_the_map_has_the_layers_in_their_order():
    (contract,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    layers = [{name.strip() for name in layer.split("|")} for layer in contract["layers"]]
    shown = [
        {name.removesuffix("/").removesuffix(".py").partition("/")[0] for name in names}
        for names in on_the_map()
    ]

    assert shown == [{"__main__"}, *layers]


# The road


def on_the_road() -> list[tuple[str, str]]:
    """Each file of the road, and what is said of it."""
    _, road = CONTRIBUTING.split("### A road to read\n")
    return re.findall(r"^\d+\. `([^`]+)`: (.+)$", road.split("\n## ")[0], flags=re.MULTILINE)


def test_the_road_leads_from_a_plugin_to_the_table_through_files_that_exist():
    files = [file for file, _ in on_the_road()]

    assert files[0].startswith("plugins/")
    assert files[-1].startswith("bench/report/")
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert len({*files}) == len(files) <= MOST_ON_THE_ROAD


def test_the_road_is_read_in_an_afternoon():
    lines = {file: len((ROOT / file).read_text().splitlines()) for file, _ in on_the_road()}

    assert sum(lines.values()) <= MOST_LINES, lines


# The faces: what a package's ``__all__`` names is what other packages use


def face(package: Path) -> tuple[str, list[str]]:
    """A package's docstring, and the names in its ``__all__``."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    named = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return ast.get_docstring(tree) or "", named[0] if named else []


def imports(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, at its top or later."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def used_elsewhere() -> dict[str, set[str]]:
    """The names of each package that files outside it import; tasks are such files too."""
    packages = {dotted(package) for package in PACKAGES}
    used: dict[str, set[str]] = {package: set() for package in packages}
    for file in [*MODULES.values(), *(ROOT / "datasets").glob("*.py")]:
        for name in imports(file):
            parts = name.split(".")
            homes = [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]
            home = next((each for each in homes if each in packages), None)
            if home is not None and home != dotted(file.parent):
                used[home].add(parts[home.count(".") + 1])
    return used


USED = used_elsewhere()


@pytest.mark.parametrize("package", PACKAGES, ids=dotted)
def test_what_others_use_of_a_package_is_named_in_its_face(package):
    _, named = face(package)
    inner = {child.name for child in package.iterdir() if (child / "__init__.py").exists()}

    assert USED[dotted(package)] - inner <= {*named}


@pytest.mark.parametrize("package", PACKAGES, ids=dotted)
def test_a_face_names_nothing_that_is_not_used_or_told_of(package):
    docstring, named = face(package)
    unused = {*named} - USED[dotted(package)]

    assert {name for name in unused if f"``{name}``" not in docstring} == set()


@pytest.mark.parametrize("package", PACKAGES, ids=dotted)
def test_a_face_says_in_a_few_lines_what_the_package_holds(package):
    docstring, named = face(package)
    told = {*re.findall(r"``([a-z_]+)``", docstring)}
    there = {file.stem for file in package.iterdir()} | {*named}

    assert 3 <= len(docstring.splitlines()) <= 5
    assert told <= there
