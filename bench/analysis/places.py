"""Where a trial was timed: of two times, whether they compare, and which a table shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations
from typing import Any

from bench.formatting import one_line
from bench.protocol import OK
from bench.records.record import Record
from bench.records.repeats import gave_the_same
from bench.records.selection import latest

_GIB = 1024**3
_LONGEST = 80


@dataclass(frozen=True)
class TimingPlace:
    """All that has to be the same for two times to be compared, as text; "" where it is not told.

    Of the machine: its processor, cores, memory in whole GiB (what a system keeps for itself
    differs a little), accelerators with their memory and driver, system and architecture. Of
    the process: the device it computed on, the threads of a kernel, and those that run kernels
    beside each other, where that was set. What neither of two records tells is the same.
    """

    processor: str = ""
    cores: str = ""
    memory: str = ""
    accelerators: str = ""
    system: str = ""
    architecture: str = ""
    device: str = ""
    threads: str = ""
    inter_op_threads: str = ""

    @cached_property
    def machine(self) -> str:
        """What of it tells one machine from another."""
        return repr([getattr(self, name) for name in MACHINE])

    @property
    def name(self) -> str:
        """Machine and threads in a line, as people are told them."""
        parts = (
            self.processor or "unknown processor",
            _counted(self.cores or "?", "core"),
            f"{self.memory} GiB" if self.memory else "",
            self.accelerators,
            self.system,
            self.device if self.device not in ("", "cpu") else "",
            _counted(self.threads, "thread"),
            _counted(self.inter_op_threads, "inter-op thread"),
        )
        return ", ".join(filter(None, parts))


#: Those of the fields that are the machine's; the others are the process' own.
MACHINE = ("processor", "cores", "memory", "accelerators", "system", "architecture")
_PROCESS = ("device", "threads", "inter_op_threads")


def place_of(record: Record) -> TimingPlace:
    """Return where a record's times were taken."""
    where = record.where
    known = _PLACES.get(id(where))
    if known is None or known[0] is not where:
        if len(_PLACES) >= _MOST_PLACES:
            _PLACES.clear()
        known = _PLACES[id(where)] = where, place(where.get("machine"), where)
    return known[1]


#: Places by what they were made of, which is kept so that no other comes to be where it was:
#: the records of a large store share a few, and each is asked for its place several times.
_PLACES: dict[int, tuple[Mapping[str, Any], TimingPlace]] = {}
_MOST_PLACES = 10_000


def machine_of(record: Record) -> str:
    """Return what tells one machine from another."""
    return place_of(record).machine


def place(machine: Any, process: Mapping[str, Any]) -> TimingPlace:
    """Return a place of what was written down of it, in a record or a baseline.

    Args:
        machine: As ``bench.machine.machine`` describes it; anything else tells nothing.
        process: Has the device and the threads: an environment, or the settings of a side.
    """
    known = machine if isinstance(machine, Mapping) else {}
    return TimingPlace(
        **{name: _text(known.get(name)) for name in MACHINE if name != "memory"},
        **{name: _text(process.get(name)) for name in _PROCESS},
        memory=_gib(known.get("memory")),
    )


def differences(one: TimingPlace, other: TimingPlace, among: Collection[str] = MACHINE) -> str:
    """Say in what two places differ, of some of their fields; nothing if in none."""
    return ", ".join(
        f"{field.name} {mine or 'unknown'} and {theirs or 'unknown'}"
        for field in fields(TimingPlace)
        if field.name in among
        and (mine := getattr(one, field.name)) != (theirs := getattr(other, field.name))
    )


def place_of_table(
    rows: Iterable[Mapping[TimingPlace, Sequence[Record]]],
    is_quiet: Callable[[Record], bool],
) -> TimingPlace | None:
    """Choose the place whose times stand in a table, or on one side of a check.

    It is the one at which most rows have times of trials that had the machine to themselves,
    so that as many as can be are compared; then the one at which most rows were timed at all;
    of several the one that was used last. Records alone decide, and not the machine that
    reads them.

    Args:
        rows: Of each row its timed records, by place.
        is_quiet: Whether a trial had the machine to itself.

    Returns:
        None where nothing was timed.
    """
    quiet: Counter[TimingPlace] = Counter()
    timed: Counter[TimingPlace] = Counter()
    last: dict[TimingPlace, Record] = {}
    for row in rows:
        for found, records in row.items():
            quiet[found] += any(map(is_quiet, records))
            timed[found] += 1
            last[found] = latest([*records, *([last[found]] if found in last else [])])
    if not timed:
        return None
    most = max((quiet[found], timed[found]) for found in timed)
    return place_of(latest(last[found] for found in timed if (quiet[found], timed[found]) == most))


# What other threads change beside the times


@dataclass(frozen=True)
class ThreadChange:
    """A trial that gave other predictions where it was trained with other threads.

    ``threads`` are the numbers it had, in order; ``machines`` says that the machines were
    others, too, so that either may be the reason.
    """

    threads: tuple[str, ...]
    machines: bool


def changed_by_threads(rows: Mapping[str, Iterable[Record]]) -> Mapping[str, ThreadChange]:
    """Return the rows of which a trial's records differ with the threads they were made with.

    Args:
        rows: By label, all records of the row.
    """
    found = {}
    for label, records in rows.items():
        good = [record for record in records if record.status == OK]
        changed = [change for trial in _by_identity(good) if (change := _thread_change(trial))]
        if changed:
            threads = {number for change in changed for number in change.threads}
            ordered = tuple(sorted(threads, key=lambda number: (len(number), number)))
            found[label] = ThreadChange(ordered, all(change.machines for change in changed))
    return found


def _by_identity(records: Iterable[Record]) -> Iterable[list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.identity, []).append(record)
    return found.values()


def _thread_change(records: Sequence[Record]) -> ThreadChange | None:
    """Compare what one trial gave with each number of threads; the same machine tells most."""
    pairs = [
        (place_of(one), place_of(other))
        for one, other in combinations(records, 2)
        if _with_other_threads(one, other) and not gave_the_same(one, other)
    ]
    if not pairs:
        return None
    threads = {place.threads for pair in pairs for place in pair}
    return ThreadChange(tuple(threads), all(one.machine != other.machine for one, other in pairs))


def _with_other_threads(one: Record, other: Record) -> bool:
    threads = one.where.get("threads"), other.where.get("threads")
    return None not in threads and threads[0] != threads[1]


# How a place is written


def _counted(number: str, noun: str) -> str:
    return "" if not number else f"{number} {noun}" if number == "1" else f"{number} {noun}s"


def _text(value: Any) -> str:
    """Write what a store may hold, which others may have written."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value[:16]))
    text = str(value)
    # Nearly all are short and printable; a report reads some of ten thousand records.
    return text if len(text) <= _LONGEST and text.isprintable() else one_line(text, _LONGEST)


def _gib(size: Any) -> str:
    is_size = isinstance(size, int | float) and not isinstance(size, bool)
    return f"{size / _GIB:.0f}" if is_size and 0 <= size < 1e30 else _text(size)
