"""Runs that are interrupted, killed, started twice at once, or asked for what failed."""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.cli import main

pytestmark = pytest.mark.usefixtures("heard_signals")

# Says where it is, and then cannot be asked to end.
HANGING = '''"""A model that never comes to be."""

import os, signal, time

TASK = "jena"
HYPERPARAMETERS = {{}}


def build(task):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open({path!r}, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)
'''

# Ends its process the first time, and works the second.
SHY = '''"""A model that needs a second attempt."""

import os

import numpy as np

TASK = "jena"
HYPERPARAMETERS = {{}}


class Zero:
    def fit(self, inputs, targets):
        pass

    def predict(self, inputs):
        return np.zeros(len(inputs))


def build(task):
    if not os.path.exists({path!r}):
        open({path!r}, "w").close()
        os._exit(3)
    return Zero()
'''

BROKEN = '''"""A model with a fault."""

import numpy as np

TASK = "jena"
HYPERPARAMETERS = {"units": 4}


class Zero:
    def fit(self, inputs, targets):
        pass

    def predict(self, inputs):
        return np.zeros(len(inputs))


def build(task, units):
    raise ValueError("not yet")
'''

MENDED = BROKEN.replace('raise ValueError("not yet")', "return Zero()")


def records_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*/*/*.json"))]


def content_of(path: Path) -> str:
    """Wait for a file to have something in it."""
    give_up = time.monotonic() + 120
    while not path.exists() or not path.read_text():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return path.read_text()


def is_gone(pid: int) -> bool:
    """Wait a moment for a process to end."""
    give_up = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def hanging(
    start_bench: Callable[..., subprocess.Popen[str]],
    plugin_folder: Path,
    tmp_path: Path,
    weather: Path,
) -> Callable[[], tuple[subprocess.Popen[str], int]]:
    """Start a run of one trial that hangs; return the run and the trial's process number."""

    def start() -> tuple[subprocess.Popen[str], int]:
        where = tmp_path / "pid"
        (plugin_folder / "a_hanging.py").write_text(HANGING.format(path=str(where)))
        words = ["a_hanging", "--plugins", plugin_folder, "--data", f"jena={weather}"]
        process = start_bench("run", *words, "--profile", "smoke")
        return process, int(content_of(where))

    return start


@pytest.fixture
def here(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Run a command line in this process, in ``tmp_path``; return its exit status."""
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> object:
        with pytest.raises(SystemExit) as exit_:
            main([*words])
        return exit_.value.code

    return run


# Several runs on one folder


@pytest.mark.long
def test_two_runs_started_at_once_share_the_trials_and_both_show_all(
    start_bench, weather, tmp_path
):
    words = ["run", "jena_naive", "jena_dense", "--seeds", "0,1", "--profile", "smoke"]
    both = [start_bench(*words, "--data", f"jena={weather}") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert out.count("0.") >= 4
        assert "jena_naive" in out
        assert "jena_dense" in out

    times = collections.Counter(record["identity"] for record in records_in(tmp_path / "reports"))
    assert len(times) == 4
    assert {*times.values()} == {1}
    assert list((tmp_path / "reports" / ".claims").iterdir()) == []


def test_the_trial_of_a_killed_run_is_done_by_the_next_one(hanging, small_run, tmp_path):
    first, trial = hanging()
    assert [*(tmp_path / "reports" / ".claims").iterdir()]
    first.kill()
    first.communicate()
    assert is_gone(trial)

    words = ["a_hanging", "jena_naive", "--plugins", tmp_path / "my-plugins", "--task", "jena"]
    second = small_run(*words, "--timeout", "3")
    assert second.returncode == 1, second.stderr
    assert "waiting" not in second.stderr
    records = {r["trial"]["plugin"]: r["status"] for r in records_in(tmp_path / "reports")}
    assert records == {"a_hanging": "timeout", "jena_naive": "ok"}
    assert list((tmp_path / "reports" / ".claims").iterdir()) == []


# Interrupts


def test_a_second_signal_ends_the_run_at_once_and_nothing_of_the_trial_is_left(hanging):
    process, trial = hanging()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # The trial does not listen to SIGTERM: to stop it takes two seconds.
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, err = process.communicate(timeout=60)

    assert time.monotonic() - asked < 1
    assert process.returncode == 130
    assert "Traceback" not in err
    assert is_gone(trial)


@pytest.mark.parametrize(
    "moment", ["bench.runs.preparation.prepare_task", "bench.runs.jobs.make_plan"]
)
def test_an_interrupt_before_the_first_trial_says_how_to_go_on(
    here, moment, weather, monkeypatch, capsys
):
    def interrupt(*anything: object, **more: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    monkeypatch.setattr(moment, interrupt)
    words = ["jena_naive", "--seeds", "0,1", "--data", f"jena={weather}", "--retry", "2"]
    before = signal.getsignal(signal.SIGTERM)
    assert here("run", *words[:1], "--reuse", "never", *words[1:]) == 130
    printed = capsys.readouterr()
    line = f"jena_naive --seeds 0,1 --data jena={weather} --retry 2"
    assert printed.err.endswith(f"interrupted; resume with: python -m bench run {line}\n")
    assert printed.out == ""
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_while_the_leaderboard_is_written_leaves_it_whole(
    here, tmp_path, weather, monkeypatch, capsys
):
    def interrupt_and_write(path: Path, content: bytes) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        path.write_bytes(content)

    monkeypatch.setattr("bench.runs.recorder.write_whole", interrupt_and_write)
    (tmp_path / "broken.py").write_text(BROKEN.replace('{"units": 4}', '{"unit": 4}'))
    words = ["brok*", "--task", "jena", "--plugins", str(tmp_path), "--data", f"jena={weather}"]
    assert here("run", *words) == 130
    printed = capsys.readouterr()
    assert "resume with: python -m bench run 'brok*' --task jena" in printed.err
    assert "broken" in printed.out
    assert "broken" in (tmp_path / "reports" / "leaderboard.md").read_text()


# Trying again


def test_a_trial_that_crashed_is_tried_again_and_its_row_is_that_of_the_last_attempt(
    small_run, plugin_folder, tmp_path
):
    source = SHY.format(path=str(tmp_path / "been-here"))
    (plugin_folder / "shy.py").write_text(source)
    run = small_run("shy", "--task", "jena", "--plugins", plugin_folder, "--retry", "2")

    assert run.returncode == 0, run.stderr
    assert "retrying (1 of 2)" in run.stderr
    assert "crashed" not in run.stdout
    assert [r["status"] for r in records_in(tmp_path / "reports")] == ["crashed", "ok"]


def test_what_failed_is_run_again_as_it_was_asked_for_with_the_plugins_of_now(
    small_run, bench, plugin_folder, weather, tmp_path
):
    for name in ("broken", "hopeless", "gone"):
        (plugin_folder / f"{name}.py").write_text(BROKEN)
    names = ["broken", "hopeless", "gone", "jena_naive"]
    here = ["--plugins", plugin_folder, "--data", f"jena={weather}"]
    assert small_run(*names, "--seeds", "3", "--plugins", plugin_folder).returncode == 1

    (plugin_folder / "broken.py").write_text(MENDED)
    (plugin_folder / "gone.py").unlink()
    again = bench("run", "--failed", *here)
    assert again.returncode == 1
    assert "left out: gone: there is no such plugin for task jena" in again.stderr
    assert "2 trials: 2 to run" in again.stderr
    assert "broken" in again.stdout

    records = records_in(tmp_path / "reports")
    tries = collections.Counter(
        (r["trial"]["plugin"], r["trial"]["seed"], r["trial"]["profile"], r["status"])
        for r in records
    )
    assert tries == {
        ("broken", 3, "smoke", "failed"): 1,
        ("broken", 3, "smoke", "ok"): 1,
        ("hopeless", 3, "smoke", "failed"): 2,
        ("gone", 3, "smoke", "failed"): 1,
        ("jena_naive", 3, "smoke", "ok"): 1,
    }

    nothing = bench("run", "--failed", "broken", *here)
    assert nothing.returncode == 0
    assert nothing.stderr == "reports: nothing failed of what was asked for\n"
    assert nothing.stdout == ""


def test_what_a_plugin_no_longer_takes_is_left_out_and_the_rest_is_planned(
    here, plugin_folder, weather, capsys
):
    for name in ("changed", "other"):
        (plugin_folder / f"{name}.py").write_text(BROKEN.replace('{"units"', '{"unit"'))
    words = ["--plugins", str(plugin_folder), "--data", f"jena={weather}"]
    assert here("run", "changed*", "other*", "--set", "units=3", *words) == 1
    (plugin_folder / "changed.py").write_text(BROKEN.replace("units", "width"))
    capsys.readouterr()

    assert here("run", "--failed", *words) == 1
    printed = capsys.readouterr()
    assert "left out: changed: --set units: changed has no such option" in printed.err
    assert "1 trial: 0 to run, 1 reused" in printed.err
    assert "other (units=3)" in printed.out
