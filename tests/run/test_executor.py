"""The local executor: one process a job, whatever the process does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from tree_world import copy_of_the_suite
from worker_world import a_job, install_worker

from bench.protocol import Bounds, EpochDone, Finished, Started
from bench.runs import launch, processes
from bench.runs.executor import LocalExecutor


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a small script in the trial's place: it has ``job`` and ``send``."""

    return lambda body: install_worker(tmp_path, monkeypatch, body)


def run_one(bounds: Bounds | None = None) -> tuple[list[Any], Finished]:
    local = LocalExecutor("spawn")
    local.submit(a_job(bounds=bounds))
    events = [event for _, event in local.events()]
    finished = events[-1]
    assert isinstance(finished, Finished)
    return events, finished


def test_epochs_and_the_outcome_arrive_in_order(worker):
    worker("""
        send(EpochDone(1, 2, 0.5))
        send(EpochDone(2, 2, 0.4))
        send(Outcome("ok", metrics={"best_epoch": 2}))
    """)
    events, finished = run_one()

    assert isinstance(events[0], Started)
    assert events[1:3] == [EpochDone(1, 2, 0.5), EpochDone(2, 2, 0.4)]
    assert finished.outcome.status == "ok"
    assert finished.outcome.metrics == {"best_epoch": 2}
    assert finished.outcome.timing["total"] > 0


def test_jobs_run_in_the_order_in_which_they_were_submitted(worker):
    worker('send(Outcome("ok", reason=str(job.trial.seed)))')
    local = LocalExecutor("spawn")
    for seed in (3, 1, 2):
        local.submit(a_job(seed))
    finished = [e.outcome.reason for _, e in local.events() if isinstance(e, Finished)]

    assert finished == ["3", "1", "2"]


def test_what_a_worker_prints_is_kept_as_a_tail_and_never_taken_for_a_message(worker):
    worker("""
        print("no message", flush=True)
        os.write(1, b'{"kind": "Outcome"}' + bytes([10, 255, 254, 10]))
        sys.stderr.write("x" * 100_000 + "the end")
        send(Outcome("ok"))
    """)
    _, finished = run_one()

    assert finished.outcome.status == "ok"
    assert finished.log.endswith("the end")
    assert len(finished.log) <= launch.LOG_TAIL


def test_a_worker_that_exits_early_is_recorded_as_crashed(worker):
    worker("os._exit(3)")
    _, finished = run_one()

    assert finished.outcome.status == "crashed"
    assert finished.outcome.reason == "the worker exited with status 3 and no result"


def test_a_worker_that_is_killed_is_recorded_with_the_name_of_the_signal(worker):
    worker("os.kill(os.getpid(), signal.SIGSEGV)")
    _, finished = run_one()

    assert finished.outcome.status == "crashed"
    assert "SIGSEGV" in finished.outcome.reason


def test_a_worker_that_ignores_being_asked_is_killed_when_its_time_is_up(worker):
    worker("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    """)
    _, finished = run_one(Bounds(timeout=1.0))

    assert finished.outcome.status == "timeout"
    assert finished.outcome.reason == "took longer than 1 s"
    assert finished.outcome.timing["total"] < 30


def test_a_worker_that_takes_too_much_memory_is_ended(worker):
    worker("""
        kept = bytearray(300 * 1024**2)
        time.sleep(600)
    """)
    _, finished = run_one(Bounds(timeout=60, memory=200 * 1024**2))

    assert finished.outcome.status == "out_of_memory"
    assert finished.outcome.reason == "used more than 0.20 GiB"


def test_nothing_that_a_worker_started_outlives_it(worker):
    worker("""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        send(Outcome("ok", reason=str(child.pid)))
    """)
    _, finished = run_one()
    child = int(finished.outcome.reason)

    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_cancel_ends_the_running_worker_and_forgets_the_rest(worker):
    worker("""
        send(EpochDone(1, 1, float(os.getpid())))
        time.sleep(600)
    """)
    local = LocalExecutor("spawn")
    local.submit(a_job(0))
    local.submit(a_job(1))
    pid = 0
    for _, event in local.events():
        if isinstance(event, EpochDone):
            pid = int(event.metric)
            local.cancel()
            break

    assert pid
    assert not psutil.pid_exists(pid)
    assert list(local.events()) == []


def test_the_record_tells_whether_another_run_trains_on_the_machine(worker):
    worker('send(Outcome("ok"))')
    # Started in the background of a shell that ends, it is no child of this process.
    sleep = f"{sys.executable} -c 'import time; time.sleep(600)' bench.worker"
    started = subprocess.run(
        ["sh", "-c", f"{sleep} >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
    )
    other = psutil.Process(int(started.stdout))
    processes.wait_until(lambda: "bench.worker" in other.cmdline(), 10)
    try:
        assert run_one()[1].outcome.environment["shared"] is True
    finally:
        other.kill()


def test_workers_may_have_another_revision_s_code(worker, tmp_path):
    worker('import bench; send(Outcome("ok", reason=bench.__file__))')
    other = copy_of_the_suite(tmp_path / "other")
    local = LocalExecutor("spawn", root=other)
    local.submit(a_job())
    finished = [event for _, event in local.events()][-1]

    assert isinstance(finished, Finished)
    assert finished.outcome.reason == str(other / "bench" / "__init__.py")


def test_workers_look_for_modules_in_a_revision_s_libraries_first(worker, tmp_path, monkeypatch):
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "made_library.py").write_text(f"NAME = {name!r}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "ours"))
    worker('import made_library; send(Outcome("ok", reason=made_library.NAME))')
    local = LocalExecutor("spawn", libraries=[tmp_path / "theirs"])
    local.submit(a_job())
    finished = [event for _, event in local.events()][-1]

    assert isinstance(finished, Finished)
    assert finished.outcome.reason == "theirs"


def test_a_folder_without_code_leaves_workers_with_the_installed_one(worker, tmp_path):
    import bench

    worker('import bench; send(Outcome("ok", reason=bench.__file__))')
    local = LocalExecutor("spawn", root=tmp_path)
    local.submit(a_job())
    finished = [event for _, event in local.events()][-1]

    assert isinstance(finished, Finished)
    assert finished.outcome.reason == bench.__file__


@pytest.mark.parametrize(
    ("own", "is_wrong"), [(0.0, True), (0.8, False), (60.0, True)], ids=["stopped", "right", "fast"]
)
def test_a_clock_that_disagrees_with_the_one_outside_is_marked(worker, own, is_wrong):
    worker(f"""
        from bench.protocol import WorkerReady
        send(WorkerReady())
        time.sleep(0.8)
        send(Outcome("ok", timing={{"total": {own}}}))
    """)
    _, finished = run_one()

    clock = finished.outcome.environment.get("clock")
    assert bool(clock) == is_wrong
    assert not clock or clock["own"] == own


def test_epochs_that_take_longer_outside_than_the_trial_says_are_marked(worker):
    worker("""
        send(EpochDone(1, 2, 0.5))
        time.sleep(0.8)
        send(EpochDone(2, 2, 0.4))
        send(Outcome("ok", metrics={"curves": {"elapsed_seconds": [0.1, 0.11]}}))
    """)
    _, finished = run_one()

    assert finished.outcome.environment["clock"]["own"] == pytest.approx(0.01)


def test_a_second_outcome_is_a_failure_whatever_either_says(worker):
    worker("""
        send(Outcome("ok", reason="mine"))
        send(Outcome("ok", reason="the suite's"))
    """)
    _, finished = run_one()

    assert finished.outcome.status == "failed"
    assert finished.outcome.reason == "the worker sent more than one outcome"


def test_an_outcome_of_nulls_is_a_failure_that_names_the_part(worker):
    worker("""
        os.write(1, b'{"kind": "Outcome", "status": "ok", "metrics": null}' + bytes([10]))
    """)
    _, finished = run_one()

    assert finished.outcome.status == "failed"
    assert finished.outcome.reason == (
        "the worker sent a message Outcome whose metrics is not what it must be"
    )
