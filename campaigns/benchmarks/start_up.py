"""How long a trial takes to start: forked from the server, against a process from nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from tabulate import tabulate

from bench.machine import default_bounds
from bench.plan.plan import Request
from bench.protocol import OK, Finished, Job
from bench.registry.discover import discover
from bench.runs.executor import LocalExecutor
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_here

#: What the fork server was built to reach: spawn takes so many times as long to start.
WANTED = 3.0
PLUGINS = ("jena_naive", "jena_dense", "jena_gru")


@dataclass(frozen=True)
class Sample:
    """One trial: seconds until it began with its job, seconds in all, and its predictions."""

    start: float
    total: float
    predictions: bytes


def measure(rounds: int) -> bool:
    """Run each plugin's smoke trial forked and spawned in turn; say whether the bound holds."""
    print(f"Trial start-up, medians of {rounds} interleaved rounds, smoke profile, seconds\n")
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as folder, ways() as executors:
        for job in jobs_of(PLUGINS, "smoke", Path(folder)):
            samples: dict[str, list[Sample]] = {name: [] for name in executors}
            for _ in range(rounds):
                for name, executor in executors.items():
                    samples[name].append(_run(executor, job))
            middle = {
                (name, what): median(getattr(sample, what) for sample in found)
                for name, found in samples.items()
                for what in ("start", "total")
            }
            ratios.append(middle["spawn", "start"] / middle["fork", "start"])
            alike = len({s.predictions for found in samples.values() for s in found}) == 1
            rows.append(
                [
                    job.trial.plugin,
                    *(middle[name, "start"] for name in executors),
                    ratios[-1],
                    *(middle[name, "total"] for name in executors),
                    middle["spawn", "total"] / middle["fork", "total"],
                    "yes" if alike else "NO",
                ]
            )
    heads = ["plugin", "start, fork", "start, spawn", "ratio", "trial, fork", "trial, spawn"]
    print(tabulate(rows, [*heads, "ratio", "bit-identical"], "github", floatfmt=".2f"))
    return min(ratios) >= WANTED and all(row[-1] == "yes" for row in rows)


def _run(executor: LocalExecutor, job: Job) -> Sample:
    executor.submit(job)
    *_, (_, finished) = executor.events()
    if not isinstance(finished, Finished) or finished.outcome.status != OK:
        raise SystemExit(f"{job.trial} did not end well: {finished}")
    timing = finished.outcome.timing
    with np.load(job.predictions) as arrays:
        return Sample(timing["start"], timing["total"], arrays["predictions"].tobytes())


@contextmanager
def ways() -> Iterator[dict[str, LocalExecutor]]:
    """Yield an executor for each way to start a worker, by its name; all are ended behind it."""
    found = {"fork": LocalExecutor("fork"), "spawn": LocalExecutor("spawn")}
    try:
        yield found
    finally:
        for executor in found.values():
            executor.cancel()


def jobs_of(names: Sequence[str], profile: str, folder: Path) -> Iterator[Job]:
    """Yield a job for each of some plugins, on synthetic data; predictions go to the folder."""
    registry = discover()
    plugins = registry.select(names, None)
    jobs = Jobs(registry, prepare_here("synthetic", {}, print), {profile: default_bounds(profile)})
    for planned in jobs.plan(plugins, Request(profile)):
        yield jobs.job(planned, predictions=folder / f"{planned.trial.plugin}.npz")
