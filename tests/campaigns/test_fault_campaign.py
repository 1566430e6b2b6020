"""The fault campaign: what it plans, what it sees, what it says, and a small one of it."""

from __future__ import annotations

import io
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from builders import a_record

from bench.records import store as stores
from bench.records.store import Store
from bench.runs import processes
from campaigns.faults import indexes
from campaigns.faults.indexes import differences_of_index, strike_index
from campaigns.faults.outcomes import Outcomes, differences, read_outcomes
from campaigns.faults.rounds import Campaign, kill_rounds
from campaigns.faults.schedule import MOMENTS, TARGETS, Fault, faults
from campaigns.faults.strike import strike
from campaigns.faults.tally import Tally, to_markdown
from campaigns.faults.world import TOWN, Run, World


def arrays(value: float = 0.5) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, predictions=np.full(3, value, "float32"))
    return file.getvalue()


@pytest.fixture
def undisturbed(tmp_path: Path) -> Outcomes:
    """What a folder with two seeds of one plugin holds."""
    store = Store(tmp_path / "undisturbed")
    for seed in range(2):
        store.write(a_record(seed=seed), arrays(seed))
    return read_outcomes(store.root)


def test_the_same_seed_gives_the_same_faults_and_all_kinds_of_them():
    one, same, other = ([*itertools.islice(faults(n, 8.0), 100)] for n in (1, 1, 2))

    assert one == same != other
    assert {(fault.target, fault.moment) for fault in one} == {*itertools.product(TARGETS, MOMENTS)}
    assert all(0 <= fault.delay <= 8 for fault in one)
    assert max(fault.delay for fault in one) > 7


def test_a_folder_with_the_same_results_differs_in_nothing(undisturbed, tmp_path):
    store = Store(tmp_path / "resumed")
    store.write(a_record(status="crashed", minute=1))
    for seed in (1, 0):
        record = a_record(seed=seed, minute=7)
        record.metrics["curves"]["epoch_seconds"] = [seed]
        store.write(record, arrays(seed))
    found = read_outcomes(store.root)

    assert len(found.results) == 2
    assert found.others == {"crashed": 1}
    assert differences(undisturbed, found) == []


def test_a_lost_a_changed_and_a_repeated_result_are_differences(undisturbed, tmp_path):
    store = Store(tmp_path / "resumed")
    store.write(a_record(quality=0.27), arrays(9))
    store.write(a_record(quality=0.27, minute=1), arrays(9))
    store.write(a_record(seed=2), arrays())
    store.write(a_record(seed=3, status="failed"))
    found = differences(undisturbed, read_outcomes(store.root))

    assert {line.rsplit(" ", 1)[0] for line in found} == {
        "other metrics: jena_gru seed 0",
        "other predictions: jena_gru seed 0",
        "missing: jena_gru seed 1",
        "not asked for: jena_gru seed 2",
        "done 2 times: jena_gru seed 0",
        "1 records are",
    }


def test_predictions_cut_short_and_a_record_cut_short_are_named(undisturbed, tmp_path):
    store = Store(tmp_path / "damaged")
    whole = store.write(a_record(seed=0), arrays(0))
    cut = store.write(a_record(seed=1), arrays(1))
    cut.write_text(cut.read_text()[:99])
    beside = whole.with_suffix(".npz")
    beside.write_bytes(beside.read_bytes()[:-9])
    found = differences(undisturbed, read_outcomes(store.root))

    assert sum(line.startswith("cannot be read: ") for line in found) == 2
    assert cut.name in found[0]
    assert beside.name in found[1]
    assert sum(line.startswith("missing: ") for line in found) == 2


def test_the_table_counts_kills_by_victim_and_moment():
    tally = Tally(runs=12, resumes=5, records=40, seconds=90.0, skipped=["no disk"])
    tally.kills["a trial", "random"] = 3
    tally.kills["the run", "writing"] = 4
    tally.cases["one run, killed"] = 2
    lines = [" ".join(line.split()) for line in to_markdown(tally).splitlines()]

    assert "| a trial | 3 | 0 | 3 |" in lines
    assert "| the run | 0 | 4 | 4 |" in lines
    assert "| all | 3 | 4 | 7 |" in lines
    assert "| folders: one run, killed | 2 |" in lines
    assert "| records compared, with their predictions | 40 |" in lines
    assert "| differences | 0 |" in lines
    assert "| minutes | 1.5 |" in lines
    assert lines[-1] == "Left out: no disk."


PARENT = """
import pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
for number in range(3):
    time.sleep(0.1)
    folder.joinpath("jena", "naive", f"{number}.json").touch()
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[Run, Path]]:
    """A process that writes three files, and its child; and the folder it writes to."""
    (tmp_path / "jena" / "naive").mkdir(parents=True)
    process = psutil.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    processes.wait_until(process.children, 10)
    yield Run(process, tmp_path / "log"), tmp_path
    processes.kill_tree(process)
    process.wait()


def test_a_fault_aimed_at_writing_waits_for_the_files_and_kills_all(family):
    run, results = family
    (child,) = run.process.children()
    killed = strike(Fault("all", "writing", 0.0, 2, 0.5), run, results)

    assert killed == "all at once"
    assert len(list(results.glob("jena/naive/*"))) == 2
    assert run.wait() == -signal.SIGKILL
    assert processes.wait_until(lambda: not processes.is_alive(child), 5)


def test_a_fault_aimed_at_a_worker_spares_the_run(family):
    run, results = family
    (child,) = run.process.children()

    assert strike(Fault("worker", "random", 0.0, 1, 0.5), run, results) is not None
    assert processes.wait_until(lambda: not processes.is_alive(child), 5)
    assert not run.ended


def test_a_run_that_has_ended_is_struck_no_more(family):
    run, results = family
    run.process.kill()
    run.wait()

    for fault in itertools.islice(faults(0, 1.0), 20):
        assert strike(fault, run, results) is None


@pytest.mark.long
def test_a_run_that_is_killed_twice_is_resumed_to_the_results_of_an_undisturbed_one(tmp_path):
    """Of a task of one's own, which each worker has to find again; `tox -e faults` strikes jena."""
    names = ("series_naive", "faults_mean")
    campaign = Campaign(World(tmp_path, names, seeds=1, struck=TOWN))
    campaign.world.make()
    campaign.learn()
    while_writing = [Fault("run", "writing", 0.0, new_files, 0.5) for new_files in (2, 3)]
    lines = list(kill_rounds(campaign, itertools.cycle(while_writing), 2))

    assert lines
    assert campaign.tally.differences == []
    assert campaign.tally.killed == 2
    assert campaign.tally.records == 2 * len(lines)
    assert campaign.world.processes() == []


# Large stores


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed in forked copies")
def test_kills_in_a_large_store_leave_the_index_as_the_files_are(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "FEW", 0)
    assert strike_index(tmp_path / "results", [a_record()], first=5, kills=5, seed=1) == []


def test_an_index_that_says_something_else_is_a_difference(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "FEW", 0)
    store = Store(tmp_path)
    store.write(a_record())
    store.read()
    monkeypatch.setattr(indexes, "_said", lambda root: drawn.pop())
    drawn = [{}, {b"x": ()}]

    (line,) = differences_of_index(tmp_path)
    assert "an index that is made anew differs" in line
