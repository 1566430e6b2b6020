"""Environments: made once for each set of requirements, of what lacks here, or told why not."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest
from command_line import call, complaint
from filelock import FileLock
from wheels import a_wheel, only_from

from bench.errors import BenchError, CannotRun
from bench.records.store import Store
from bench.registry.plugins import Plugin
from bench.runs import environments
from bench.runs.environments import Environments, Installer, environment_for
from bench.runs.launch import site_packages

PLUGIN = '''"""Predicts {module}'s number."""

import numpy as np
import {module}

TASK = "jena"
REQUIRES = ["{requires}"]
HYPERPARAMETERS = {{"lookback": 24, "epochs": 1}}


class Constant:
    """The same for every window."""

    def fit(self, windows, targets):
        return self

    def predict(self, windows):
        return np.full(len(windows), float({module}.VERSION))


def build(task):
    return Constant()
'''


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """A folder of two packages: made-up in two versions, and one that needs what is here."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number in ("1.0", "2.0"):
        a_wheel(folder, "made-up", number)
    a_wheel(folder, "click", version("click"))
    a_wheel(folder, "click", "999.0")
    a_wheel(folder, "leaning", "1.0", requires=["click>=8"])
    only_from(folder, monkeypatch)
    return folder


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    """A cache folder with nothing in it."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("BENCH_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(params=["pip", "uv"])
def installer(request, monkeypatch) -> str:
    """Either installer."""
    uv = ""
    if request.param == "uv":
        from uv import find_uv_bin

        uv = find_uv_bin()
    monkeypatch.setattr(environments, "_installer", lambda: Installer(uv))
    return request.param


class Fake:
    """An installer that copies a module and its description, or raises."""

    name = "fake"

    def __init__(self, raises: BaseException | None = None) -> None:
        self.raises = raises
        self.calls = 0

    def install(self, folder: Path, requires: tuple[str, ...]) -> None:
        self.calls += 1
        if self.raises:
            raise self.raises
        about = site_packages(folder) / "made_up-2.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 2.0\n")
        (about / "top_level.txt").write_text("made_up\n")


@pytest.fixture
def fake(own_cache, monkeypatch) -> Fake:
    found = Fake()
    monkeypatch.setattr(environments, "_installer", lambda: found)
    return found


# From the command line


def test_plugins_that_require_two_versions_of_a_package_train_in_one_run(
    small_run, plugin_folder, wheels, cache, tmp_path, monkeypatch, capsys
):
    required = {
        "newer": "made-up>=2",
        "older": "made-up ==1",
        "too_new": "made-up>=9",
    }
    for name, requires in required.items():
        source = PLUGIN.format(module="made_up", requires=requires)
        (plugin_folder / f"{name}.py").write_text(source, encoding="utf-8")
    words = *required, "--task", "jena", "--plugins", plugin_folder, "--results", "kept"
    monkeypatch.chdir(tmp_path)

    def statuses() -> dict[str, tuple[str, str]]:
        return {r.trial.plugin: (r.status, r.reason) for r in Store(Path("kept")).read().records}

    # Without the option, each is skipped with what installs it; ``list`` says so before.
    skipped = call(capsys, "list", "--plugins", plugin_folder)[1]
    assert 'SKIPPED: needs made-up==1, not installed here: pip install "made-up==1"' in skipped
    done = small_run(*words)
    assert done.returncode == 0, done.stderr
    assert {status for status, _ in statuses().values()} == {"skipped"}
    assert 'pip install "made-up>=2", or run --environments' in statuses()["newer"][1]

    # With it they are trained, by what each set has; one that is not to be had costs its own.
    done = small_run(*words, "--environments")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" made by ") == 3, done.stderr
    records = {r.trial.plugin: r for r in Store(Path("kept")).read().records}
    assert {name: record.status for name, record in records.items()} == {
        "newer": "ok",
        "older": "ok",
        "too_new": "skipped",
    }
    assert records["too_new"].reason == (
        "needs made-up>=9, not installed here; BENCH_OFFLINE forbids to download it"
    )
    found = {name: record.trial.versions.get("made_up") for name, record in records.items()}
    assert found == {"newer": "2.0", "older": "1.0", "too_new": "absent"}
    assert records["older"].environment["own_environment"]["packages"] == {"made-up": "1.0"}
    assert records["older"].environment["start"] == "spawn"
    errors = [records[name].metrics["validation"]["mae"] for name in ("newer", "older")]
    assert errors[0] > errors[1]  # Each has predicted what its own package says.
    assert len([*(cache / "environments").glob("made-up-*/bin/python")]) == 2

    # Again: neither an environment nor a trial is made anew.
    done = small_run(*words, "--environments")
    (told,) = [line for line in done.stderr.splitlines() if "(only once)" in line]
    assert told.startswith("environment for made-up>=9: made by ")
    assert "0 to run" in done.stderr


def test_environments_are_made_on_this_machine_alone(capsys):
    line = complaint(capsys, "run", "jena_ridge", "--environments", "--on", "local:2")

    assert line == ("error: --environments: are made on this machine alone; leave out that or --on")


# What an installer does


def test_what_is_here_is_not_installed_again(wheels, own_cache, installer):
    said: list[str] = []
    found = environment_for(("leaning",), said.append)

    assert found.packages == {"leaning": "1.0"}
    assert found.modules == {"leaning": "leaning"}
    assert found.installer == installer
    assert said == [
        f"environment for leaning: made by {installer} (only once) ...",
        "environment for leaning: leaning 1.0",
    ]
    assert environment_for(("leaning",), said.append) == found
    assert len(said) == 2


def test_the_installer_says_why_it_cannot(wheels, own_cache, installer):
    with pytest.raises(BenchError, match=r"^its environment cannot be made: (pip|uv): .*made-up"):
        environment_for(("made-up>=9",), lambda line: None)

    assert not any(path.is_dir() for path in (own_cache / "environments").iterdir())


def test_an_installer_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(environments, "PATIENCE", 0.2)

    with pytest.raises(BenchError, match=r"took longer than 0\.2 s"):
        environments._called([sys.executable, "-c", "import time; time.sleep(60)"])


def test_without_a_network_one_line_says_so(monkeypatch):
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)
    words = [sys.executable, "-c", "print('x: dns error: y'); raise SystemExit(2)"]

    with pytest.raises(BenchError, match=r"^pip reaches no package index from here; run again"):
        Installer("")._call(words)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(CannotRun, match=r"^BENCH_OFFLINE forbids to download it"):
        Installer("")._call(words)


def test_there_may_be_neither_uv_nor_pip(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *given, **named: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(BenchError, match="neither uv nor pip; install uv"):
        environments._installer()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: a\nERROR: b\n\nERROR: c\n", "ERROR: b ERROR: c"),
        (
            "  × No solution:\n  ╰─▶ Because only 2\n      is there.\n",
            "No solution: Because only 2 is there.",
        ),
        ("y\n" + "x" * 190 + "\nthe end\n", "x" * 190 + " the end"),
        ("z" * 300, "z" * 199 + "…"),
    ],
)
def test_of_what_an_installer_says_the_end_is_told(said, told):
    assert environments._last_words(said) == told


# One that is there


def test_one_that_was_begun_or_broken_or_rests_on_what_has_gone_is_made_again(
    fake, own_cache, monkeypatch
):
    made = environment_for(("made-up",), lambda line: None)
    environment_for(("made-up",), lambda line: None)
    assert fake.calls == 1

    (made.folder / environments.ENVIRONMENT).unlink()
    environment_for(("made-up",), lambda line: None)
    shutil.rmtree(site_packages(made.folder) / "made_up-2.0.dist-info")
    environment_for(("made-up",), lambda line: None)
    made.python.unlink()
    environment_for(("made-up",), lambda line: None)
    about = site_packages(made.folder) / "made_up-2.0.dist-info" / "METADATA"
    about.write_text(about.read_text() + "Requires-Dist: gone-since\n")
    monkeypatch.setattr(
        Fake, "install", lambda self, *given: (_ for _ in ()).throw(BenchError("x"))
    )
    with pytest.raises(BenchError, match="its environment cannot be made: x"):
        environment_for(("made-up",), lambda line: None)
    assert fake.calls == 4


def test_a_run_waits_while_another_makes_it(fake, own_cache):
    folder = environments._folder_of(("made-up",))
    folder.parent.mkdir(parents=True)
    said: list[str] = []
    waits = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    with FileLock(f"{folder}.lock"):
        other = threading.Thread(target=environment_for, args=(("made-up",), say))
        other.start()
        assert waits.wait(20)
        assert fake.calls == 0
    other.join(20)

    assert said[0] == f"environment {folder.name}: another run is making it; waiting"
    assert fake.calls == 1


def test_a_cache_folder_that_cannot_be_written_is_named(fake, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "file"))

    with pytest.raises(BenchError, match="set BENCH_CACHE_DIR to another folder"):
        environment_for(("made-up",), lambda line: None)


# What a plugin finds in one


def test_a_plugin_finds_what_its_environment_has_and_else_what_is_here(fake):
    plugin = Plugin("model", Path(), needs=("made_up", "os_x"), requires=("made-up>=2",))
    found = Environments(lambda line: None)(plugin, {"numpy": "2.4", "os_x": "7"}.get)

    assert [found.version_of(name) for name in ("made_up", "numpy", "os_x")] == ["2.0", "2.4", "7"]
    assert (found.others, found.reason) == ({}, "")
    assert Path(found.python).parents[1].name.startswith("made-up-")
    unknown = Plugin("model", Path(), needs=("further",), requires=("made-up>=2",))
    found = Environments(lambda line: None)(unknown, {}.get)
    assert found.reason == "needs further, which nothing of its REQUIRES has"
    assert found.others == {"made-up": "2.0"}


def test_what_cannot_be_made_fails_its_own_plugins_and_is_tried_once(fake):
    fake.raises = BenchError("fake: no such package")
    plugin = Plugin("model", Path(), needs=("made_up",), requires=("made-up>=2",))
    packages_of = Environments(lambda line: None)

    for _ in range(2):
        found = packages_of(plugin, {}.get)
        assert (found.status, found.reason, found.python) == (
            "failed",
            "its environment cannot be made: fake: no such package",
            "",
        )
    assert fake.calls == 1
    met = Plugin("model", Path(), requires=("click>=8",))
    assert packages_of(met, {}.get).python == ""


def test_what_stands_in_pythonpath_does_not_go_before_the_environment(fake, monkeypatch):
    from bench.runs.launch import Launcher

    made = environment_for(("made-up",), lambda line: None)
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    launcher = Launcher("tensorflow", python=str(made.python))

    folders = launcher._environment["PYTHONPATH"].split(os.pathsep)
    assert folders == [str(site_packages(made.folder)), "elsewhere"]
    assert not launcher._may_fork


def test_an_environment_says_of_itself_what_is_in_it(fake):
    made = environment_for(("made-up",), lambda line: None)
    told = json.loads((made.folder / environments.ENVIRONMENT).read_text())

    assert told["packages"] == {"made-up": "2.0"}
    assert told["requires"] == ["made-up"]
