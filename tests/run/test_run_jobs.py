"""``run --jobs``: several trials at once, and the order in which trials go."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace

import psutil
import pytest
from run_world import Script, an_outcome
from verify_world import Place, Workshop

from bench import machine
from bench.machine import Share, can_confine, default_bounds
from bench.protocol import Outcome
from bench.runs.processes import wait_until

pytestmark = pytest.mark.usefixtures("heard_signals")

two_cpus = pytest.mark.skipif(
    not can_confine() or len(os.sched_getaffinity(0)) < 2, reason="there is no second CPU"
)

HANGING = '''"""A model that never comes to be."""

import os, signal, time

TASK = "jena"
HYPERPARAMETERS = {{}}


def build(task):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(os.path.join({folder!r}, str(os.getpid())), "w").close()
    time.sleep(600)
'''


@pytest.fixture
def scripts() -> list[Script]:
    """The executors that runs in this process were given."""
    return []


@pytest.fixture
def place(
    make_place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch, scripts: list[Script]
) -> Place:
    """A place with four CPUs and the plugins slow and quick, which train in no time."""
    monkeypatch.setattr(machine, "usable_cpus", lambda: [0, 1, 2, 3])
    workshop = Workshop()

    def executor(shares: Sequence[Share]) -> Script:
        scripts.append(Script(workshop, slots=len(shares)))
        return scripts[-1]

    return make_place(workshop, ("quick", "slow"), executor)


def lasting(seconds: float) -> Outcome:
    outcome = an_outcome()
    return replace(outcome, timing={**outcome.timing, "total": seconds})


def order(script: Script) -> list[str]:
    return [f"{job.trial.plugin}{job.trial.seed}" for job in script.done]


def test_the_second_run_knows_what_the_trials_take_and_starts_with_the_shortest(place, scripts):
    place.workshop.outcomes = {"slow": [lasting(60)] * 4, "quick": [lasting(5)] * 4}
    words = ["slow", "quick", "--seeds", "0,1", "--reuse", "never"]
    assert place.run(*words) == 0
    assert "4 trials: 4 to run\n" in place.err
    assert place.run(*words) == 0
    assert "4 trials: 4 to run in about 2.2 min\n" in place.err
    assert place.run(*words, "--jobs", "2") == 0
    assert "4 trials: 4 to run in about 70.0 s\n" in place.err

    assert order(scripts[0]) == ["slow0", "quick0", "slow1", "quick1"]
    assert order(scripts[1]) == ["quick0", "slow0", "quick1", "slow1"]


def test_the_repeats_are_in_order_too(place, scripts):
    place.workshop.outcomes = {"slow": [lasting(60)], "quick": [lasting(5)]}
    assert place.run("slow", "quick") == 0
    assert place.run("slow", "quick", "--verify") == 0
    assert order(scripts[1]) == ["quick0", "slow0"]


def test_as_many_trials_run_at_once_as_asked_for_and_divide_the_memory(place, scripts):
    bounds = []
    place.workshop.before = lambda job, time: bounds.append(job.bounds)
    assert place.run("slow", "quick", "--jobs", "2") == 0
    assert (scripts[0].slots, scripts[0].most) == (2, 2)
    assert bounds == [default_bounds("quick", jobs=2)] * 2


def test_a_memory_limit_that_is_given_is_each_trial_s(place):
    bounds = []
    place.workshop.before = lambda job, time: bounds.append(job.bounds.memory)
    assert place.run("quick", "--jobs", "2", "--memory-limit", "1") == 0
    assert bounds == [1024**3]


def test_more_jobs_than_cpus_are_refused_and_nothing_is_run(place, scripts):
    assert place.run("quick", "--jobs", "5") == 2
    assert "--jobs 5: this run may use 4 CPUs" in place.err
    assert "give at most 4" in place.err
    assert scripts == []


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "all"])
def test_a_number_of_jobs_that_is_none_is_refused(place, number):
    assert place.run("quick", "--jobs", number) == 2
    assert "--jobs" in place.err


def test_where_trials_cannot_have_cores_of_their_own_one_line_says_so(place, monkeypatch):
    for module in ("bench.machine", "bench.runs.session"):
        monkeypatch.setattr(f"{module}.can_confine", lambda: False)
    assert place.run("quick", "--jobs", "2") == 0
    assert place.err.count("--jobs 2: trials share all cores") == 1
    assert place.run("quick", "--jobs", "1") == 0
    assert "--jobs" not in place.err


def test_several_trials_crash_and_are_tried_again_each_for_itself(place):
    crash = an_outcome("crashed", "SIGSEGV")
    place.workshop.outcomes = {"slow": [crash], "quick": [crash]}
    assert place.run("slow", "quick", "--jobs", "2", "--retry", "1") == 0
    found = sorted((record.trial.plugin, record.status) for record in place.records)
    assert found == [(n, s) for n in ("quick", "slow") for s in ("crashed", "ok")]


# With workers


@two_cpus
def test_two_trials_at_once_have_a_core_each_and_their_records_and_rows_say_so(small_run, tmp_path):
    run = small_run("jena_dense", "jena_conv1d", "--jobs", "2")
    assert run.returncode == 0, run.stderr
    records = [json.loads(p.read_text()) for p in (tmp_path / "reports").glob("*/*/*.json")]
    said = [record["environment"] for record in records]
    size = len(os.sched_getaffinity(0)) // 2

    assert [(each["jobs"], each["shared"], each["threads"]) for each in said] == [
        (2, True, size)
    ] * 2
    table = (tmp_path / "reports" / "leaderboard.md").read_text()
    assert table.count("--jobs 2") >= 2


@two_cpus
def test_an_interrupt_ends_all_trials_and_the_resume_line_keeps_the_jobs(
    start_bench: Callable[..., object], plugin_folder, tmp_path, weather
):
    folder = tmp_path / "pids"
    folder.mkdir()
    for name in ("one", "two"):
        (plugin_folder / f"{name}.py").write_text(HANGING.format(folder=str(folder)))
    words = ["one", "two", "--plugins", plugin_folder, "--data", f"jena={weather}", "--jobs", "2"]
    process = start_bench("run", *words, "--profile", "smoke")
    assert wait_until(lambda: len([*folder.iterdir()]) == 2, 120)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "resume with: python -m bench run one two" in err
    assert "--jobs 2" in err.splitlines()[-1]
    assert not any(psutil.pid_exists(int(path.name)) for path in folder.iterdir())
