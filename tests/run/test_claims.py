"""Claims: a trial belongs to one run at a time, and to none when its run is gone."""

from __future__ import annotations

import errno
import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from bench.runs.recorder import Claims

TAKING = """
import sys, time
from pathlib import Path
from bench.runs.recorder import Claims
claims = Claims(Path(sys.argv[1]), print)
print(claims.take("a"), flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".claims"


def never(message: str) -> None:
    raise AssertionError(message)


def test_a_trial_is_claimed_once_and_free_again_when_it_is_given_up(folder):
    one, other = Claims(folder, never), Claims(folder, never)
    assert one.take("a")
    assert not other.take("a")
    assert other.take("b")
    one.release("a")
    assert other.take("a")


def test_a_claim_that_is_held_is_not_refused_to_its_holder(folder):
    one, other = Claims(folder, never), Claims(folder, never)
    assert one.take("a")
    assert one.take("a")
    assert not other.take("a")
    one.release("a")
    assert other.take("a")


def test_closing_gives_up_all_claims_and_leaves_no_file(folder):
    one = Claims(folder, never)
    assert one.take("a")
    assert one.take("b")
    one.close()
    one.close()
    assert list(folder.iterdir()) == []
    other = Claims(folder, never)
    assert other.take("a")
    assert other.take("b")


def test_giving_up_what_is_not_held_takes_nothing_from_another_run(folder):
    one, other = Claims(folder, never), Claims(folder, never)
    assert one.take("a")
    other.release("a")
    other.close()
    assert not other.take("a")


def test_a_claim_on_a_file_that_is_removed_meanwhile_is_none(folder, monkeypatch):
    holder, third, late = (Claims(folder, never) for _ in range(3))
    assert holder.take("a")
    real = fcntl.flock

    def another_run_is_faster(descriptor: int, operation: int) -> None:
        # The late one has opened the file, when it is given up and another one claimed.
        monkeypatch.setattr(fcntl, "flock", real)
        holder.release("a")
        assert third.take("a")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", another_run_is_faster)
    assert not late.take("a")
    third.release("a")
    assert late.take("a")


def test_a_killed_run_claims_nothing_and_its_files_do_not_pile_up(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", TAKING, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    mine = Claims(folder, never)
    assert not mine.take("a")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [path.name for path in folder.iterdir()] == ["a.lock"]

    Claims(folder, never)
    assert list(folder.iterdir()) == []
    assert mine.take("a")


@pytest.mark.parametrize("reason", [errno.EROFS, errno.ENOLCK, errno.ENOSYS])
def test_where_files_cannot_be_locked_every_trial_is_free_with_one_warning(
    folder, monkeypatch, reason
):
    def refuse(self: object, **anything: object) -> None:
        raise OSError(reason, "no locks here")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    said: list[str] = []
    claims = Claims(folder, said.append)
    assert claims.take("a")
    assert claims.take("b")
    claims.close()
    (line,) = said
    assert line.startswith(f"{folder}: trials cannot be claimed here (no locks here); ")


@pytest.mark.parametrize("junk", ["file", "folder", "loop"])
def test_junk_in_the_place_of_claims_stops_nothing(folder, junk):
    if junk == "file":
        folder.write_text("")
    elif junk == "folder":
        (folder / "a.lock" / "b").mkdir(parents=True)
    else:
        folder.mkdir()
        (folder / "a.lock").symlink_to("a.lock")
    said: list[str] = []
    claims = Claims(folder, said.append)
    assert claims.take("a")
    assert len(said) == 1
    claims.close()


def test_junk_beside_the_claims_is_left_alone(folder):
    (folder / "junk.lock").mkdir(parents=True)
    (folder / "notes.txt").write_text("")
    claims = Claims(folder, never)
    assert claims.take("a")
    claims.close()
    assert sorted(path.name for path in folder.iterdir()) == ["junk.lock", "notes.txt"]
