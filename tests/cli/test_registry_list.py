"""``python -m bench list``: what there is, at once, and nothing of it run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders import a_plugin
from click.testing import CliRunner

from bench.cli.list import command

HEAVY = ("keras", "tensorflow", "numpy", "pandas")


def listing(*words: object) -> str:
    result = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    assert result.exception is None, result.output
    return result.output


@pytest.fixture
def odd_plugins(plugin_folder: Path) -> Path:
    """One right plugin and some that are wrong in ways that could break a listing."""
    a_plugin(plugin_folder, "right", before="import sklearn")
    a_plugin(plugin_folder, "half", "def build(")
    a_plugin(plugin_folder, "unassigned", task="speech")
    a_plugin(plugin_folder, "no_json", hyperparameters='{"units": {1, 2}, "epochs": 1e999}')
    a_plugin(plugin_folder, "painted", '"""\\x1b[31mRed\\ud800."""\nTASK = "jena"\n')
    return plugin_folder


def test_plugins_stand_under_their_task_with_all_that_is_known_of_them(odd_plugins):
    lines = listing("--plugins", odd_plugins).splitlines()
    jena = next(number for number, line in enumerate(lines) if line.startswith("jena:"))
    right = lines.index("  right: A model: what it does.")

    assert right > jena
    assert lines[right + 1 : right + 3] == ["      units=8", "      needs sklearn"]
    assert any(
        "half.py:1: does not parse" in line for line in lines[lines.index("no known task:") :]
    )
    assert lines[-1].endswith("plugins, 4 with a problem")


def test_a_grid_is_told_with_the_number_of_its_points(plugin_folder):
    a_plugin(plugin_folder, "many", before='GRID = {"units": [8, 16], "epochs": [1, 2, 3]}')
    lines = listing("--plugins", plugin_folder).splitlines()
    document = json.loads(listing("--json", "--plugins", plugin_folder))
    (entry,) = (plugin for plugin in document["plugins"] if plugin["name"] == "many")

    assert "      a grid of 6 points: units=8, 16, epochs=1, 2, 3" in lines
    assert entry["points"] == 6
    assert entry["grid"][0] == {"names": ["units"], "values": [[8], [16]]}


def test_text_from_a_plugin_cannot_paint_the_terminal(odd_plugins):
    text = listing("--plugins", odd_plugins)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert "painted: ?[31mRed?." in text


def test_json_has_the_same_and_the_place_of_every_problem(odd_plugins):
    document = json.loads(listing("--json", "--plugins", odd_plugins), parse_constant=pytest.fail)
    plugins = {plugin["name"]: plugin for plugin in document["plugins"]}

    assert {task["name"] for task in document["tasks"]} == {"imdb", "jena"}
    assert plugins["right"]["hyperparameters"] == {"units": 8}
    assert plugins["right"]["needs"] == ["sklearn"]
    assert plugins["right"]["problems"] == []
    assert plugins["no_json"]["hyperparameters"] == {}
    assert plugins["unassigned"]["problems"] == [
        {
            "path": str(odd_plugins / "unassigned.py"),
            "line": 3,
            "message": "unknown task 'speech'; there are: imdb, jena, series, text",
        }
    ]


def test_a_task_filters(odd_plugins):
    text = listing("--task", "imdb", "--plugins", odd_plugins)
    assert "imdb_lstm" in text
    assert "jena" not in text
    assert "right" not in text


def test_list_and_help_import_nothing_heavy(odd_plugins):
    """Both in one fresh interpreter, which then says what it has imported."""
    program = f"""
import sys
from bench.cli import main
for words in (["list", "--plugins", {str(odd_plugins)!r}], ["list", "--json"], ["--help"],
              ["run", "--help"]):
    try:
        main(words)
    except SystemExit as exit:
        assert exit.code == 0, exit.code
print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["--help"]])
def test_the_answer_comes_fast_with_thirty_plugins(plugin_folder, words):
    for number in range(30):
        a_plugin(plugin_folder, f"model_{number}")
    folder = ["--plugins", str(plugin_folder)] if words[0] == "list" else []

    def seconds(arguments: list[str]) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - started

    bare = min(seconds(["-c", "pass"]) for _ in range(2))
    took = min(seconds(["-m", "bench", *words, *folder]) for _ in range(3))
    assert took < bare + 1.0
