"""Show a download on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from bench.data.bundles import OfficialFile

_SECONDS_BETWEEN_LINES = 10.0


class Display(Protocol):
    """What pooch asks of a progress bar, and ``stop``, which ends it whatever happened.

    Pooch sets ``total`` once the server has named the size (0 if it has not), reports
    each chunk by ``update`` as if it were full, then calls ``reset``, ``update`` with
    the total, and ``close``.
    """

    total: int

    def update(self, count: int) -> None:
        """So many more bytes have arrived."""

    def reset(self) -> None:
        """Begin to count again."""

    def close(self) -> None:
        """All bytes have arrived."""

    def stop(self) -> None:
        """Take the display away; may be called twice."""


def make_display(item: OfficialFile) -> Display:
    """Return the display for one file."""
    console = Console(stderr=True, highlight=False)
    return _Bar(item.name, console) if console.is_terminal else _Lines(item.name)


class _Bar:
    def __init__(self, name: str, console: Console) -> None:
        self.total = 0
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(f"downloading {name}", total=None)
        self._progress.start()

    def update(self, count: int) -> None:
        self._progress.update(self._task, total=self.total or None, advance=count)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._progress.stop()


class _Lines:
    def __init__(self, name: str) -> None:
        self.total = 0
        self._name = name
        self._arrived = 0
        self._last_line = time.monotonic()
        self._say(f"downloading {name}")

    def update(self, count: int) -> None:
        self._arrived += count
        if time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            of = f" of {decimal(self.total)}" if self.total else ""
            self._say(f"downloading {self._name}: {decimal(self._arrived)}{of}")

    def reset(self) -> None:
        self._arrived = 0

    def close(self) -> None:
        self._say(f"downloaded {self._name} ({decimal(self.total)})")

    def stop(self) -> None:
        pass

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
