"""Plugins as benchmark tests, and the gate's reading of what pytest-benchmark keeps of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin

from bench.errors import BenchError
from bench.gate.from_pytest_benchmark import about, from_document, is_pytest_benchmark, side_of
from bench.gate.model import Key, Measurement
from bench.protocol import CHECKS

pytest.importorskip("pytest_benchmark")

#: Stands for the sampler in the repository's pytest: it runs no process, and tells what is
#: asked of it. Each process of a plugin is a millisecond slower than the last.
FAKE = """
from bench.gate import measure
from bench.gate.model import Key


class Fake:
    def __init__(self, registry, executor, settings, say):
        print("data:", settings.source)
        self.made = 0

    def sample(self, plugin):
        key = Key(plugin.task, plugin.name, "synthetic", "quick", "tensorflow")
        print("sample of", plugin.name)
        if plugin.name == "absent":
            return measure.Sample(key, "skipped", "needs quantum_nets, not installed here")
        if plugin.name == "broken":
            return measure.Sample(key, "failed", "broken.py:6: ValueError: no")
        self.made += 1
        seconds = self.made / 1000
        rounds = {"train_step": (seconds, 0.1, seconds), "predict": (2 * seconds,)}
        if plugin.name == "untrained":
            del rounds["train_step"]
        rounds |= {"peak_memory": (1e9,), "start_up": (seconds,)}
        return measure.Sample(
            key, "ok", rounds=rounds, parameters=7, data="synthetic-1", settings={"threads": 2}
        )

    def renew(self):
        print("renewed")

    def close(self):
        print("closed")


measure.Sampler = Fake
"""

BENCHMARKS = ["train_step", "predict"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a test, a plugin, and a sampler that runs nothing."""
    setting = "[pytest]\ntestpaths = tests\nbench_plugins = plugins\naddopts = -p no:randomly\n"
    (tmp_path / "pytest.ini").write_text(setting)
    (tmp_path / "conftest.py").write_text(FAKE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text("def test_own(): pass\n")
    (tmp_path / "plugins").mkdir()
    a_plugin(tmp_path / "plugins", "mine")
    return tmp_path


def run_pytest(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=repository,
        env={**environment, "BENCH_CACHE_DIR": str(repository / "cache"), "BENCH_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def names_in(output: str) -> list[str]:
    return re.findall(r"^plugins/\S+\.py::(\S+)$", output, flags=re.MULTILINE)


def the_file(repository: Path) -> Path:
    (path,) = (repository / ".benchmarks").rglob("*.json")
    return path


def test_a_plugins_contract_is_tested_by_default_and_nothing_is_measured(repository):
    done = run_pytest(repository, "--collect-only", "-q")
    assert names_in(done.stdout) == [*CHECKS]


def test_benchmarks_stand_in_for_the_contract_or_beside_it(repository):
    only = run_pytest(repository, "--collect-only", "-q", "--benchmark-only")
    beside = run_pytest(repository, "--collect-only", "-q", "--bench-benchmark")

    assert names_in(only.stdout) == BENCHMARKS
    assert names_in(beside.stdout) == [*CHECKS, *BENCHMARKS]


def test_benchmarks_are_measured_once_in_several_fresh_processes_and_shown_in_tables(repository):
    done = run_pytest(repository, "--benchmark-only", "-s")

    assert done.returncode == 0, done.stdout
    assert re.findall("data: .*|sample of .*|renewed|closed", done.stdout) == [
        *("data: synthetic", "sample of mine", "renewed", "sample of mine", "renewed"),
        *("sample of mine", "closed"),
    ]
    assert "2 passed, 1 skipped" in done.stdout
    assert "benchmark 'jena predict': 1 tests" in done.stdout
    (row,) = re.findall(r"^train_step\[mine\] +(\S+) +(\S+) .* (\d+) +1$", done.stdout, re.M)
    assert row == ("1.0000", "100.0000", "9")


def test_the_number_of_processes_is_a_setting(repository):
    done = run_pytest(repository, "--benchmark-only", "-s", "-o", "bench_processes=1")
    assert done.stdout.count("sample of mine") == 1

    wrong = run_pytest(repository, "--benchmark-only", "-o", "bench_processes=none")
    assert wrong.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: bench_processes: 'none' is no whole number from 1" in wrong.stderr


def test_where_benchmarks_are_disabled_one_process_shows_that_they_run(repository):
    done = run_pytest(repository, "--bench-benchmark", "--benchmark-disable", "-s", "-k", "predict")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("sample of mine") == 1


def test_what_cannot_be_measured_is_skipped_or_fails_on_one_line(repository):
    for name in ("absent", "broken", "untrained"):
        a_plugin(repository / "plugins", name)
    (repository / "plugins" / "unreadable.py").write_text("def build(:\n")
    done = run_pytest(repository, "--benchmark-only", "-rsf", "-s", "plugins")

    assert done.returncode == 1
    assert "4 failed, 3 passed, 3 skipped" in done.stdout
    assert done.stdout.count("sample of broken") == 1
    assert "\nfailed: broken.py:6: ValueError: no\n" in done.stdout
    assert "unreadable.py:1: does not parse: invalid syntax\n" in done.stdout
    assert re.search(
        r"^SKIPPED \[2\] .*: needs quantum_nets, not installed here$", done.stdout, re.M
    )
    assert "untrained has no train step" in done.stdout
    assert "Traceback" not in done.stdout


def test_fixtures_of_the_repository_are_used(repository):
    (repository / "conftest.py").write_text(
        f"{FAKE}\nimport pytest\n"
        "@pytest.fixture(autouse=True, scope='module')\n"
        "def around(request):\n"
        "    print('begin', request.module.__name__)\n"
    )
    done = run_pytest(repository, "--benchmark-only", "-s", "plugins")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("begin mine") == 1


def test_without_pytest_benchmark_asking_for_them_says_what_to_install(repository):
    done = run_pytest(repository, "--bench-benchmark", "-p", "no:benchmark")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "pip install pytest-benchmark" in done.stderr

    assert names_in(run_pytest(repository, "--collect-only", "-q", "-p", "no:benchmark").stdout)


def test_benchmarks_without_a_folder_are_a_usage_error(repository):
    (repository / "pytest.ini").write_text("[pytest]\n")
    done = run_pytest(repository, "--bench-benchmark")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "name a folder of plugins with bench_plugins" in done.stderr


def test_a_saved_file_is_a_side_with_the_raw_rounds_of_each_process(repository):
    own = "def test_own(benchmark): benchmark(len, '')\n"
    (repository / "tests" / "test_own.py").write_text(own)
    done = run_pytest(repository, "--benchmark-only", "--benchmark-save", "kept")
    side = side_of(the_file(repository))
    key = Key("jena", "mine", "synthetic", "quick", "tensorflow")

    assert done.returncode == 0, done.stdout
    assert side.name == the_file(repository).name
    assert [*side.machine] == ["system", "architecture", "processor", "cores"]
    assert all(side.machine.values())
    # Not in a repository of git.
    assert side.commit == ""
    assert side.plugins == {
        key: Measurement(
            key,
            "ok",
            rounds={
                "train_step": ((0.001, 0.1, 0.001), (0.002, 0.1, 0.002), (0.003, 0.1, 0.003)),
                "predict": ((0.002,), (0.004,), (0.006,)),
                "peak_memory": ((1e9,), (1e9,), (1e9,)),
                "start_up": ((0.001,), (0.002,), (0.003,)),
            },
            parameters=7,
            data="synthetic-1",
            settings={"threads": 2},
        )
    }


def test_a_plugin_is_measured_for_real(repository, cache):
    (repository / "conftest.py").write_text("")
    dense = (
        "def build(task):\n"
        "    from keras import Sequential, layers\n"
        "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])"
    )
    a_plugin(repository / "plugins", "mine", hyperparameters='{"lookback": "1d"}', build=dense)
    (repository / "cache").symlink_to(cache)
    words = ["--benchmark-only", "--benchmark-autosave", "-o", "bench_processes=1"]
    done = run_pytest(repository, *words)
    assert done.returncode == 0, done.stdout
    (measured,) = side_of(the_file(repository)).plugins.values()

    assert {"train_step", "predict", "start_up", "peak_memory"} <= measured.rounds.keys()
    assert len(measured.rounds["train_step"][0]) >= 10
    assert measured.parameters > 0
    assert measured.settings["device"]


KEY = Key("jena", "mine", "synthetic", "quick", "tensorflow")


def a_document() -> dict[str, Any]:
    """What pytest-benchmark writes of one plugin, as far as it is read."""
    step = Measurement(KEY, "ok", rounds={"train_step": ((0.1, 0.2), (0.3,)), "compile": ((1.0,),)})
    machine = {"node": "my-host", "system": "Linux", "release": "6.1.2-x", "machine": "x86_64"}
    cpu = {"brand_raw": "Fast", "count": 2, "hz_actual_friendly": "1 GHz"}
    return {
        "machine_info": {**machine, "cpu": cpu},
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "datetime": "2026-01-01T00:00:00+00:00",
        "benchmarks": [
            {
                "fullname": "plugins/mine.py::train_step",
                "extra_info": {"bench": about(step, "train_step")},
                "stats": {"data": [0.1, 0.2, 0.3]},
            },
            {"fullname": "own.py::test", "extra_info": {}, "stats": {}},
        ],
    }


def changed(place: str, value: Any) -> dict[str, Any]:
    """Return the document with another value, or without one (...), at a dotted place."""
    document = deepcopy(a_document())
    *path, last = place.split(".")
    part: Any = document
    for step in path:
        part = part[int(step)] if step.isdecimal() else part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return document


def test_a_document_tells_machine_and_commit_but_not_the_hosts_name():
    side = from_document(a_document(), "a.json")

    assert side.machine == {
        "system": "Linux 6.1",
        "architecture": "x86_64",
        "processor": "Fast",
        "cores": 2,
    }
    assert (side.commit, side.written) == ("0123456789ab", "2026-01-01T00:00:00+00:00")
    assert side.plugins[KEY].rounds == {
        "train_step": ((0.1, 0.2), (0.3,)),
        "compile": ((1.0,),),
    }


def test_documents_of_pytest_benchmark_are_told_from_others():
    assert is_pytest_benchmark(a_document())
    assert not is_pytest_benchmark({"schema_version": 1, "plugins": []})
    assert not is_pytest_benchmark([])


FIRST = "benchmarks.0"
ABOUT = f"{FIRST}.extra_info.bench"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (f"{FIRST}.stats.data", ..., "save it with --benchmark-save-data"),
        (f"{FIRST}.stats.data", [0.1, 0.2], "not as many rounds as its processes made"),
        (
            f"{FIRST}.stats.data",
            [0.1, float("nan"), 0.2],
            "stats.data[1] must be a number above 0",
        ),
        (f"{FIRST}.stats.data", [0.1, 0, 0.2], "data[1] must be a number above 0, not 0"),
        (
            f"{FIRST}.stats.data",
            [0.1, 0.2, 1e301],
            "data[2] must be a number above 0 of less than 1e+300",
        ),
        (f"{FIRST}.stats.data", [0.1, "0.2", 0.2], "must be a number above 0, not '0.2'"),
        (f"{FIRST}.stats", ..., "stats must be a dictionary, not null"),
        (f"{FIRST}.extra_info", {}, "has no benchmark of a plugin"),
        (ABOUT, [], "schema version 1"),
        (f"{ABOUT}.schema_version", 2, "schema version 1; measure again"),
        (f"{ABOUT}.key", {"task": "jena"}, "key has no label"),
        (f"{ABOUT}.metric", "speed", "metric must be one of quality, train_step"),
        (f"{ABOUT}.rounds", [3, 0], "rounds[1] must be a whole number from 1, not 0"),
        (f"{ABOUT}.rounds", ["3"], "rounds[0] must be a whole number from 1, not '3'"),
        (f"{ABOUT}.others", {"compile": [[]]}, "others.compile[0] must be a list with at least"),
        (f"{ABOUT}.parameters", "7", "parameters must be a whole number or null, not '7'"),
        (f"{ABOUT}.settings", ..., "has no settings"),
        ("datetime", ..., "has no datetime"),
        ("benchmarks", {}, "benchmarks must be a list, not a dictionary"),
        ("machine_info", ..., "is no file of pytest-benchmark"),
    ],
)
def test_a_damaged_document_is_refused_with_one_line_that_names_file_and_part(
    tmp_path, place, value, reason
):
    path = tmp_path / "0001.json"
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(BenchError) as refusal:
        side_of(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff"])
def test_a_file_that_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "0001.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BenchError, match="is not a whole JSON document"):
        side_of(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BenchError, match=r"absent\.json: cannot be read: No such file"):
        side_of(tmp_path / "absent.json")


def test_reading_files_needs_no_pytest():
    code = "import sys, bench.gate.from_pytest_benchmark; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
