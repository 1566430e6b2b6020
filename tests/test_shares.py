"""Which CPUs each of several trials gets, and that it is kept to them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench import machine as module
from bench.errors import BenchError
from bench.machine import WHOLE, can_confine, confine, confined, cpu_shares

confining = pytest.mark.skipif(not can_confine(), reason="this system cannot confine processes")

PRINT = "import os; print(*sorted(os.sched_getaffinity(0)))"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the run find other CPUs than there are; ``cores`` tells the core of each."""

    def install(*cpus: int, cores: tuple[int, ...] = ()) -> None:
        monkeypatch.setattr(module, "usable_cpus", lambda: [*cpus])
        monkeypatch.setattr(module, "can_confine", lambda: True)
        monkeypatch.setattr(module, "_TOPOLOGY", f"{tmp_path}/cpu{{}}")
        for cpu, core in zip(cpus, cores, strict=False):
            folder = tmp_path / f"cpu{cpu}"
            folder.mkdir()
            (folder / "physical_package_id").write_text("0\n")
            (folder / "core_id").write_text(f"{core}\n")

    return install


def test_one_trial_has_the_whole_machine(machine):
    machine(0, 1, 2, 3)
    assert cpu_shares(1) == WHOLE == (None,)


def test_several_have_a_part_each_and_no_cpu_in_common(machine):
    machine(0, 1, 2, 3)
    assert cpu_shares(2) == (frozenset({0, 1}), frozenset({2, 3}))
    assert cpu_shares(4) == tuple(frozenset({cpu}) for cpu in range(4))


def test_the_cpus_are_those_that_the_run_may_use(machine):
    machine(3, 7)
    assert cpu_shares(2) == (frozenset({3}), frozenset({7}))


def test_all_parts_are_of_one_size_so_that_all_trials_have_as_many_threads(machine):
    machine(*range(8))
    parts = cpu_shares(3)
    assert [len(part or ()) for part in parts] == [2, 2, 2]
    assert len(frozenset().union(*(part or () for part in parts))) == 6


def test_the_two_threads_of_a_core_go_to_one_trial(machine):
    machine(0, 1, 2, 3, cores=(0, 1, 0, 1))
    assert cpu_shares(2) == (frozenset({0, 2}), frozenset({1, 3}))


def test_more_trials_than_cpus_are_refused_with_both_numbers(machine):
    machine(0, 1)
    with pytest.raises(BenchError, match=r"^--jobs 3: this run may use 2 CPUs, .* at most 2$"):
        cpu_shares(3)


def test_where_processes_cannot_be_confined_none_is(machine, monkeypatch):
    machine(0, 1)
    monkeypatch.setattr(module, "can_confine", lambda: False)
    assert cpu_shares(2) == (None, None)


@confining
def test_what_is_started_in_a_block_is_confined_and_the_block_itself_no_longer():
    before = os.sched_getaffinity(0)
    one = min(before)
    with confined(frozenset({one})):
        said = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, text=True)
    assert said.stdout.split() == [str(one)]
    assert os.sched_getaffinity(0) == before


@confining
def test_a_process_that_waits_is_confined_with_all_that_it_starts_later():
    one = max(os.sched_getaffinity(0))
    body = f"import subprocess, sys; input(); subprocess.run([sys.executable, '-c', {PRINT!r}])"
    process = psutil.Popen([sys.executable, "-c", body], stdin=-1, stdout=-1, text=True)
    confine(process, frozenset({one}))
    assert process.communicate("\n")[0].split() == [str(one)]


@confining
def test_a_process_that_has_ended_or_cpus_that_are_gone_stop_nothing():
    process = psutil.Popen([sys.executable, "-c", ""])
    process.wait()
    confine(process, frozenset({0}))
    with confined(frozenset({1023})):
        pass
