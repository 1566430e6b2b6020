"""What travels to a machine of a cluster, and what that machine has already."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_job import a_small_job, some_data

from bench.data.prepared import open_prepared, prepared_root, write_folder
from bench.errors import BenchError, DataError
from bench.protocol import Bounds, Job
from bench.registry.tasks import read_task
from bench.runs.cluster.parcel import DATA, Parcel, Reply, files_to_send, pack, packages_in, pieces
from bench.runs.cluster.shelf import Shelf
from bench.runs.cluster.station import Station, _looked_at
from bench.task import Prepared


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job of this side, with a file that its plugin declares and a task of two files."""
    here = tmp_path / "here"
    made = a_small_job(here, some_data())
    (here / "words.txt").write_text("0.5\n")
    (here / "_helper.py").write_text("ZERO = 0\n")
    task = Path(made.task_path)
    task.write_text(task.read_text() + "\nfrom . import _helper\n")
    digest = f"sha256:{hashlib.sha256(b'0.5' + bytes([10])).hexdigest()}"
    trial = replace(
        made.trial,
        task_sha256=read_task(task).sha256,
        versions={"keras": "3.11.0", "words.txt": digest},
    )
    return replace(made, trial=trial)


def send(parcel: Parcel, shelf: Shelf, lacking: str) -> None:
    for path in files_to_send(parcel.job, lacking):
        for piece in pieces(path, size=100):
            shelf.receive("t", path.name, piece)
    wanted = {parcel.data: parcel.described} if lacking == DATA else {**parcel.files}
    shelf.take_in("t", lacking, wanted)


def test_a_parcel_has_the_task_with_what_it_imports_and_the_digests_of_the_rest(job):
    parcel = pack(job, jobs=2)

    assert sorted(parcel.task_files) == ["_helper.py", "made.py"]
    assert parcel.files == {"words.txt": job.trial.versions["words.txt"]}
    assert packages_in(job.trial.versions) == {"keras": "3.11.0"}
    assert (parcel.data, parcel.jobs) == ("prepared", 2)


def test_an_empty_machine_lacks_files_and_data_and_has_them_once_they_are_sent(job, tmp_path):
    parcel, shelf = pack(job), Shelf(tmp_path / "there")

    assert shelf.lacking(parcel) == ("words.txt", DATA)
    for each in shelf.lacking(parcel):
        send(parcel, shelf, each)
    assert shelf.lacking(parcel) == ()
    there, data = shelf.unpack(parcel, tmp_path / "left")

    assert there.predictions == str(tmp_path / "left" / "predictions.npz")
    assert there.plugin_path != job.plugin_path
    assert Path(there.plugin_path).read_text() == job.plugin_source
    assert (Path(there.plugin_path).parent / "words.txt").read_text() == "0.5\n"
    assert read_task(Path(there.task_path)).sha256 == job.trial.task_sha256
    sent = open_prepared(Path(there.prepared)).arrays
    assert np.array_equal(sent["x_train"], some_data()["x_train"])
    assert data.guard is not None
    assert data.guard.is_whole()


def test_another_run_or_worker_on_the_machine_finds_what_is_there(job, tmp_path):
    parcel = pack(job)
    for each in ("words.txt", DATA):
        send(parcel, Shelf(tmp_path / "there"), each)

    assert Shelf(tmp_path / "there").lacking(parcel) == ()


def test_the_machines_own_prepared_data_are_used_where_they_are_the_same(job, tmp_path):
    parcel, shelf = pack(job), Shelf(tmp_path / "there")
    own = prepared_root() / "prepared"
    write_folder(own, Prepared(some_data(), {}), {"task": "made"})

    assert shelf.lacking(parcel) == ("words.txt",)

    other = replace(parcel, described="0" * 64)
    assert DATA in shelf.lacking(other)


def test_the_file_that_the_machine_has_among_its_data_is_not_sent(job, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "words.txt").write_text("0.5\n")

    assert "words.txt" not in Shelf(tmp_path / "there").lacking(pack(job))


def test_what_a_trial_has_spoilt_is_lacking_again(job, tmp_path):
    parcel, shelf = pack(job), Shelf(tmp_path / "there")
    for each in ("words.txt", DATA):
        send(parcel, shelf, each)
    there, data = shelf.unpack(parcel, tmp_path / "left")
    array = Path(there.prepared) / "x_train.npy"
    array.chmod(0o644)
    array.write_bytes(array.read_bytes()[:-1] + b"x")
    (Path(there.plugin_path).parent / "words.txt").write_text("other\n")

    assert data.guard is not None
    assert data.guard.changed() == there.prepared
    # The copy that was kept is put beside the plugin again; data are kept once.
    assert shelf.lacking(parcel) == (DATA,)
    with pytest.raises(DataError):
        shelf.unpack(parcel, tmp_path / "left")


def test_whole_data_that_are_others_give_way_to_those_that_are_sent(job, tmp_path):
    parcel, root = pack(job), tmp_path / "there"
    zeros = {name: array * 0 for name, array in some_data().items()}
    write_folder(root / "prepared" / parcel.data, Prepared(zeros, {}), {"task": "made"})

    assert Shelf(root).lacking(parcel) == ("words.txt", DATA)
    send(parcel, Shelf(root), DATA)
    assert Shelf(root).lacking(parcel) == ("words.txt",)


def test_data_that_another_worker_makes_whole_meanwhile_count_as_changed(job, tmp_path):
    parcel, one, other = pack(job), Shelf(tmp_path / "there"), Shelf(tmp_path / "there")
    for each in ("words.txt", DATA):
        send(parcel, one, each)
    there, data = one.unpack(parcel, tmp_path / "left")
    other.unpack(parcel, tmp_path / "others")
    assert data.guard is not None
    assert _looked_at(data.guard) == ("", True)

    (Path(there.prepared) / "meta.json").write_text("{")
    assert other.lacking(parcel) == (DATA,)
    send(parcel, other, DATA)

    assert _looked_at(data.guard) == (there.prepared, True)


def test_data_that_another_trial_spoils_before_a_job_begins_are_asked_for_again(job, monkeypatch):
    class Spoilt(Shelf):
        def lacking(self, parcel):
            return ()

    place = Station(Spoilt(Path(job.prepared) / "none"))

    assert place.perform(pack(job), print, lambda: True) == Reply((DATA,))


@pytest.mark.parametrize("lacking", ["words.txt", DATA])
def test_what_arrives_damaged_is_not_kept(job, tmp_path, lacking):
    parcel, shelf = pack(job), Shelf(tmp_path / "there")
    for path in files_to_send(job, lacking):
        shelf.receive("t", path.name, path.read_bytes()[:-1] + b"x")
    wanted = {parcel.data: parcel.described} if lacking == DATA else {**parcel.files}

    with pytest.raises(BenchError, match="arrived damaged"):
        shelf.take_in("t", lacking, wanted)
    assert lacking in shelf.lacking(parcel)


def test_a_task_file_of_another_digest_is_refused(job, tmp_path):
    parcel = replace(pack(job), task_files={"made.py": b"VERSION = 2\n"})

    with pytest.raises(BenchError, match=r"made\.py"):
        Shelf(tmp_path / "there").lacking(parcel)


def test_nothing_that_is_sent_leaves_its_folder(tmp_path):
    with pytest.raises(BenchError, match="no name of a file"):
        Shelf(tmp_path / "there").receive("t", "../../x", b"")


def test_a_trial_without_a_bound_of_its_own_has_a_share_of_that_machines_memory(job, tmp_path):
    job = replace(job, bounds=Bounds(timeout=3.0, memory=1))
    shelf = Shelf(tmp_path / "there")
    for each in ("words.txt", DATA):
        send(pack(job), shelf, each)
    whole, half = (
        shelf.unpack(pack(job, jobs, own_memory=True), tmp_path / "x")[0] for jobs in (1, 2)
    )
    given, _ = shelf.unpack(pack(job, 2, own_memory=False), tmp_path / "x")

    assert whole.bounds.memory == 2 * (half.bounds.memory or 0) + (whole.bounds.memory or 0) % 2
    assert (given.bounds.memory, given.bounds.timeout, half.bounds.timeout) == (1, 3.0, 3.0)
