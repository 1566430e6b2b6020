"""The workers of a run: those of a scheduler that there is, of Slurm, or started here."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import psutil

from bench.errors import BenchError
from bench.formatting import counted, one_line
from bench.plan.plan import Cluster, Planned, RunOptions
from bench.protocol import GRACE, ExecutorLost
from bench.registry.project import SlurmSettings, project_of
from bench.runs.cluster import station
from bench.runs.cluster.dask_executor import ClusterSetting, DaskExecutor
from bench.runs.cluster.parcel import packages_in
from bench.runs.jobs import Jobs
from bench.runs.processes import kill_tree, wait_until

if TYPE_CHECKING:
    from distributed import Client

Say = Callable[[str], None]

#: Seconds that workers which are started here, or belong to a scheduler, may take to be there.
START = 120.0
#: Seconds that a scheduler may take to answer.
CONNECT = 10.0
#: The extra that each kind of cluster needs, and what of it is looked for.
_EXTRAS: Mapping[str, tuple[str, str]] = {
    "dask": ("dask", "distributed"),
    "local": ("dask", "distributed"),
    "slurm": ("slurm", "dask_jobqueue"),
}


def cluster_executor(
    options: RunOptions, plan: Sequence[Planned], jobs: Jobs, say: Say
) -> DaskExecutor | None:
    """Return an executor whose workers are there, None where there is nothing to train.

    Args:
        options: Say where the workers are, and what a trial may take.
        plan: The trials; the versions of what they need are compared with the workers'.
        jobs: Has planned them; makes their data whole again on this machine.
        say: Takes a line for the user.

    Raises:
        BenchError: An extra is not installed, there are no workers, or they have other versions.
    """
    on = options.on
    assert on is not None
    may_be_more = options.verify is not None or options.until_separated
    if not plan or not (may_be_more or any(planned.to_run for planned in plan)):
        return None
    extra, module = _EXTRAS[on.kind]
    if importlib.util.find_spec(module) is None:
        raise BenchError(
            f"--on {on.asked}: {module} is not installed; install this suite with its extra "
            f"{extra}, `pip install 'keras-sequence-bench[{extra}]'`"
        )
    names = {name for each in plan if each.to_run for name in packages_in(each.trial.versions)}
    setting = ClusterSetting(
        jobs=on.workers if on.kind == "local" else options.jobs,
        own_memory=options.memory_limit is None,
        packages=tuple(sorted(names)),
        environment={name: os.environ.get(name) for name in station.OF_A_NANNY},
        make_sound=lambda job: jobs.make_sound(job.trial),
        wait=None if on.kind == "slurm" else 300.0,
    )
    _quieten()
    return _STARTERS[on.kind](on, setting, say)


def _quieten() -> None:
    """Keep what dask logs away from the user: what matters the run says itself."""
    import distributed

    assert distributed is not None
    for name in ("distributed", "distributed.client", "distributed.scheduler", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _gathered(executor: DaskExecutor, least: int, seconds: float | None = START) -> DaskExecutor:
    try:
        executor.gather(least, seconds)
    except ExecutorLost as error:
        executor.cancel()
        raise BenchError(f"{error}; start it again") from None
    except BaseException:
        executor.cancel()
        raise
    return executor


def _at_scheduler(on: Cluster, setting: ClusterSetting, say: Say) -> DaskExecutor:
    return _gathered(DaskExecutor(_connect(on), setting, say), least=1)


def _connect(on: Cluster) -> Client:
    from distributed import Client
    from distributed.security import Security

    # Without one dask would make half a client, which ends in a traceback of its own.
    if on.address.startswith("tls://") and not Security().get_connection_args("client").get(
        "ssl_context"
    ):
        raise BenchError(
            f"--on {on.asked}: the scheduler speaks TLS and dask has no certificate here; set "
            "distributed.comm.tls.ca-file, .client.cert and .client.key in dask's configuration"
        )
    try:
        return Client(on.address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        # What is told of a handshake that failed depends on who has closed it, and on Python.
        if "TLS" in str(error) or "SSL" in str(error):
            raise BenchError(
                f"--on {on.asked}: the scheduler's certificate and the one here are not of one "
                "authority; set distributed.comm.tls in dask's configuration to those that go with "
                f"its own ({one_line(str(error), 80)})"
            ) from None
        raise BenchError(
            f"--on {on.asked}: no scheduler answers there ({one_line(str(error), 80)}); "
            "start one with `dask scheduler`"
        ) from None


# Workers on this machine, for trying


def start_here(on: Cluster, setting: ClusterSetting, say: Say) -> DaskExecutor:
    """Return an executor with workers on this machine, which end with it.

    Raises:
        BenchError: They do not come.
    """
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=0, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
    )
    address = cluster.scheduler_address
    workers = [start_worker(address, f"local-{number}") for number in range(on.workers)]

    def close() -> None:
        end_workers(workers)
        cluster.close(timeout=GRACE)

    executor = DaskExecutor(Client(cluster, set_as_default=False), setting, say, close)
    return _gathered(executor, least=on.workers)


def start_worker(address: str, name: str) -> subprocess.Popen[bytes]:
    """Start a worker on this machine, with a nanny that starts it again when it is lost.

    It has a session of its own: Ctrl-C is for the run, which ends it.
    """
    words = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--name", name]
    words += ["--nthreads", "1", "--nworkers", "1", "--no-dashboard", "--memory-limit", "0"]
    words += ["--death-timeout", f"{START:g}"]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        words, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
    )


def end_workers(workers: Iterable[subprocess.Popen[bytes]]) -> None:
    """End workers that were started here, and see them gone."""
    there = [*workers]
    for worker in there:
        worker.terminate()
    wait_until(lambda: all(worker.poll() is not None for worker in there), GRACE)
    for worker in there:
        with contextlib.suppress(psutil.Error):
            kill_tree(psutil.Process(worker.pid))
        worker.wait()


# Workers that Slurm starts


def by_slurm(on: Cluster, setting: ClusterSetting, say: Say) -> DaskExecutor:
    """Return an executor whose workers Slurm starts, once the first is there.

    Raises:
        BenchError: Slurm is not there, or takes no job.
    """
    from distributed import Client

    wanted = project_of().settings.slurm
    if shutil.which("sbatch") is None:
        raise BenchError(f"--on {on.asked}: there is no sbatch here; run where jobs are submitted")
    refused: list[str] = []
    cluster = slurm_cluster(wanted, refused)
    cluster.scale(jobs=wanted.workers)
    # Dask submits in the background; a job that is refused would be waited for without end.
    wait_until(lambda: bool(refused) or len(cluster.workers) >= wanted.workers, START)
    if refused:
        cluster.close(timeout=GRACE)
        raise BenchError(f"--on {on.asked}: Slurm takes no job ({refused[0]})")
    client = Client(cluster, set_as_default=False)
    say(f"waiting for Slurm to start the first of {counted(wanted.workers, 'worker')}")
    return _gathered(DaskExecutor(client, setting, say, cluster.close), least=1, seconds=None)


def slurm_cluster(wanted: SlurmSettings, refused: list[str]) -> Any:
    """Return a cluster of dask-jobqueue that has started nothing yet but its scheduler.

    Args:
        wanted: What Slurm is asked for.
        refused: Takes what Slurm says of a job that it does not take.

    Raises:
        BenchError: A setting is refused.
    """
    from dask_jobqueue import SLURMCluster
    from dask_jobqueue.slurm import SLURMJob
    from distributed.core import Status

    async def submit(job: Any) -> None:
        try:
            await SLURMJob.start(job)
        except Exception as error:  # Raised, it would have the cluster's own end wait for it.
            refused.append(one_line(str(error), 300))
            job.status = Status.running

    try:
        return SLURMCluster(
            job_cls=type("SlurmJob", (SLURMJob,), {"start": submit}),
            n_workers=0,
            cores=wanted.cores,
            processes=1,
            memory=wanted.memory,
            queue=wanted.queue,
            account=wanted.account,
            walltime=wanted.walltime,
            job_extra_directives=[*wanted.directives],
            job_script_prologue=[*wanted.prologue],
            interface=wanted.interface,
            log_directory=wanted.logs,
            local_directory=wanted.scratch,
            python=wanted.python,
            job_name="bench",
            scheduler_options={"dashboard_address": ":0"},
            silence_logs=logging.CRITICAL,
        )
    except (ValueError, TypeError, OSError) as error:
        raise BenchError(f"[tool.bench.slurm]: {one_line(str(error))}") from None


_STARTERS: Mapping[str, Callable[[Cluster, ClusterSetting, Say], DaskExecutor]] = {
    "dask": _at_scheduler,
    "local": start_here,
    "slurm": by_slurm,
}
