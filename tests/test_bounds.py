"""What a trial may take if nobody says otherwise."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from bench import machine
from bench.machine import default_bounds, machine_memory
from bench.registry.training_options import PROFILES


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a container's limit would stand."""
    path = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_CGROUP_LIMITS", (tmp_path / "absent", path))
    return path


def test_every_profile_has_a_time_limit_and_more_training_has_more_time():
    limits = [default_bounds(profile).timeout for profile in PROFILES]

    assert None not in limits
    assert limits == sorted(limits)


def test_a_trial_may_take_most_of_the_memory_but_not_all(container):
    allowed = default_bounds("quick").memory

    assert allowed is not None
    assert 0.5 * machine_memory() < allowed < 0.9 * machine_memory()


def test_several_trials_at_once_divide_the_memory_but_not_the_time(container):
    alone, one_of_four = default_bounds("quick"), default_bounds("quick", jobs=4)

    assert one_of_four.timeout == alone.timeout
    assert one_of_four.memory == (alone.memory or 0) // 4


def test_the_limit_of_a_container_counts_where_it_is_the_smaller_one(container):
    container.write_text(f"{2 * 1024**3}\n")

    assert machine_memory() == 2 * 1024**3


@pytest.mark.parametrize("content", ["max\n", "9223372036854771712\n", ""])
def test_a_container_without_a_limit_leaves_the_machine_s_memory(container, content):
    container.write_text(content)

    assert machine_memory() == psutil.virtual_memory().total
