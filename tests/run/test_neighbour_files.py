"""A plugin and the files beside it: found by every command, and told of where not declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.gate.measure import Sampler
from bench.gate.model import Conditions
from bench.protocol import MeasureBudget
from bench.registry.discover import discover
from bench.runs.executor import LocalExecutor
from bench.runs.preparation import prepare_here

SOURCE = '''"""A mean of as many targets as stand in a file beside it."""

import json
from pathlib import Path

import numpy as np

TASK = "jena"
HYPERPARAMETERS = {{"lookback": 24, "step": 6}}
{files}


class Mean:
    def __init__(self, count):
        self.count = count

    def fit(self, inputs, targets):
        self.mean = float(np.mean(targets[: self.count]))

    def predict(self, inputs):
        return np.full(len(inputs), self.mean)


def build(task):
    return Mean(json.loads({read})["count"])
'''
BESIDE = "Path(__file__).with_name('conf.json').read_text()"
ASKED = "task.path('conf.json').read_text()"


def write(folder: Path, read: str, files: str = "", count: int = 4) -> None:
    (folder / "sized.py").write_text(SOURCE.format(read=read, files=files))
    (folder / "conf.json").write_text(json.dumps({"count": count}))


def test_run_and_test_find_a_file_beside_the_plugin_with_a_relative_folder(
    bench, small_run, plugin_folder
):
    write(plugin_folder, BESIDE)

    ran = small_run("sized", "--task", "jena", "--plugins", "my-plugins")
    assert ran.returncode == 0, ran.stderr
    tested = bench("test", "sized", "--plugins", "my-plugins")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_check_finds_a_file_beside_a_plugin_of_a_relative_folder(
    plugin_folder, cache, weather, monkeypatch
):
    write(plugin_folder, BESIDE)
    monkeypatch.chdir(plugin_folder.parent)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    registry = discover([Path("my-plugins")])
    prepare = prepare_here("local", {"jena": weather}, lambda line: None)
    short = MeasureBudget(1, 2, 2, 32, 1, 0.1)
    conditions = Conditions("smoke", "local")
    sampler = Sampler(registry, LocalExecutor(), conditions, prepare, effort=short)
    try:
        (sized,) = [plugin for plugin in registry.plugins if plugin.name == "sized"]
        sampled = sampler.sample(sized)
    finally:
        sampler.close()

    assert not sized.path.is_absolute()
    assert (sampled.status, sampled.reason) == ("ok", "")


def test_what_a_plugin_reads_beside_itself_without_declaring_it_is_told_in_one_line(
    small_run, plugin_folder
):
    write(plugin_folder, BESIDE)
    ran = small_run(
        "sized", "--task", "jena", "--plugins", "my-plugins", "--seeds", "0,1", "--reuse", "never"
    )

    assert ran.returncode == 0, ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if "conf.json" in line]
    assert "sized.py reads conf.json beside it, which its identity does not cover" in line


@pytest.mark.parametrize("read", [BESIDE, ASKED])
def test_a_declared_file_beside_the_plugin_belongs_into_the_trial_s_identity(
    small_run, plugin_folder, read
):
    declared = "FILES = ['conf.json']"
    words = ("sized", "--task", "jena", "--plugins", "my-plugins")
    write(plugin_folder, read, declared)
    first = small_run(*words)
    again = small_run(*words)
    write(plugin_folder, read, declared, count=5)
    other = small_run(*words)

    assert first.returncode == again.returncode == other.returncode == 0, first.stderr
    assert "conf.json" not in first.stderr
    assert "0 to run" in again.stderr
    assert "1 to run" in other.stderr
