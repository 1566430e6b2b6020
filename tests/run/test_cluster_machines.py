"""Which worker of a cluster gets a trial, what is told of them, and which are refused."""

from __future__ import annotations

import dask
import pytest
from distributed import LocalCluster
from distributed.security import Security

from bench.cli.words import parse_on
from bench.errors import BenchError
from bench.plan.plan import Cluster
from bench.registry.project import project_of
from bench.runs.cluster import start
from bench.runs.cluster.machines import (
    ClusterWorker,
    InHand,
    Software,
    jobs_on,
    next_worker,
    slots_of,
    told_of,
)

A1, A2, A3 = (ClusterWorker(f"tcp://a:{number}", "a", "alice") for number in (1, 2, 3))
B1 = ClusterWorker("tcp://b:1", "b", "bob")


def test_a_machine_has_one_trial_at_a_time_however_many_workers_it_has():
    assert slots_of([A1, A2, A3, B1], jobs=1) == 2
    assert next_worker([A1, A2, B1], [InHand(A1)], jobs=1) == B1
    assert next_worker([A1, A2, B1], [InHand(A1), InHand(B1)], jobs=1) is None


def test_with_more_jobs_a_machine_has_as_many_trials_as_it_has_workers_for():
    assert slots_of([A1, A2, A3, B1], jobs=2) == 3
    assert jobs_on("a", [A1, A2, A3, B1], jobs=2) == 2
    assert jobs_on("b", [A1, A2, A3, B1], jobs=2) == 1
    assert next_worker([A1, A2, A3], [InHand(A1)], jobs=2) == A2
    assert next_worker([A1, A2, A3], [InHand(A1), InHand(A2)], jobs=2) is None


def test_trials_are_spread_over_machines_before_they_share_one():
    assert next_worker([A1, A2, B1], [InHand(A1)], jobs=2) == B1


def test_a_trial_that_lost_its_worker_goes_to_another_machine_if_there_is_one():
    assert next_worker([A1, B1], [], jobs=1, avoided={"a"}) == B1
    assert next_worker([A1], [], jobs=1, avoided={"a"}) == A1


def test_a_trial_that_must_be_alone_waits_for_a_machine_of_its_own_and_keeps_it():
    assert next_worker([A1, A2], [InHand(A1)], jobs=2, alone=True) is None
    assert next_worker([A1, A2, B1], [InHand(A1)], jobs=2, alone=True) == B1
    assert next_worker([A1, A2], [InHand(A1, alone=True)], jobs=2) is None


def test_workers_are_told_by_machine():
    assert told_of([A1, A2, B1]) == "3 workers on 2 machines: alice (2), bob (1)"
    assert told_of([]) == "0 workers on 0 machines"


def test_a_difference_in_versions_is_told_with_both():
    here = Software({"Python": "3.11.4", "keras": "3.11.0", "numpy": "2.3.0"})

    assert here.difference(Software({**here.versions, "scipy": "1"})) == ""
    assert here.difference(Software({"Python": "3.11.4", "keras": "3.10.0"})) == (
        "keras 3.10.0 there and 3.11.0 here, numpy absent there and 2.3.0 here"
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("dask://node1:8786", Cluster("dask://node1:8786", "dask", "tcp://node1:8786")),
        ("dask://tls://n:1/", Cluster("dask://tls://n:1/", "dask", "tls://n:1")),
        ("slurm", Cluster("slurm", "slurm")),
        ("local:3", Cluster("local:3", "local", workers=3)),
    ],
)
def test_where_trials_go_is_read_from_one_word(text, meant):
    assert parse_on(text) == meant


@pytest.mark.parametrize("text", ["", "dask", "dask://", "dask:node1", "local", "local:0", "pbs"])
def test_a_word_that_names_no_workers_is_refused_with_those_that_do(text):
    with pytest.raises(BenchError, match=r"--on .*dask://ADDRESS, slurm, local:N"):
        parse_on(text)


def test_what_slurm_is_asked_for_stands_in_the_project_and_a_wrong_key_has_its_nearest(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.bench.slurm]\nworkers = 8\nqueue = "long"\n')
    found = project_of(tmp_path).settings.slurm

    assert (found.workers, found.queue, found.cores) == (8, "long", 1)

    file.write_text('[tool.bench.slurm]\nwaltime = "1:00"\n')
    with pytest.raises(BenchError, match=r"\[tool.bench.slurm\].*waltime.*walltime"):
        project_of(tmp_path)


def test_a_scheduler_behind_tls_without_a_certificate_here_is_refused_in_one_line():
    on = Cluster("dask://tls://127.0.0.1:1", "dask", "tls://127.0.0.1:1")

    with pytest.raises(BenchError, match=r"speaks TLS and dask has no certificate here; set "):
        start._connect(on)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_of_another_authority_is_refused_in_one_line():
    pytest.importorskip("cryptography")
    theirs, ours = Security.temporary(), Security.temporary()
    trusting = {
        "distributed.comm.tls.ca-file": theirs.tls_ca_file,
        "distributed.comm.tls.client.cert": ours.tls_client_cert,
        "distributed.comm.tls.client.key": ours.tls_client_key,
    }
    with LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        security=theirs,
        dashboard_address=":0",
        silence_logs=50,
    ) as cluster:
        address = cluster.scheduler_address
        on = Cluster(f"dask://{address}", "dask", address)
        for settings in (trusting, {**trusting, "distributed.comm.tls.ca-file": ours.tls_ca_file}):
            with dask.config.set(settings), pytest.raises(BenchError, match="one authority; set "):
                start._connect(on)
