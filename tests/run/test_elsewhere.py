"""The suite on a system without fork, /proc and POSIX signals, from files as Windows has them.

No test here runs on Windows; ``bare_system`` hides from the suite what it would not find there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tree_world import SUITE

BARE = Path(__file__).parents[1] / "bare_system"
PLUGINS = ("jena_dense",)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The suite with the line ends of a checkout on Windows, and some of its plugins."""
    tree = tmp_path / "suite"
    for name in ("bench", "datasets", "plugins"):
        shutil.copytree(SUITE / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for plugin in (tree / "plugins").iterdir():
        if plugin.stem not in PLUGINS:
            plugin.unlink()
    for file in tree.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    return tree


def at(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a checkout, on a system that lacks all that Windows lacks."""
    folder = checkout.parent
    environment = {
        **os.environ,
        "BENCH_CACHE_DIR": str(folder / "cache"),
        "BENCH_DATA_DIR": str(folder / "no-data"),
        "BENCH_OFFLINE": "1",
        "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join([str(BARE), str(checkout), *filter(None, sys.path)]),
    }
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_bare_system_hides_from_the_suite_alone_what_windows_lacks(checkout):
    told = (
        "import bench.machine as m; print(m.sys.platform, hasattr(m.os, 'fork'), m.usable_cpus())"
    )
    code = f"import sys, os; {told}; print(sys.platform == 'win32', hasattr(os, 'fork'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BARE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        f"win32 False {[*range(os.cpu_count() or 1)]}",
        "False True",
    ]


CRASHING = """
import os

TASK = "jena"
HYPERPARAMETERS = {}


def build(task):
    os._exit(3)
"""


@pytest.mark.long
def test_the_smoke_profile_runs_there_and_knows_the_same_trials(checkout, weather):
    """Each trial is a process from nothing; a crash and a limit are told as they are elsewhere."""
    words = ("--profile", "smoke", "--data", f"jena={weather}")
    (checkout / "plugins" / "crashing.py").write_text(f'"""Ends itself."""\n{CRASHING}')
    done = at(checkout, "run", "--all", *words)
    records = [json.loads(f.read_text("utf-8")) for f in (checkout / "reports").rglob("*.json")]
    ended = {record["trial"]["plugin"]: record["status"] for record in records}

    assert ended == {"jena_dense": "ok", "crashing": "crashed"}, done.stderr
    assert {record["environment"]["start"] for record in records} == {"spawn"}
    assert "the worker exited with status 3 and no result" in done.stdout

    # With the line ends of this system they are the same trials, and their records are found.
    for file in checkout.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n"))
    again = at(checkout, "run", *PLUGINS, *words)
    assert again.stderr.count("reused") >= len(PLUGINS), again.stderr

    limited = at(checkout, "run", "jena_dense", *words, "--memory-limit", "0.05", "--seeds", "1")
    assert "used more than 0.05 GiB" in limited.stdout
