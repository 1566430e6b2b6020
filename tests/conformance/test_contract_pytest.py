"""The contract as tests in a plugin author's own repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_plugin

from bench.protocol import CHECKS

DENSE = (
    "def build(task):\n"
    "    from keras import Sequential, layers\n"
    "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])"
)

SHORT = '{"lookback": "1d"}'

#: Notes in the repository that it was run.
TELLS = "from pathlib import Path\nPath(__file__).with_name('was-run').open('a').write('run ')"

#: Says at the end which of the modules that are slow to import pytest has imported.
TELLS_IMPORTS = """
import sys
def pytest_unconfigure():
    slow = {"keras", "tensorflow", "numpy", "pandas"}
    slow |= {"bench.conformance.examiner", "bench.protocol"}
    print("imported:", *sorted(slow & set(sys.modules)))
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one test and one plugin."""
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text("def test_own(): pass\n")
    (tmp_path / "plugins").mkdir()
    a_plugin(tmp_path / "plugins", "my_dense", hyperparameters=SHORT, build=DENSE)
    return tmp_path


@pytest.fixture
def with_setting(repository: Path) -> Path:
    """The same, with its folder of plugins named in pytest's configuration."""
    setting = "[pytest]\ntestpaths = tests\nbench_plugins = plugins\n"
    (repository / "pytest.ini").write_text(setting)
    return repository


def run_pytest(repository: Path, cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", *words],
        cwd=repository,
        env={**environment, "BENCH_CACHE_DIR": str(cache), "BENCH_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def names_in(output: str) -> list[str]:
    return re.findall(r"^\S+\.py::\S+", output, flags=re.MULTILINE)


EXPECTED = [f"plugins/my_dense.py::{check}" for check in CHECKS]


def test_each_check_of_a_plugin_is_a_test_beside_the_repositorys_own(with_setting, cache):
    # A name that pytest would take for its own, and import.
    a_plugin(with_setting / "plugins", "test_tells", before=TELLS, build=DENSE)
    done = run_pytest(with_setting, cache, "--collect-only", "-q")
    also = [f"plugins/test_tells.py::{check}" for check in CHECKS]

    assert names_in(done.stdout) == ["tests/test_own.py::test_own", *EXPECTED, *also]
    assert not (with_setting / "plugins" / "was-run").exists()


def test_the_option_does_the_same_for_a_folder_anywhere(repository, cache, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    a_plugin(elsewhere, "far", build=DENSE)
    a_plugin(elsewhere, "_helper", source="")
    words = ["--collect-only", "-q", "--bench-plugins", "plugins", "--bench-plugins"]
    done = run_pytest(repository, cache, *words, str(elsewhere))
    found = names_in(done.stdout)

    assert found[: 1 + len(CHECKS)] == ["tests/test_own.py::test_own", *EXPECTED]
    assert [name.partition("far.py::")[2] for name in found[1 + len(CHECKS) :]] == [*CHECKS]


def test_without_setting_or_option_nothing_is_collected_and_nothing_slow_imported(
    repository, cache
):
    (repository / "conftest.py").write_text(TELLS_IMPORTS)
    done = run_pytest(repository, cache, "--collect-only", "-q")

    assert names_in(done.stdout) == ["tests/test_own.py::test_own"]
    assert done.stdout.endswith("imported:\n")


def test_collecting_imports_nothing_slow(with_setting, cache):
    (with_setting / "conftest.py").write_text(TELLS_IMPORTS)
    done = run_pytest(with_setting, cache, "--collect-only", "-q", "plugins")

    assert names_in(done.stdout) == EXPECTED
    assert done.stdout.endswith("imported: bench.protocol\n")


def test_plugins_are_run_once_each_and_fail_with_their_reason_on_one_line(with_setting, cache):
    plugins = with_setting / "plugins"
    a_plugin(plugins, "test_raises", build="def build(task, units):\n    raise ValueError('no')")
    a_plugin(plugins, "tells", hyperparameters=SHORT, before=TELLS, build=DENSE)
    absent = "import quantum_nets"
    a_plugin(plugins, "absent", hyperparameters=SHORT, before=absent, build=DENSE)
    done = run_pytest(with_setting, cache, "-rA")
    passed = re.findall(r"^PASSED (\S+)$", done.stdout, flags=re.MULTILINE)

    assert done.returncode == 1
    assert {*EXPECTED} <= {*passed}
    assert "\ntest_raises.py:6: ValueError: no\n" in done.stdout
    assert "\nnot reached: builds failed: test_raises.py:6: ValueError: no\n" in done.stdout
    assert "needs quantum_nets, not installed here" in done.stdout
    assert "Traceback" not in done.stdout
    # To be trained, to be repeated, and to be built from two other seeds, by the one worker.
    assert (plugins / "was-run").read_text() == "run " * 4


def test_one_check_can_be_asked_for(with_setting, cache):
    done = run_pytest(with_setting, cache, "plugins/my_dense.py::builds", "-v")

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "plugins/my_dense.py::builds PASSED" in done.stdout


def test_a_folder_that_is_not_there_is_a_usage_error(repository, cache):
    done = run_pytest(repository, cache, "--bench-plugins", "plugin")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(r"ERROR: bench_plugins: \S*plugin is not a folder", done.stderr)
