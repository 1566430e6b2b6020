"""Several trials at once: each on CPUs of its own, none at the cost of another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from worker_world import a_job, install_server, install_worker

from bench.machine import Share, can_confine
from bench.protocol import Bounds, EpochDone, Finished, Started
from bench.runs import executor as module
from bench.runs import launch, processes
from bench.runs.executor import LocalExecutor
from bench.runs.processes import GRACE, MemoryKills

Install = Callable[..., None]

#: Waits until so many trials have begun, each of which makes a file of its own.
MEET = """
    open(os.path.join({folder!r}, str(job.trial.seed)), "w").close()
    give_up = time.monotonic() + 20
    while len(os.listdir({folder!r})) < {number} and time.monotonic() < give_up:
        time.sleep(0.01)
"""
TWO: Sequence[Share] = (None, None)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a small script in the place of spawned trials."""
    return partial(install_worker, tmp_path, monkeypatch)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a small script in the place of forked trials."""
    return partial(install_server, tmp_path, monkeypatch)


@pytest.fixture
def meet(tmp_path: Path) -> str:
    """The lines of a trial that go on once two trials are in progress."""
    folder = tmp_path / "under-way"
    folder.mkdir()
    return MEET.format(folder=str(folder), number=2)


@contextmanager
def executor(start: Any = "spawn", shares: Sequence[Share] = TWO) -> Iterator[LocalExecutor]:
    local = LocalExecutor(start, shares)
    try:
        yield local
    finally:
        local.cancel()


def run(local: LocalExecutor, *seeds: int, **bounds: Any) -> dict[int, Finished]:
    """Run a job for each seed; return how each ended."""
    for seed in seeds:
        local.submit(a_job(seed, Bounds(**bounds)))
    return {j.trial.seed: e for j, e in local.events() if isinstance(e, Finished)}


def statuses(finished: dict[int, Finished]) -> dict[int, str]:
    return {seed: each.outcome.status for seed, each in sorted(finished.items())}


def test_as_many_run_at_once_as_there_are_slots_and_the_rest_follow(worker, meet):
    worker(f'{meet}\n    send(Outcome("ok"))')
    with executor() as local:
        for seed in range(3):
            local.submit(a_job(seed))
        events = [(job.trial.seed, type(event)) for job, event in local.events()]

    assert local.slots == 2
    assert events[:2] == [(0, Started), (1, Started)]
    assert events.index((2, Started)) > 2
    assert sorted(seed for seed, kind in events if kind is Finished) == [0, 1, 2]


def test_the_events_of_each_trial_are_its_own_and_in_order(worker, meet):
    worker(f"""{meet}
    for epoch in range(1, 20):
        send(EpochDone(epoch, 19, job.trial.seed))
        time.sleep(0.002)
    send(Outcome("ok", reason=str(job.trial.seed)))
    """)
    with executor() as local:
        local.submit(a_job(4))
        local.submit(a_job(7))
        events = [(job.trial.seed, event) for job, event in local.events()]

    for seed in (4, 7):
        own = [event for number, event in events if number == seed]
        assert [e.epoch for e in own if isinstance(e, EpochDone)] == [*range(1, 20)]
        assert {e.metric for e in own if isinstance(e, EpochDone)} == {seed}
        assert isinstance(own[-1], Finished)
        assert own[-1].outcome.reason == str(seed)


@pytest.mark.skipif(
    not can_confine() or len(os.sched_getaffinity(0)) < 2, reason="there is no second CPU"
)
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_each_trial_and_what_it_starts_has_its_own_cpus_and_counts_no_others(
    worker, server, meet, start
):
    body = f"""{meet}
    code = "import os; print(*os.sched_getaffinity(0))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    own = sorted(os.sched_getaffinity(0))
    server = globals().get("COUNTED")
    send(Outcome("ok", environment={{"own": own, "child": child.stdout, "server": server}}))
    """
    install = server if start == "fork" else worker
    install(
        body, **({"before": "COUNTED = len(os.sched_getaffinity(0))"} if start == "fork" else {})
    )
    one, other, *_ = sorted(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    with executor(start, (frozenset({one}), frozenset({other}))) as local:
        found = [each.outcome.environment for each in run(local, 1, 2).values()]

    assert sorted(each["own"] for each in found) == [[one], [other]]
    assert all(each["child"].split() == [str(each["own"][0])] for each in found)
    # What the server has loaded before it forks has counted as many CPUs as a trial has.
    assert {each["server"] for each in found} == ({1} if start == "fork" else {None})
    assert os.sched_getaffinity(0) == before


def test_the_record_says_how_many_ran_at_once_and_which_had_company(worker, monkeypatch):
    monkeypatch.setattr(module, "others_at_work", lambda: False)
    worker("""
    time.sleep(0.5 if job.trial.seed else 0.0)
    send(Outcome("ok"))
    """)
    with executor() as local:
        together = run(local, 0, 1)
        alone = run(local, 2)
    with executor(shares=(None,)) as local:
        one_by_one = run(local, 0, 1)

    def said(finished: dict[int, Finished]) -> set[tuple[int, bool]]:
        found = [each.outcome.environment for each in finished.values()]
        return {(each["jobs"], each["shared"]) for each in found}

    assert said(together) == {(2, True)}
    assert said(alone) == {(2, False)}
    assert said(one_by_one) == {(1, False)}


def test_a_trial_that_crashes_or_hangs_costs_no_other_trial(worker, meet):
    worker(f"""{meet}
    if job.trial.seed == 0:
        os._exit(3)
    if job.trial.seed == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    send(Outcome("ok"))
    """)
    with executor() as local:
        ended = run(local, 0, 1, 2, 3, timeout=5.0)

    assert statuses(ended) == {0: "crashed", 1: "timeout", 2: "ok", 3: "ok"}


def test_an_outcome_in_time_is_not_late_because_another_trial_takes_its_time_to_end(
    worker, meet, tmp_path
):
    # The second is done as soon as the first one is asked to end, which takes two seconds.
    asked = str(tmp_path / "asked")
    worker(f"""{meet}
    if job.trial.seed == 0:
        signal.signal(signal.SIGTERM, lambda *_: open({asked!r}, "w").close())
        while True:
            time.sleep(1)
    while not os.path.exists({asked!r}):
        time.sleep(0.01)
    send(Outcome("ok"))
    """)
    with executor() as local:
        local.submit(a_job(0, Bounds(timeout=3.0)))
        local.submit(a_job(1, Bounds(timeout=4.0)))
        ended = {j.trial.seed: e for j, e in local.events() if isinstance(e, Finished)}

    assert statuses(ended) == {0: "timeout", 1: "ok"}


@pytest.mark.parametrize("sign", ["SIGKILL", "SIGSTOP"])
def test_a_server_that_is_lost_takes_no_running_trial_with_it(server, meet, monkeypatch, sign):
    monkeypatch.setattr(launch, "ANSWER", 1.0)
    server(f"""
    import psutil
    if job.trial.seed < 2:
        {"".join(meet.strip().splitlines(keepends=True)).replace(chr(10), chr(10) + "    ")}
    if job.trial.seed == 0:
        os.kill(psutil.Process(os.getppid()).ppid(), signal.{sign})
    if job.trial.seed == 1:
        time.sleep(3)
    send(Outcome("ok", reason=str(os.getppid())))
    """)
    with executor("fork") as local:
        ended = run(local, 0, 1, 2)

    assert statuses(ended) == {0: "ok", 1: "ok", 2: "ok"}, [e.log for e in ended.values()]
    assert {e.outcome.environment["start"] for e in ended.values()} == {"fork"}
    keepers = [int(e.outcome.reason) for e in ended.values()]
    processes.wait_until(lambda: not any(map(is_alive, keepers)), 5)
    assert not any(map(is_alive, keepers))


def test_cancel_ends_all_at_once_and_leaves_every_slot_free(worker, meet):
    worker(f"""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    {meet.strip()}
    send(EpochDone(1, 1, float(os.getpid())))
    time.sleep(600)
    """)
    pids: list[int] = []
    with executor() as local:
        for seed in range(3):
            local.submit(a_job(seed))
        for _, event in local.events():
            pids += [int(event.metric)] if isinstance(event, EpochDone) else []
            if len(pids) == 2:
                break
        began = time.monotonic()
        local.cancel()
        took = time.monotonic() - began
        assert not any(map(is_alive, pids))
        assert list(local.events()) == []
        worker('send(Outcome("ok"))')
        assert statuses(run(local, 5, 6)) == {5: "ok", 6: "ok"}

    # One after the other they would have had their grace twice.
    assert took < 1.8 * GRACE


def test_a_kill_of_the_system_s_explains_the_end_of_one_trial_only(worker, meet, monkeypatch):
    kills = iter([0, 0])
    monkeypatch.setattr(module.processes, "killed_for_memory", lambda: next(kills, 1))
    worker(f"{meet}\n    os.kill(os.getpid(), signal.SIGKILL)")
    with executor() as local:
        ended = run(local, 0, 1)

    assert sorted(statuses(ended).values()) == ["crashed", "out_of_memory"]


def test_kills_from_before_a_trial_explain_nothing(monkeypatch):
    total = [7]
    monkeypatch.setattr(module.processes, "killed_for_memory", lambda: total[0])
    kills = MemoryKills()
    before = kills.unexplained()
    assert not kills.explain(before)
    total[0] += 1
    assert kills.explain(before)
    assert not kills.explain(before)
    assert not kills.explain(kills.unexplained())


def is_alive(number: int) -> bool:
    process = processes.find(number)
    return process is not None and process.status() != psutil.STATUS_ZOMBIE
