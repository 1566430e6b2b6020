"""``run --on slurm``: what Slurm is asked for, and a stand-in for it that starts workers here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.errors import BenchError
from bench.plan.plan import Cluster
from bench.registry.project import SlurmSettings
from bench.runs import processes
from bench.runs.cluster import start
from bench.runs.cluster.dask_executor import ClusterSetting

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# As Slurm does, the stand-in keeps a copy of the script and gives the job a session of its own.
SBATCH = """#!/bin/sh
cp "$1" "{folder}/job.sh"
setsid sh "{folder}/job.sh" > "{folder}/job.log" 2>&1 &
echo $! > "{folder}/job.pid"
echo "Submitted batch job $!"
"""
SCANCEL = '#!/bin/sh\necho "$1" >> "{folder}/cancelled"\nkill -TERM -- "-$1"\n'


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stand-in for Slurm, which is what is found."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_job_script_asks_for_what_the_project_says(tmp_path):
    wanted = SlurmSettings(
        cores=16,
        memory="64 GiB",
        queue="long",
        account="lab",
        walltime="24:00:00",
        directives=("--exclusive",),
        prologue=("module load python",),
        logs=str(tmp_path / "logs"),
        python="/opt/python",
    )
    cluster = start.slurm_cluster(wanted, [])
    script = cluster.job_script()
    cluster.close()

    lines = script.splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    for line in ("-J bench", "-p long", "-A lab", "-n 1", "--cpus-per-task=16", "--mem=64G"):
        assert f"#SBATCH {line}" in lines
    assert "#SBATCH -t 24:00:00" in lines
    assert "#SBATCH --exclusive" in lines
    assert "module load python" in lines
    (command,) = [line for line in lines if line.startswith("/opt/python ")]
    assert "distributed.cli.dask_worker tcp://" in command
    assert "--nanny" in command
    assert "--nworkers" not in command


def test_a_worker_that_slurm_starts_is_enrolled_and_its_job_is_cancelled_at_the_end(stand_in):
    (stand_in / "pyproject.toml").write_text(
        f'[tool.bench.slurm]\nworkers = 1\nmemory = "4 GB"\npython = "{sys.executable}"\n'
    )
    said: list[str] = []
    setting = ClusterSetting(packages=("numpy",), wait=None)
    executor = start.by_slurm(Cluster("slurm", "slurm"), setting, said.append)
    job = psutil.Process(int((stand_in / "job.pid").read_text()))

    assert executor.slots == 1
    assert said[0] == "waiting for Slurm to start the first of 1 worker"
    assert said[1].startswith("1 worker on 1 machine")

    executor.cancel()
    assert (stand_in / "cancelled").read_text().split() == [str(job.pid)]
    assert processes.wait_until(lambda: not processes.is_alive(job), 30)


def test_without_slurm_that_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BenchError, match="--on slurm: there is no sbatch here"):
        start.by_slurm(Cluster("slurm", "slurm"), ClusterSetting(), print)


def test_a_job_that_slurm_refuses_is_said_in_one_line(stand_in):
    (stand_in / "sbatch").write_text("#!/bin/sh\necho invalid partition >&2\nexit 1\n")

    with pytest.raises(BenchError, match=r"--on slurm: Slurm takes no job .*invalid partition"):
        start.by_slurm(Cluster("slurm", "slurm"), ClusterSetting(), print)
