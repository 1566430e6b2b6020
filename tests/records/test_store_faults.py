"""Kills, full disks and interrupts at every step of a write: a whole record or none of it."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import a_record
from system_steps import Steps

from bench.errors import BenchError
from bench.files import WRITING
from bench.records.store import Store

#: What is broken off between opening a file and closing it leaves closing to the collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

EARLIER = a_record(seed=1, minute=1)
RECORD = a_record(seed=2, minute=2)


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, predictions=np.arange(100.0), targets=np.ones(100))
    return buffer.getvalue()


ARRAYS = arrays()


def a_store(folder: Path) -> Store:
    store = Store(folder)
    store.prepare()
    store.write(EARLIER, ARRAYS)
    return store


def assert_whole_or_none(folder: Path) -> bool:
    """Check that the store works as ever; return whether the record is there."""
    store = Store(folder)
    contents = store.read()
    assert contents.unreadable == ()
    for record in contents.records:
        assert store.predictions(record)["predictions"].tolist() == list(range(100))
    stored = [record.trial.seed for record in contents.records]
    assert stored in ([1], [1, 2])
    again = a_record(seed=3, minute=3)
    store.write(again, ARRAYS)
    assert store.find(again.trial)[0].identity == again.identity
    return stored == [1, 2]


#: Forks a child for each step, which is killed there, until one gets through to its end.
KILLER = """
import os, signal, sys
from pathlib import Path
from system_steps import Steps
from test_store_faults import ARRAYS, RECORD, a_store

for step in range(1, 1000):
    store = a_store(Path(sys.argv[1]) / str(step))
    child = os.fork()
    if child == 0:
        with Steps(step, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            store.write(RECORD, ARRAYS)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed in forked copies")
def test_a_kill_at_any_step_of_a_write_leaves_a_whole_record_or_none(tmp_path):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        timeout=120,
    )
    steps = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    written = [assert_whole_or_none(folder) for folder in steps]

    assert len(written) > 25
    assert written == sorted(written), "once it is written it stays"
    assert not written[0]
    assert written[-1]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_an_error_at_any_step_of_a_write_is_told_and_leaves_nothing_of_it(tmp_path, code):
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    messages = []
    for step in range(1, 1000):
        store = a_store(tmp_path / str(step))
        before = sorted(path for path in store.root.rglob("*") if path.is_file())
        steps = Steps(step, fail)
        try:
            with steps:
                store.write(RECORD, ARRAYS)
        except BenchError as error:
            messages.append(str(error))
            left = sorted(path for path in store.root.rglob("*") if path.is_file())
            assert [p for p in left if not p.name.startswith(WRITING)] == before
            assert not assert_whole_or_none(store.root)
        else:
            assert assert_whole_or_none(store.root)
        if steps.count < step:
            break
    assert len(messages) > 15
    assert all(os.strerror(code) in message for message in messages)


def test_an_interrupt_at_any_step_of_a_write_leaves_a_whole_record_or_none(tmp_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    for step in range(1, 1000):
        store = a_store(tmp_path / str(step))
        steps = Steps(step, interrupt)
        try:
            with steps:
                store.write(RECORD, ARRAYS)
        except KeyboardInterrupt:
            pass
        assert_whole_or_none(store.root)
        if steps.count < step:
            break
    assert step > 25


#: Writes with less and less room: what is too long is refused by the system itself.
CRAMPED = """
import resource, sys
from pathlib import Path
from bench.errors import BenchError
from test_store_faults import ARRAYS, RECORD, a_store

store = a_store(Path(sys.argv[1]))
for room in (0, 1, 100, len(ARRAYS) - 1, len(ARRAYS)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        store.write(RECORD, ARRAYS)
    except BenchError as error:
        assert "could not be written (File too large)" in str(error), error
    else:
        raise AssertionError(f"{room} bytes were enough")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the room for files is limited by POSIX")
def test_files_that_the_system_has_no_room_for_leave_nothing(tmp_path):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run(
        [sys.executable, "-c", CRAMPED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        timeout=60,
    )
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    assert not assert_whole_or_none(tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="permissions bind no superuser",
)
def test_a_read_only_folder_is_told_and_read_as_before(tmp_path):
    store = a_store(tmp_path)
    folder = tmp_path / "jena" / "jena_gru"
    folder.chmod(0o555)
    try:
        with pytest.raises(BenchError, match=r"could not be written \(Permission denied\)"):
            store.write(RECORD, ARRAYS)
        assert len(store.read().records) == 1
    finally:
        folder.chmod(0o755)


def test_the_name_of_a_record_reaches_the_disk_with_it(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle)), real(handle)))
    path = Store(tmp_path).write(RECORD)

    assert [os.path.samestat(stat, path.stat()) for stat in synced] == [True, False]
    assert os.path.samestat(synced[1], path.parent.stat())


def test_what_killed_writes_left_is_swept_up_after_a_day_and_not_before(tmp_path):
    store = a_store(tmp_path)
    folders = [tmp_path, tmp_path / "jena" / "jena_gru"]
    old, new = ([folder / f"{WRITING}{age}" for folder in folders] for age in ("old", "new"))
    for path in [*old, *new]:
        path.write_bytes(b"{")
    for path in old:
        os.utime(path, (0, 0))
    assert store.read().unreadable == ()
    store.prepare()

    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in new)
    assert len(store.read().records) == 1


def test_a_killed_write_is_done_again_by_the_next(tmp_path):
    """What a kill between predictions and record leaves is no hindrance."""
    path = Store(tmp_path).write(RECORD, ARRAYS)
    path.unlink()
    again = Store(tmp_path).write(RECORD, ARRAYS)
    assert again == path
    assert len(Store(tmp_path).read().records) == 1
