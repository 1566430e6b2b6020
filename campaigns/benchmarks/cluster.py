"""What dask costs a trial: jobs of no work on workers of this machine, beside the local executor.

Each is a process forked from a server that has imported Keras, which finds that there is nothing
to do. Both sides have as many at once, and are measured one after the other in one run.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.machine import cpu_shares, default_bounds
from bench.plan.plan import Cluster, Request
from bench.protocol import Executor, Finished, Job
from bench.registry.discover import discover
from bench.runs.cluster.dask_executor import ClusterSetting
from bench.runs.cluster.start import start_here
from bench.runs.executor import LocalExecutor
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_here
from campaigns.faults.tally import table_of

#: Jobs of each side in a round: ten rounds have two thousand.
JOBS = 200
#: Seconds by which a trial may take longer through dask.
MOST = 0.1


def measure(rounds: int) -> bool:
    """Measure, print a table, and say whether the bound holds."""
    workers = min(2, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as folder:
        os.environ.setdefault("BENCH_CACHE_DIR", folder)
        jobs = [*_jobs(JOBS)]
        here = LocalExecutor(shares=cpu_shares(workers))
        on = Cluster(f"local:{workers}", "local", workers=workers)
        there = start_here(on, ClusterSetting(jobs=workers, own_memory=False), _say)
        try:
            for executor in (here, there):
                _seconds(executor, jobs[: 2 * workers])  # The servers import Keras.
            pairs = [(_seconds(here, jobs), _seconds(there, jobs)) for _ in range(rounds)]
        finally:
            here.cancel()
            there.cancel()
    local, dask = (median(side) for side in zip(*pairs, strict=True))
    rows: Sequence[Sequence[object]] = [
        ["jobs a side", rounds * JOBS],
        ["at once", workers],
        ["local executor, s a trial", f"{local:.4f}"],
        ["through dask, s a trial", f"{dask:.4f}"],
        [f"difference, s a trial (at most {MOST:g})", f"{dask - local:.4f}"],
    ]
    print(table_of(["what", "median"], rows))
    return dask - local <= MOST


def _jobs(number: int) -> Iterator[Job]:
    registry = discover([])
    jobs = Jobs(registry, prepare_here("synthetic", {}, _say), {"smoke": default_bounds("smoke")})
    (plugin,) = registry.select(["jena_naive"], "jena")
    request = Request("smoke", tuple(range(number)), "tensorflow")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for planned in jobs.plan([plugin], request):
            predictions = Path(folder) / f"{planned.trial.seed}.npz"
            # No worker knows such a job, and says so at once.
            yield replace(jobs.job(planned, predictions=predictions), kind="nothing")


def _seconds(executor: Executor, jobs: Sequence[Job]) -> float:
    """Return the seconds that a job takes, on average."""
    started = time.perf_counter()
    for job in jobs:
        executor.submit(job)
    ended = sum(isinstance(event, Finished) for _, event in executor.events())
    assert ended == len(jobs), "an executor has lost a job"
    return (time.perf_counter() - started) / len(jobs)


def _say(line: str) -> None:
    pass
