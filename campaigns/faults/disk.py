"""Disks that are full or turn read-only: small file systems in memory, mounted for the case."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .rounds import Campaign

_SIZE = 1024
#: Kilobytes that are left when a run starts: for nothing at all, up to most of its records.
LEVELS = (0, 4, 8, 16, 24, 32, 48, 64)
#: New names in the results folder after which the disk turns read-only.
INSTANTS = (1, 2, 3, 5, 8, 13)


def disk_rounds(campaign: Campaign) -> Iterator[str]:
    """Run on full and on read-only disks; yield a line for each case."""
    results = campaign.world.folder / "disk" / "results"
    results.mkdir(parents=True)
    for level in LEVELS:
        with _disk(results) as why:
            if why:
                campaign.tally.skipped.append(why)
                yield why
                return
            _full(campaign, results, level)
            yield f"disk with {level} kB left"
    for instant in INSTANTS:
        with _disk(results):
            _read_only(campaign, results, instant)
            yield f"disk turned read-only after {instant} new names"


def _full(campaign: Campaign, results: Path, level: int) -> None:
    filler = results / "filler"
    _fill(filler, level * 1024)
    # 2: the folder cannot even be written when the run starts.
    campaign.expect(campaign.start(results), {1, 2}, f"disk with {level} kB left")
    campaign.check_report(f"disk with {level} kB left", results)
    filler.unlink()
    campaign.settle("the disk was full", results)


def _read_only(campaign: Campaign, results: Path, instant: int) -> None:
    run = campaign.start(results)
    while len(list(results.glob("*/*/*"))) < instant and not run.ended:
        time.sleep(0.001)
    while not _remount(results, "ro"):
        pass  # Busy: a file is open for writing at this moment.
    campaign.expect(run, {0, 1}, f"read-only after {instant} new names")
    campaign.check_report(f"read-only after {instant} new names", results)
    _remount(results, "rw")
    campaign.settle("the disk turned read-only", results)


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[str]:
    """Mount an empty disk on a folder; yield "", or why that cannot be."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}k", "none", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0
    if not mounted:
        yield "full and read-only disks: a file system cannot be mounted here (it takes root)"
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _remount(folder: Path, mode: str) -> bool:
    command = ["mount", "-o", f"remount,{mode}", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def _fill(path: Path, left: int) -> None:
    """Take all the space of a disk but for so many bytes."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(path, path.stat().st_size - left)
