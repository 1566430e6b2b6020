"""What is written down of a machine: what makes times comparable, and nothing of its owner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import machine

SMI = "#!/bin/sh\n{}\n"


def a_driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(SMI.format(script), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(autouse=True)
def _afresh():
    machine.machine.cache_clear()
    yield
    machine.machine.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands for the driver's program")
def test_each_accelerator_is_named_with_its_memory_and_driver(tmp_path, monkeypatch):
    line = "NVIDIA H100 80GB HBM3, 81559 MiB, 550.54.15"
    a_driver(tmp_path, monkeypatch, f"echo '{line}'; echo '{line}'")

    told = "NVIDIA H100 80GB HBM3, 81559 MiB, driver 550.54.15"
    assert machine.machine()["accelerators"] == [told, told]


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands for the driver's program")
@pytest.mark.parametrize("script", ["exit 9", "true"], ids=["broken", "none"])
def test_a_machine_without_accelerators_is_described_as_before(tmp_path, monkeypatch, script):
    """So that its old records and its new ones compare."""
    a_driver(tmp_path, monkeypatch, script)
    assert {*machine.machine()} == {"system", "architecture", "processor", "cores", "memory"}


def test_what_the_driver_tells_in_part_is_kept():
    assert machine._gpu("A GPU") == "A GPU, ?, driver ?"
