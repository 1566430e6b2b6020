"""Writers and readers of a large store that are killed: its index says what the files say."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

from bench.records import store as stores
from bench.records.index import Index
from bench.records.layout import INDEX, read_files, record_entries
from bench.records.record import Record
from bench.records.store import Store

from .rounds import Campaign
from .schedule import MOMENTS

#: Kills in one folder before it is compared and left.
_A_FOLDER = 10


def index_rounds(campaign: Campaign, kills: int, seed: int) -> Iterator[str]:
    """Kill writers and readers until there were so many kills; yield a line for each folder."""
    if not hasattr(os, "fork"):
        return
    folder = campaign.world.folder
    records = Store(folder / "reference" / "results").read().records
    for number, start in enumerate(range(0, kills, _A_FOLDER), 1):
        root = folder / "indexes" / str(number)
        struck = min(_A_FOLDER, kills - start)
        lines = strike_index(root, records, stores.FEW + 50, struck, seed + number)
        campaign.tally.kills["a writer or reader of a large store", MOMENTS[0]] += struck
        campaign.tally.cases["large stores, killed"] += 1
        campaign.note("large stores, killed", lines)
        yield f"index {number}: killed {struck} times"


def strike_index(
    root: Path, records: Sequence[Record], first: int, kills: int, seed: int
) -> list[str]:
    """Fill a folder with copies of records, kill what writes and reads it; say what is wrong then.

    Args:
        root: The results folder.
        records: What is written, with other seeds.
        first: How many are there before the first kill.
        kills: How many processes are killed, each a writer or a reader that makes the index anew.
        seed: Decides which, and when.
    """
    drawn, seeds = random.Random(seed), count(1000)
    store, lines = Store(root), []
    store.prepare()
    for _ in range(first):
        store.write(_copy(records, next(seeds)))
    store.read()
    for number in range(kills):
        write = partial(_write, root, records, 10_000 * (number + 1))
        work = write if drawn.random() < 0.6 else partial(_read_anew, root)
        _kill(work, drawn.uniform(0.0, 0.3))
        lines += differences_of_index(root)
    return lines


def differences_of_index(root: Path) -> list[str]:
    """Say in what reading through the index, and the index itself, differ from the files."""
    lines = []
    through = sorted(record.to_json() for record in Store(root).read().records)
    found = read_files(record_entries(root))
    if through != sorted(record.to_json() for _, record in found.records):
        lines.append(f"{root}: the index gives other records than the files")
    lines += [f"{path}: {reason}" for path, reason in found.unreadable]
    updated = _said(root)
    (root / INDEX).unlink()
    Store(root).read()
    if _said(root) != updated:
        lines.append(f"{root}: an index that is made anew differs from the one that was updated")
    return lines


def _said(root: Path) -> dict[bytes, tuple[bytes, bytes, bytes | None]]:
    """Return what an index says of each file, but for its stamp."""
    index = Index(root, can_write=False)
    return {
        path: (row.sha256, row.head, index.bodies([(row.number, row.sha256)]))
        for path, row in index.rows().items()
    }


def _kill(work: Callable[[], None], after: float) -> None:
    """Do a work in a process of its own, and kill it after some seconds."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _write(root: Path, records: Sequence[Record], start: int) -> None:
    store = Store(root)
    for seed in count(start):
        store.write(_copy(records, seed))


def _read_anew(root: Path) -> None:
    while True:
        (root / INDEX).unlink(missing_ok=True)
        Store(root).read()


def _copy(records: Sequence[Record], seed: int) -> Record:
    record = records[seed % len(records)]
    trial = replace(record.trial, seed=seed)
    return replace(record, trial=trial, identity=trial.identity, predictions=None)
