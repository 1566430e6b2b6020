"""What does a batch of reviews cost, encoded anew or gathered from what was encoded once?"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from bench.data.encoded import ENCODED
from bench.data.prepared import open_prepared, prepare, size_of, write_folder
from bench.data.sources import resolve
from bench.registry.discover import discover
from bench.registry.task_code import load_module
from bench.task import Array, OpenTask, Prepared

#: A gather may never take longer than encoding the batch; these encodings must gain so much.
WANTED = {"ranks": 4.0, "hashed": 4.0, "characters": 10.0, "bigrams": 10.0}
#: Where nothing is kept both sides do the same, and differ by chance.
SLACK = 0.9
#: Repeats of a gather in a round; the quickest counts, as other work only ever adds.
REPEATS = 10


@dataclass(frozen=True)
class Fed:
    """What a plugin's model is fed, and how many reviews at a time."""

    plugin: str
    view: Mapping[str, Any]
    batch_size: int


@dataclass(frozen=True)
class Row:
    """One view: milliseconds of the processor for a batch of either side, and the first gather's.

    ``mebibytes`` are those on the disk, 0 where nothing is kept; ``alike`` says whether both
    sides gave the same bits.
    """

    fed: Fed
    encoded: float
    gathered: float
    first: float
    mebibytes: float
    alike: bool

    @property
    def encoding(self) -> str:
        """The view's encoding."""
        return str(self.fed.view["encoding"])

    @property
    def holds(self) -> bool:
        """Whether the bound of its encoding holds."""
        wanted = WANTED.get(self.encoding, SLACK) if self.mebibytes else SLACK
        return self.alike and self.encoded / self.gathered >= wanted


def measure(rounds: int) -> bool:
    """Gather a batch of every view of the shipped plugins both ways; say if the bounds hold."""
    print(
        f"A training batch, least of {rounds} interleaved rounds, milliseconds of the processor\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_rows(Path(folder), rounds))
    heads = ["plugin", "encoding", "batch", "encoded", "gathered", "ratio"]
    heads += ["once", "once / encoded", "MiB", "bit-identical"]
    cells = [
        [
            row.fed.plugin,
            row.encoding,
            row.fed.batch_size,
            row.encoded,
            row.gathered,
            row.encoded / row.gathered,
            row.first,
            row.first / row.encoded,
            f"{row.mebibytes:.1f}" if row.mebibytes else "not kept",
            "yes" if row.alike else "NO",
        ]
        for row in rows
    ]
    formats = ("", "", "", ".3f", ".3f", ".1f", ".0f", ".0f")
    print(tabulate(cells, heads, "github", floatfmt=formats))
    print(f"\n{sum(row.mebibytes for row in rows):.0f} MiB in all, less what views share")
    return all(row.holds for row in rows)


def _rows(folder: Path, rounds: int) -> Iterator[Row]:
    registry = discover()
    info = registry.tasks["imdb"]
    module = load_module(info)
    found = open_prepared(prepare(info, resolve(info)))
    # A copy of their own, so that every view is made and weighed here.
    stored = replace(found, folder=folder / "prepared")
    write_folder(folder / "prepared", found, {})
    for fed in _views(registry.plugins):

        def open_side(prepared: Prepared, fed: Fed = fed) -> OpenTask:
            opened: OpenTask = module.open_view(prepared, fed.view)
            return opened

        yield _measured(fed, open_side, stored, rounds)


def _views(plugins: Any) -> Iterator[Fed]:
    """Return each view of the plugins once, with the first that has it and its batch size."""
    info = discover().tasks["imdb"]
    told = set()
    for plugin in plugins:
        if plugin.task != "imdb":
            continue
        options = plugin.hyperparameters
        view = {**info.view, **{name: options[name] for name in info.view if name in options}}
        batch_size = int(options.get("batch_size", info.training["batch_size"]))
        if tuple(view.items()) not in told:
            told.add(tuple(view.items()))
            yield Fed(plugin.name, view, batch_size)


def _measured(
    fed: Fed, open_side: Callable[[Prepared], OpenTask], stored: Prepared, rounds: int
) -> Row:
    # What another view has left could be shared: here each makes its own.
    shutil.rmtree(_root(stored), ignore_errors=True)
    kept, plain = open_side(stored).train, open_side(replace(stored, folder=None)).train
    batch = np.random.default_rng(0).permutation(len(plain))[: fed.batch_size]
    first = _busy(lambda: kept.gather(batch))
    taken: dict[str, list[float]] = {"encoded": [], "gathered": []}
    for _ in range(rounds):
        for name, side in (("encoded", plain), ("gathered", kept)):
            taken[name] += [_busy(lambda side=side: side.gather(batch)) for _ in range(REPEATS)]
    return Row(
        fed,
        min(taken["encoded"]),
        min(taken["gathered"]),
        first,
        _mebibytes(_root(stored)),
        kept.gather(batch).tobytes() == plain.gather(batch).tobytes(),
    )


def _busy(work: Callable[[], Array]) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def _root(stored: Prepared) -> Path:
    assert stored.folder is not None
    return stored.folder.parent / ENCODED


def _mebibytes(root: Path) -> float:
    return sum(size_of(path) for path in root.glob("*")) / 2**20
