"""Trials on the workers of a dask scheduler: one in this process, with stubs for trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from small_job import a_small_job, some_data
from worker_world import install_server

from bench.errors import BenchError
from bench.protocol import Bounds, EpochDone, Event, ExecutorLost, Finished, Job, MoreSlots, Started
from bench.registry.tasks import read_task
from bench.runs.cluster import dask_executor
from bench.runs.cluster.dask_executor import ClusterSetting, DaskExecutor

# Dask's own threads and sockets end when they end.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

#: What a trial does here: its plugin's source, which has ``job`` and ``send``.
STUB = "exec(job.plugin_source, globals() | {'job': job, 'send': send})"
FINE = """
import numpy
send(EpochDone(1, 1, 0.5))
numpy.savez(job.predictions, predictions=numpy.arange(3))
send(Outcome("ok", reason=open(job.task_path).name))
"""
WAITS = "import time\nsend(EpochDone(1, 1, 0.5))\ntime.sleep(600)"


@dataclass
class ClusterWorld:
    """A scheduler with two workers in this process, and what is said of them."""

    folder: Path
    cluster: Any
    said: list[str] = field(default_factory=list)
    made: int = 0

    def executor(self, **setting: Any) -> DaskExecutor:
        self.said.clear()
        client = Client(self.cluster, set_as_default=False)
        executor = DaskExecutor(client, ClusterSetting(**{"jobs": 2, **setting}), self.said.append)
        executor.gather(least=1)
        return executor

    def job(self, source: str = FINE, bounds: Bounds | None = None) -> Job:
        self.made += 1
        made = a_small_job(self.folder / f"job-{self.made}", some_data())
        sha256 = read_task(Path(made.task_path)).sha256
        trial = replace(made.trial, seed=self.made, task_sha256=sha256)
        return replace(made, trial=trial, plugin_source=source, bounds=bounds or Bounds())

    def run(self, executor: DaskExecutor, *jobs: Job) -> list[Finished]:
        for job in jobs:
            executor.submit(job)
        found = {
            job.trial.seed: event for job, event in executor.events() if isinstance(event, Finished)
        }
        return [found[job.trial.seed] for job in jobs]

    def wait_for(self, workers: int) -> None:
        self.cluster.scale(workers)
        give_up = time.monotonic() + 30
        while len(self.cluster.scheduler.workers) != workers:
            assert time.monotonic() < give_up
            time.sleep(0.02)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterWorld]:
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE_DIR", str(folder / "cache"))
        patch.setenv("BENCH_DATA_DIR", str(folder / "data"))
        install_server(folder, patch, STUB)
        cluster = a_cluster(2)
        yield ClusterWorld(folder, cluster)
        cluster.close()


def a_cluster(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        dashboard_address=":0",
        memory_limit=0,
        silence_logs=50,
    )


@pytest.fixture
def executor(world: ClusterWorld) -> Iterator[DaskExecutor]:
    world.wait_for(2)
    made = world.executor()
    yield made
    made.cancel()


def first(events: Iterator[Event], kind: type, work: Callable[[], object]) -> list[Any]:
    """Go through events to the end; do ``work`` at the first of a kind."""
    found = []
    for _, event in events:
        if isinstance(event, kind) and not any(isinstance(each, kind) for each in found):
            work()
        found.append(event)
    return found


def test_a_job_is_done_on_a_worker_with_all_that_it_needs_sent_there(world, executor):
    job = world.job()
    executor.submit(job)
    events = [event for _, event in executor.events()]

    started, epoch, finished = events
    assert isinstance(started, Started)
    assert started.where
    assert epoch == EpochDone(1, 1, 0.5)
    assert isinstance(finished, Finished)
    assert finished.outcome.status == "ok", finished
    # The trial read this machine's copy, not the file that the run has.
    assert finished.outcome.reason != job.task_path
    with np.load(job.predictions) as left:
        assert left["predictions"].tolist() == [0, 1, 2]
    environment = finished.outcome.environment
    assert environment["machine"]["cores"] >= 1
    assert environment["jobs"] == 2
    assert world.said == [f"2 workers on 1 machine: {started.where} (2)"]


def test_several_trials_on_one_machine_are_said_to_have_shared_it(world, executor):
    alone, *both = (
        world.run(executor, world.job()),
        *world.run(
            executor, *(world.job("import time; time.sleep(0.5)\n" + FINE) for _ in range(2))
        ),
    )

    assert [each.outcome.environment["shared"] for each in both] == [True, True]
    assert alone[0].outcome.status == "ok"


def test_a_trial_that_does_harm_costs_itself_alone(world, executor):
    hang, memory = Bounds(timeout=0.5), Bounds(timeout=60, memory=100 * 1024**2)
    kills = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); os._exit(1)"
    killed, late, large, fine = world.run(
        executor,
        world.job(kills),
        world.job(WAITS, hang),
        world.job("import time; kept = bytearray(200 * 1024**2); time.sleep(0.5)", memory),
        world.job(),
    )

    assert killed.outcome.status == "crashed"
    assert late.outcome.status == "timeout"
    assert fine.outcome.status == "ok"
    assert not [line for line in world.said if "lost" in line]
    # Bounds of memory are the machine's own unless they were given.
    assert large.outcome.status != "out_of_memory"


def test_a_bound_of_memory_that_was_given_holds_on_every_machine(world):
    executor = world.executor(own_memory=False)
    large = world.job(
        "import time; kept = bytearray(300 * 1024**2); time.sleep(60)",
        Bounds(timeout=60, memory=200 * 1024**2),
    )
    (finished,) = world.run(executor, large)
    executor.cancel()

    assert finished.outcome.status == "out_of_memory"


def test_data_that_one_trial_changes_fail_that_trial_and_are_whole_for_the_others(world, executor):
    spoils = """
        import glob, os, time
        time.sleep(0.5)
        (file,) = glob.glob(job.prepared + "/x_train.npy")
        os.chmod(file, 0o644)
        open(file, "ab").write(b"x")
    """
    source = "\n".join(line[8:] for line in spoils.splitlines()) + FINE
    guilty, innocent = world.run(
        executor, world.job(source), world.job("import time; time.sleep(1)\n" + FINE)
    )

    assert guilty.outcome.status == "failed"
    assert "the prepared data were changed while it ran" in guilty.outcome.reason
    assert innocent.outcome.status == "ok"


def test_the_trial_of_a_lost_worker_is_done_by_another(world, executor):
    flag = world.folder / "begun"
    source = (
        f"import os, time\nif not os.path.exists({str(flag)!r}):\n"
        f"    open({str(flag)!r}, 'w').close()\n    send(EpochDone(1, 2, 0.5))\n"
        "    time.sleep(600)\n" + FINE
    )
    executor.submit(world.job(source))

    def lose() -> None:
        (busy,) = [w for w in world.cluster.workers.values() if w.state.executing_count]
        world.cluster.sync(world.cluster.scale_down, [busy.name])

    events = first(executor.events(), EpochDone, lose)

    assert events[-1].outcome.status == "ok"
    assert sum(isinstance(event, Started) for event in events) == 2
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert any("was lost; 1 worker on 1 machine" in line for line in world.said)


def test_a_trial_that_loses_too_many_workers_fails_with_that_reason(world, executor, monkeypatch):
    monkeypatch.setattr(dask_executor, "LOSSES", 0)
    executor.submit(world.job(WAITS))
    events = first(executor.events(), EpochDone, lambda: world.wait_for(0))

    assert events[-1].outcome.status == "crashed"
    assert "its worker was lost 1 times" in events[-1].outcome.reason


def test_workers_that_come_later_are_used_and_there_is_room_for_more_trials(world):
    world.wait_for(1)
    executor = world.executor()
    assert executor.slots == 1
    for _ in range(3):
        executor.submit(world.job("import time; time.sleep(0.7)\n" + FINE))
    events = first(executor.events(), Started, lambda: world.wait_for(2))
    executor.cancel()

    assert any(isinstance(event, MoreSlots) for event in events)
    assert [e.outcome.status for e in events if isinstance(e, Finished)] == ["ok"] * 3


def test_a_worker_with_another_version_is_refused_with_both_named(world, monkeypatch):
    world.wait_for(1)
    there = dask_executor.station.software
    monkeypatch.setattr(
        dask_executor.station, "software", lambda names: {**there(names), "keras": "1.0"}
    )
    client = Client(world.cluster, set_as_default=False)
    executor = DaskExecutor(client, ClusterSetting(packages=("keras",)), world.said.append)
    monkeypatch.undo()

    with pytest.raises(BenchError, match=r"keras 3\S* there and 1\.0 here"):
        executor.gather()
    executor.cancel()


def test_a_worker_without_the_suite_is_refused(world, monkeypatch):
    async def absent(packages: Any, environment: Any, dask_worker: Any) -> None:
        raise ModuleNotFoundError("No module named 'bench'")

    world.wait_for(1)
    monkeypatch.setattr(dask_executor.station, "enrol", absent)
    executor = DaskExecutor(
        Client(world.cluster, set_as_default=False), ClusterSetting(), world.said.append
    )

    with pytest.raises(BenchError, match=r"no such suite there .No module named 'bench'"):
        executor.gather()
    executor.cancel()


def test_cancelled_trials_end_on_their_workers(world, executor):
    mark = world.folder / "went-on"
    source = f"import time\nsend(EpochDone(1, 1, 0.5))\ntime.sleep(1.2)\nopen({str(mark)!r}, 'w')"
    executor.submit(world.job(source))
    for _, event in executor.events():
        if isinstance(event, EpochDone):
            executor.cancel()
            break
    time.sleep(1.8)

    assert list(executor.events()) == []
    assert not mark.exists()


def test_a_lost_scheduler_ends_the_run(world):
    cluster = a_cluster(1)
    executor = DaskExecutor(Client(cluster, set_as_default=False), ClusterSetting(), print)
    executor.gather()
    executor.submit(world.job(WAITS))

    with pytest.raises(ExecutorLost, match="the scheduler is gone"):
        first(executor.events(), EpochDone, cluster.close)
    executor.cancel()
