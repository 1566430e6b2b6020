"""Work on tables that have nothing in common, on several cores where it is much."""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: So much work, in records, pays for a process of its own.
MUCH = 5_000


def done_apart(
    work: Callable[[_Item], _Result], items: Sequence[_Item], sizes: Sequence[int]
) -> list[_Result]:
    """Return what comes of each item, in their order.

    Much work is shared with forked processes, as many as there are cores for. What one of them
    does not bring to its end is done here, so that an error is raised as if all had been.

    Args:
        work: Neither writes nor keeps anything; its results can be pickled.
        items: What is worked on.
        sizes: How much work each of them is, in records.
    """
    mine, *others = shares_of(sizes, _cores())
    with _forked([_Share(work, [items[place] for place in share]) for share in others]) as children:
        found = {place: work(items[place]) for place in mine}
        for share, child in zip(others, children, strict=True):
            results = child.results() or [work(items[place]) for place in share]
            found.update(zip(share, results, strict=True))
    return [found[place] for place in range(len(items))]


def shares_of(sizes: Sequence[int], cores: int) -> list[list[int]]:
    """Deal out items, the largest first, each to the share that is the smallest then.

    Args:
        sizes: Of the items, in records.
        cores: The most shares there may be.

    Returns:
        The places of the items in each share, the largest share first; one at least, and of
        several none that is less than ``MUCH``.
    """
    for count in range(min(cores, len(sizes)), 1, -1):
        shares: list[list[int]] = [[] for _ in range(count)]
        totals = [0] * count
        for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
            least = totals.index(min(totals))
            shares[least].append(place)
            totals[least] += sizes[place]
        if min(totals) >= MUCH:
            return shares
    return [[*range(len(sizes))]]


@dataclass(frozen=True)
class _Share(Generic[_Item, _Result]):
    work: Callable[[_Item], _Result]
    items: Sequence[_Item]

    def done(self) -> list[_Result]:
        return [self.work(item) for item in self.items]


@dataclass(frozen=True)
class _Child(Generic[_Result]):
    """A process that works on a share; ``results`` is the pipe that they come through."""

    pid: int
    pipe: int

    def results(self) -> list[_Result] | None:
        """Return what the process leaves; None if it has not come to its end."""
        with os.fdopen(self.pipe, "rb", closefd=False) as stream:
            content = stream.read()
        try:
            found: list[_Result] = pickle.loads(content)
        except (EOFError, pickle.UnpicklingError):
            return None
        return found


@contextmanager
def _forked(shares: Sequence[_Share[_Item, _Result]]) -> Iterator[list[_Child[_Result]]]:
    """Work on shares in forked processes, which are gone at the end."""
    children: list[_Child[_Result]] = []
    try:
        for share in shares:
            children.append(_fork(share))
        yield children
    finally:
        for child in children:
            os.close(child.pipe)  # One that still writes ends of that.
        for child in children:
            os.waitpid(child.pid, 0)


def _fork(share: _Share[_Item, _Result]) -> _Child[_Result]:
    if sys.platform == "win32":
        raise RuntimeError("Windows cannot fork; there all is one share")
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads: a command has none, and what a child does needs no other's lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(writing)
        return _Child(pid, reading)
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as stream:
            stream.write(pickle.dumps(share.done()))
    finally:
        os._exit(0)  # Without what the other process does at its end.


def _cores() -> int:
    """Return how many processes may compute at once, 1 where none can be forked."""
    if sys.platform != "linux":
        return 1  # Elsewhere there is no fork, or the system's own libraries bear none.
    return len(os.sched_getaffinity(0))
