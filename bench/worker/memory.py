"""Peak memory that means one thing, whichever way a trial's process was started.

A forked process has its parent's pages, but the system counts those of files (the code of
the libraries above all) in its resident set only once it touches them itself. So a trial
that a server forked would seem to need some 0.4 GiB less than the same trial in a process
from nothing. What counts here is what it would have by itself: the largest resident set of
its own, and the pages of files that the server had in memory and it has not touched.
"""

from __future__ import annotations

import mmap
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.metrics import ALL_PAGES, OWN_PAGES

_MAPS, _PAGEMAP, _STATUS = "/proc/self/maps", "/proc/self/pagemap", "/proc/self/status"

#: Bytes that the system keeps of a page (proc_pid_pagemap(5)), and where its highest is. In
#: that one the first bit says that the page is in memory, the third that it is of a file.
_ENTRY = 8
_HIGHEST = _ENTRY - 1 if sys.byteorder == "little" else 0
_OF_A_FILE = re.compile(rb"[\xa0-\xbf\xe0-\xff]+")
_ABSENT = bytes(range(0x80))

#: The first of some pages that follow each other, and the one behind the last.
_Run = tuple[int, int]
#: Of the process that this one was forked from; None where that is not known.
_noted: tuple[_Run, ...] | None = None


@dataclass(frozen=True)
class PeakMemory:
    """The most memory that this process has had, in bytes.

    ``inherited`` is what of it are pages of files that it has from the process it was forked
    from, and has not touched itself; None where the system does not tell, so that ``size``
    is the largest resident set alone.
    """

    size: int
    inherited: int | None

    @property
    def section(self) -> dict[str, int]:
        """What a record keeps of it in its section memory."""
        told = {} if self.inherited is None else {"inherited": self.inherited}
        return {"peak_rss": self.size, **told}

    @property
    def pages(self) -> str:
        """Which pages are counted: ``ALL_PAGES`` or ``OWN_PAGES``."""
        return OWN_PAGES if self.inherited is None else ALL_PAGES


def note_pages() -> None:
    """Note which pages of files this process has in memory, for those forked from it.

    The server of a run does so when its libraries are imported, the keeper of a spawned
    worker before it forks the trial.
    """
    global _noted
    try:
        _noted = tuple(_runs())
    except (OSError, ValueError):
        _noted = None


def peak_memory() -> PeakMemory:
    """Return the most memory that this process has had so far, as it would have by itself."""
    own, inherited = _largest_resident_set(), _untouched()
    return PeakMemory(own + (inherited or 0), inherited)


def _runs() -> Iterator[_Run]:
    """Yield the runs of pages in memory of each file that this process has mapped."""
    with open(_PAGEMAP, "rb", buffering=0) as pages:
        for first, last in _mapped_files():
            for run in _OF_A_FILE.finditer(_flags(pages, first, last)):
                yield first + run.start(), first + run.end()


def _mapped_files() -> Iterator[_Run]:
    for line in Path(_MAPS).read_text(encoding="utf-8", errors="replace").splitlines():
        addresses, _, _, _, inode, *_ = line.split(maxsplit=5)
        if inode != "0":
            start, end = (int(address, 16) for address in addresses.split("-"))
            yield start // mmap.PAGESIZE, end // mmap.PAGESIZE


def _untouched() -> int | None:
    """Return the bytes of the noted pages that this process has not in memory itself."""
    if _noted is None:
        return None
    try:
        with open(_PAGEMAP, "rb", buffering=0) as pages:
            return mmap.PAGESIZE * sum(_absent(_flags(pages, *run)) for run in _noted)
    except Exception:
        # A plugin may have taken away what looking needs, and has its result all the same.
        return None


def _absent(flags: bytes) -> int:
    return len(flags) - len(flags.translate(None, _ABSENT))


def _flags(pages: IO[bytes], first: int, last: int) -> bytes:
    """Return one byte a page: the highest of the system's entry."""
    pages.seek(_ENTRY * first)
    return pages.read(_ENTRY * (last - first))[_HIGHEST::_ENTRY]


def _largest_resident_set() -> int:
    """Return the largest resident set that this process has had, in bytes.

    That of getrusage(2) is also of what ran in the process before it was given this program.
    """
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    told = _high_water_mark()
    if told is not None:
        return told
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def _high_water_mark() -> int | None:
    """Return what Linux says of it, None where it does not."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(_STATUS).read_text("ascii"), re.MULTILINE)
    except Exception:
        return None
    return int(found[1]) * 1024 if found else None
