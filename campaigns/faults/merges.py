"""Merges that are killed at random instants, and repeated: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.records.layout import INDEX
from bench.records.store import Store

from .rounds import Campaign
from .schedule import MOMENTS

#: Copies of each record with other seeds, so that a merge takes long enough to be struck.
_SEEDS = 40


def merge_rounds(campaign: Campaign, kills: int, seed: int) -> Iterator[str]:
    """Kill merges of three folders until there were so many kills; yield a line for each round."""
    folder = campaign.world.folder / "merges"
    sources = _sources(folder, campaign.world.folder / "reference" / "results")
    wanted = {name: content for source in sources for name, content in _files(source).items()}
    drawn = random.Random(seed)
    duration = _merge(campaign, sources, folder / "whole", None)
    killed = 0
    for number in range(1, 10 * kills):
        if killed >= kills:
            return
        target, struck = folder / f"round-{number}", 0
        for _ in range(3):
            struck += _merge(campaign, sources, target, drawn.uniform(0.3, 1.0) * duration) < 0
        killed += struck
        campaign.tally.kills["a merge", MOMENTS[0]] += struck
        _merge(campaign, sources, target, None)
        campaign.tally.cases["merges, killed"] += 1
        _compare(campaign, wanted, target)
        yield f"merge {number}: killed {struck} times"


def _sources(folder: Path, reference: Path) -> list[Path]:
    """Make three folders of which each two share a third of their records."""
    sources = [folder / name for name in ("one", "two", "three")]
    stores = [Store(source) for source in sources]
    reference_store = Store(reference)
    for record in reference_store.read().records:
        content = None
        if record.predictions is not None:
            beside = reference / record.trial.task / record.trial.plugin / record.predictions.file
            content = beside.read_bytes()
        for seed in range(1000, 1000 + _SEEDS):
            trial = replace(record.trial, seed=seed)
            made = replace(record, trial=trial, identity=trial.identity)
            path = stores[seed % 3].write(made, content)
            if seed % 2:
                _share(path, sources[seed % 3], sources[(seed + 1) % 3])
    return sources


def _share(path: Path, source: Path, other: Path) -> None:
    for file in (path, path.with_suffix(".npz")):
        if file.exists():
            copied = other / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(INDEX)
    }


def _merge(campaign: Campaign, sources: list[Path], target: Path, after: float | None) -> float:
    """Merge, and kill it after some seconds; return how long it took, below 0 if killed."""
    words = [sys.executable, "-m", "bench", "merge", *map(str, sources), "--into", str(target)]
    started = time.monotonic()
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
    )
    try:
        printed, _ = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return -1.0
    if process.returncode != 0 or "Traceback" in printed:
        campaign.note("merge", [f"exit status {process.returncode}: {printed[-2000:]}"])
    return time.monotonic() - started


def _compare(campaign: Campaign, wanted: dict[str, bytes], target: Path) -> None:
    """Note what a folder lacks of what was merged into it, and what it has beyond."""
    # A killed process leaves the file that it was writing; the next run clears it away.
    found = {name: content for name, content in _files(target).items() if ".writing-" not in name}
    campaign.tally.records += sum(name.endswith(".json") for name in found)
    lines = [f"{name} is gone" for name in wanted if name not in found]
    lines += [f"{name} was not merged" for name in found if name not in wanted]
    lines += [f"{name} differs" for name in found if wanted.get(name, found[name]) != found[name]]
    campaign.note("merges, killed", lines)
    if not lines:
        shutil.rmtree(target)
