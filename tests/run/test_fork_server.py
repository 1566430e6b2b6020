"""Workers forked from a server: quick, alike, and none the worse for what came before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from worker_world import a_job, install_server

from bench.protocol import Bounds, EpochDone, Finished
from bench.runs import launch, processes
from bench.runs.executor import LocalExecutor
from bench.runs.launch import Launcher, environment_for

Install = Callable[..., None]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a server in place that imports nothing and whose trials run ``body``."""

    return partial(install_server, tmp_path, monkeypatch)


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    local = LocalExecutor("fork")
    yield local
    local.cancel()


def run(executor: LocalExecutor, seed: int = 0, **bounds: Any) -> tuple[list[Any], Finished]:
    executor.submit(a_job(seed, Bounds(**bounds)))
    events = [event for _, event in executor.events()]
    finished = events[-1]
    assert isinstance(finished, Finished)
    return events, finished


def is_gone(number: int) -> bool:
    process = processes.find(number)
    return process is None or not processes.is_alive(process)


def test_trials_are_forked_from_one_server(server, executor):
    server('send(Outcome("ok", reason=f"{os.getppid()} {job.trial.seed}"))')
    outcomes = [run(executor, seed)[1].outcome for seed in (1, 2)]

    assert [o.status for o in outcomes] == ["ok", "ok"]
    assert [o.reason.split()[1] for o in outcomes] == ["1", "2"]
    assert {o.environment["start"] for o in outcomes} == {"fork"}
    assert all(o.timing["total"] < 2 for o in outcomes)


def test_a_trial_works_in_an_empty_folder_of_its_own_that_is_gone_afterwards(server, executor):
    server("""
        import tempfile
        assert os.listdir() == [] and tempfile.gettempdir() == os.getcwd()
        open("left", "w").close()
        send(Outcome("ok", reason=os.getcwd()))
    """)
    _, finished = run(executor)

    assert finished.outcome.status == "ok", finished.log
    assert finished.outcome.reason != os.getcwd()
    assert not Path(finished.outcome.reason).exists()


def test_what_one_trial_does_to_its_process_is_unknown_to_the_next(server, executor):
    server("""
        seen = (os.environ.get("MARK"), os.getcwd(), signal.getsignal(signal.SIGTERM),
                sys.getrecursionlimit(), os.umask(0o22))
        os.environ["MARK"] = "made by a trial"
        os.chdir("/")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.setrecursionlimit(99)
        os.umask(0)
        send(Outcome("ok", reason=repr([seen[0], *seen[2:]])))
    """)
    first, second = (run(executor)[1].outcome.reason for _ in range(2))

    assert first == second
    assert "made by a trial" not in second


@pytest.mark.parametrize("hide", ["", "os.setsid()", "os.setsid(); os.fork() and os._exit(0)"])
def test_no_process_of_a_trial_outlives_it_however_it_hides(server, executor, hide, tmp_path):
    server(f"""
        if os.fork() == 0:
            {hide or "pass"}
            open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            time.sleep(600)
        while not os.path.exists({str(tmp_path / "pid")!r}):
            time.sleep(0.01)
        time.sleep(0.05)
        send(Outcome("ok"))
    """)
    _, finished = run(executor)

    assert finished.outcome.status == "ok", finished.log
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_fork_bomb_is_ended_at_the_time_limit(server, executor):
    server("""
        for _ in range(60):
            if os.fork() == 0:
                os.setsid()
                while True:
                    os.fork() == 0 and os._exit(0)
                    time.sleep(0.05)
        time.sleep(600)
    """)
    _, finished = run(executor, timeout=1.0)
    (server_process,) = (p for p in psutil.Process().children() if p.cmdline()[:2] == launch.SERVER)

    assert finished.outcome.status == "timeout"
    assert [p.pid for p in psutil.process_iter() if _same_command(p, server_process)] == [
        server_process.pid
    ]


def _same_command(process: psutil.Process, other: psutil.Process) -> bool:
    try:
        return process.cmdline() == other.cmdline()
    except psutil.Error:
        return False


def test_a_trial_that_blocks_every_signal_is_killed_at_the_time_limit(server, executor):
    server("""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)
    """)
    _, finished = run(executor, timeout=0.5)

    assert finished.outcome.status == "timeout"
    assert finished.outcome.timing["total"] < 10


def test_a_trial_that_kills_its_keeper_is_a_crash_and_the_next_one_runs(server, executor):
    server("""
        if job.trial.seed == 1:
            if os.fork() == 0:
                os.setsid()
                time.sleep(600)
            send(EpochDone(1, 1, float(os.getpid())))
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        send(Outcome("ok"))
    """)
    events, finished = run(executor, seed=1)
    _, after = run(executor, seed=2)

    assert finished.outcome.status == "crashed"
    assert finished.outcome.reason == "the process that watches over the worker was killed"
    assert is_gone(int(events[1].metric))
    assert after.outcome.status == "ok"
    assert after.outcome.environment["start"] == "fork"


def test_a_trial_that_stops_its_keeper_is_ended_at_the_time_limit(server, executor):
    server("""
        os.kill(os.getppid(), signal.SIGSTOP)
        send(EpochDone(1, 1, float(os.getpid())))
        time.sleep(600)
    """)
    events, finished = run(executor, timeout=0.5)

    assert finished.outcome.status == "timeout"
    assert is_gone(int(events[1].metric))


@pytest.mark.parametrize("sign", ["SIGKILL", "SIGSTOP"])
def test_a_trial_that_ends_or_stops_the_server_spoils_no_later_trial(
    server, executor, monkeypatch, sign
):
    monkeypatch.setattr(launch, "ANSWER", 1.0)
    server(f"""
        import psutil
        if job.trial.seed == 1:
            os.kill(psutil.Process(os.getppid()).ppid(), signal.{sign})
        send(Outcome("ok", reason=str(psutil.Process(os.getppid()).ppid())))
    """)
    _, first = run(executor, seed=1)
    _, second = run(executor, seed=2)

    assert second.outcome.status == "ok"
    assert second.outcome.environment["start"] == "fork"
    assert second.outcome.reason != first.outcome.reason


@pytest.mark.parametrize(
    "before",
    [
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "server.open_files = lambda: ['/dev/null', '/dev/nvidia0']",
    ],
    ids=["threads", "accelerator"],
)
def test_a_server_that_cannot_fork_safely_is_not_used(server, executor, before):
    server('send(Outcome("ok"))', before=before)
    _, finished = run(executor)

    assert finished.outcome.environment["start"] == "spawn"


def test_a_server_that_ends_while_it_imports_is_not_used(server, executor):
    server("pass", before="sys.exit(1)")
    _, finished = run(executor)

    assert finished.outcome.environment["start"] == "spawn"


def test_a_server_that_is_killed_while_it_imports_is_replaced(server, executor, tmp_path):
    marker = tmp_path / "second"
    first = f"os.path.exists({str(marker)!r}) or [open({str(marker)!r}, 'w'), os._exit(1)]"
    server('send(Outcome("ok"))', before=first)
    _, finished = run(executor)

    assert finished.outcome.status == "ok"
    assert finished.outcome.environment["start"] == "fork"


def test_nothing_is_left_of_a_trial_or_its_server_when_the_run_is_killed(server, tmp_path):
    server(
        f"""
        open({str(tmp_path / "pids")!r}, "w").write(
            f"{{os.getpid()}} {{os.getppid()}} {{psutil.Process(os.getppid()).ppid()}}")
        os.rename({str(tmp_path / "pids")!r}, {str(tmp_path / "whole")!r})
        time.sleep(600)
    """.replace("open(", "import psutil; open(", 1)
    )
    script = (
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from bench.runs import launch\n"
        f"launch.SERVER = {launch.SERVER!r}\n"
        "from test_fork_server import run\n"
        "from bench.runs.executor import LocalExecutor\n"
        "run(LocalExecutor('fork'))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    assert processes.wait_until((tmp_path / "whole").exists, 60)
    numbers = [int(number) for number in (tmp_path / "whole").read_text().split()]
    assert len(numbers) == 3
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert processes.wait_until(lambda: all(map(is_gone, numbers)), 10)


def test_cancel_ends_the_server_too(server, executor):
    server("""
        import psutil
        send(Outcome("ok", reason=str(psutil.Process(os.getppid()).ppid())))
    """)
    number = int(run(executor)[1].outcome.reason)
    assert not is_gone(number)
    executor.cancel()

    assert is_gone(number)


def test_the_launcher_spawns_where_it_is_told_not_to_fork(server):
    server("pass")
    launcher = Launcher("tensorflow", "spawn")
    launched = launcher.launch()
    started = time.monotonic()
    processes.wait_until(lambda: not launched.alive, 10)
    launched.reap()
    for stream in (launched.stdin, launched.stdout, launched.stderr):
        stream.close()

    assert not launched.forked
    assert time.monotonic() - started < 10


def test_messages_after_half_a_line_of_junk_are_understood(server, executor):
    server(r"""
        os.write(1, b"\x00\xff half a line")
        os.write(1, b"\n" + encode(EpochDone(1, 1, 0.5)).encode())
        send(Outcome("ok"))
    """)
    events, finished = run(executor)

    assert EpochDone(1, 1, 0.5) in events
    assert finished.outcome.status == "ok"


def test_an_allocator_that_pandas_may_bring_starts_no_thread_unless_the_user_says_so(monkeypatch):
    monkeypatch.delenv("JE_ARROW_MALLOC_CONF", raising=False)
    assert environment_for("jax")["JE_ARROW_MALLOC_CONF"] == "background_thread:false"

    monkeypatch.setenv("JE_ARROW_MALLOC_CONF", "narenas:1")
    assert environment_for("jax")["JE_ARROW_MALLOC_CONF"] == "narenas:1"
