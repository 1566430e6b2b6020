"""What a person sees of a run: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from bench.formatting import duration, one_line
from bench.plan.order import Durations
from bench.plan.plan import Planned
from bench.protocol import OK, EpochDone
from bench.records.record import Record, row_label
from bench.records.repeats import verdict_text
from bench.trial import Trial


class PlainLines:
    """One line a finished trial, for pipes and logs."""

    def __init__(self, console: Console, clock: TimeLeft) -> None:
        self._console = console
        self._clock = clock
        self._done = 0
        self._total = 0
        self._where: dict[str, str] = {}

    def begin(self, plan: Sequence[Planned]) -> None:
        """Say how much there is to do."""
        self._done = 0
        self._total = len(plan)
        self._clock.begin(plan)
        _write(self._console, _summary(plan, self._clock))

    def started(self, planned: Planned, where: str = "") -> None:
        """Note the time and the machine; the line comes when the trial is done."""
        self._clock.started(planned)
        self._where[planned.trial.identity] = where

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        """Nothing: a log wants no line an epoch."""

    def retrying(self, record: Record, attempt: int, retries: int) -> None:
        """Write how the trial ended, and that this is not the end of it."""
        _write(self._console, _retry_line(record, attempt, retries))

    def waiting(self, trials: int) -> None:
        """Write what is waited for."""
        _write(self._console, _waiting_line(trials))

    def finished(self, record: Record, reused: bool) -> None:
        """Write the trial's line."""
        self._done += 1
        self._clock.finished(record)
        left = str(self._clock)
        behind = f" ({left} left)" if left else ""
        where = _on(self._where.pop(record.identity, ""))
        line = f"[{self._done}/{self._total}] {result_line(record, reused)}{where}{behind}"
        _write(self._console, line)

    def warn(self, message: str) -> None:
        """Write a warning."""
        _write(self._console, f"warning: {message}")

    def end(self) -> None:
        """Nothing to clear away."""


class LiveBar:
    """An overall bar with the time left, and one a trial that runs, with epoch and metric."""

    def __init__(self, console: Console, clock: TimeLeft) -> None:
        self._console = console
        self._clock = clock
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
        )
        self._overall = self._progress.add_task("trials", total=None, note="")
        self._running: dict[str, TaskID] = {}

    def begin(self, plan: Sequence[Planned]) -> None:
        """Show the bar."""
        self._clock.begin(plan)
        _write(self._console, _summary(plan, self._clock))
        self._progress.update(self._overall, completed=0, total=len(plan), note="")
        self._progress.start()

    def started(self, planned: Planned, where: str = "") -> None:
        """Show which trial is in progress, and where if it may be elsewhere."""
        self._clock.started(planned)
        self._forget(planned.trial.identity)  # It may have lost its worker, and begin anew.
        name = one_line(f"{'repeat of ' if planned.first else ''}{planned.trial}", 60)
        self._running[planned.trial.identity] = self._progress.add_task(
            f"{name}{_on(where)}",
            total=planned.trial.training["epochs"] or None,
            note="starting",
        )

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        """Show the epoch and its validation metric."""
        bar = self._running[planned.trial.identity]
        note = f"epoch {epoch.epoch}, validation {epoch.metric:.4f}"
        self._progress.update(bar, completed=epoch.epoch, total=epoch.epochs, note=note)

    def retrying(self, record: Record, attempt: int, retries: int) -> None:
        """Write how the trial ended, and that this is not the end of it, above the bar."""
        _write(self._console, _retry_line(record, attempt, retries))
        self._forget(record.identity)

    def waiting(self, trials: int) -> None:
        """Write what is waited for above the bar."""
        _write(self._console, _waiting_line(trials))

    def finished(self, record: Record, reused: bool) -> None:
        """Write the trial's line above the bar, and the time left behind it."""
        _write(self._console, result_line(record, reused))
        self._forget(record.identity)
        self._clock.finished(record)
        left = str(self._clock)
        self._progress.update(self._overall, advance=1, note=f"{left} left" if left else "")

    def warn(self, message: str) -> None:
        """Write a warning above the bar."""
        _write(self._console, f"warning: {message}")

    def end(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _forget(self, identity: str) -> None:
        bar = self._running.pop(identity, None)
        if bar is not None:
            self._progress.remove_task(bar)


def observer_for(console: Console, clock: TimeLeft) -> PlainLines | LiveBar:
    """Return the live bar on a terminal that can redraw, and plain lines elsewhere."""
    can_redraw = console.is_terminal and not console.is_dumb_terminal
    return LiveBar(console, clock) if can_redraw else PlainLines(console, clock)


def result_line(record: Record, reused: bool) -> str:
    """Write a finished trial on one line."""
    name = f"{record.trial.task} {row_label(record)} seed {record.trial.seed}"
    is_repeat = record.repeat is not None and not reused
    if is_repeat:
        name = f"repeat of {name}"
    if record.status != OK:
        return f"{name}: {record.status}: {record.reason}"
    if record.repeat is not None and is_repeat:
        verdict = verdict_text(record.repeat["verdict"], record.repeat["largest"])
        return f"{name}: {verdict}, in {duration(record.timing['total'])}"
    metric = record.data["metric"]["name"]
    validation = record.metrics["validation"][metric]
    test = record.metrics["test"][metric]
    seconds = "reused" if reused else f"in {duration(record.timing['total'])}"
    return f"{name}: validation {metric} {validation:.4f}, test {test:.4f}, {seconds}"


def _on(where: str) -> str:
    return f" on {one_line(where, 24)}" if where else ""


def _retry_line(record: Record, attempt: int, retries: int) -> str:
    return f"{result_line(record, reused=False)}; retrying ({attempt} of {retries})"


def _waiting_line(trials: int) -> str:
    several = (
        "1 trial that another run has" if trials == 1 else f"{trials} trials that other runs have"
    )
    return f"waiting for {several} in progress on this folder"


def _write(console: Console, line: str) -> None:
    """Write one line as it is: what looks like markup or an emoji's name in it is text."""
    console.print(Text(one_line(line)), soft_wrap=True)


def _summary(plan: Sequence[Planned], clock: TimeLeft) -> str:
    to_run = sum(planned.to_run for planned in plan)
    reused = sum(planned.reused is not None for planned in plan)
    rest = len(plan) - to_run - reused
    time = f" in {clock}" if str(clock) else ""
    parts = [f"{to_run} to run{time}"]
    parts += [f"{reused} reused"] if reused else []
    parts += [f"{rest} that cannot run"] if rest else []
    kind = "repeat" if any(planned.first for planned in plan) else "trial"
    trials = f"1 {kind}" if len(plan) == 1 else f"{len(plan)} {kind}s"
    return f"{trials}: {', '.join(parts)}"


# How long a run will still take, as far as that can be known


class TimeLeft:
    """Estimates the time left from what the same trials took before.

    ``slots`` tells how many trials run at once. Only trials that are trained here count: what
    is reused, hopeless, or done by another run takes no time.
    """

    def __init__(
        self, durations: Durations | None = None, slots: Callable[[], int] = lambda: 1
    ) -> None:
        self._durations = durations or Durations()
        self._slots = slots
        self._left: dict[str, Trial] = {}
        self._since: dict[str, float] = {}
        self._took: list[float] = []

    def begin(self, plan: Sequence[Planned]) -> None:
        """Start anew with what is to be run, in its order."""
        self._left = {each.trial.identity: each.trial for each in plan if each.to_run}
        self._since = {}
        self._took = []

    def started(self, planned: Planned) -> None:
        """Note when a trial starts."""
        self._since[planned.trial.identity] = time.monotonic()

    def finished(self, record: Record) -> None:
        """Note that a trial has its record, and what it took if it ran here."""
        self._left.pop(record.identity, None)
        since = self._since.pop(record.identity, None)
        if since is not None:
            self._took.append(time.monotonic() - since)
            self._durations.learn(record)

    def __str__(self) -> str:
        """Write the estimate, or nothing where there is none or nothing is left.

        "about" if all that is left was timed before; "at least" if only some was, for
        that part alone; "perhaps" if none was, by the mean of this run's trials so far.
        """
        known = [seconds for seconds in map(self._remaining, self._left) if seconds is not None]
        if known:
            word = "about" if len(known) == len(self._left) else "at least"
            return f"{word} {duration(makespan(known, self._slots()))}"
        if not self._left or not self._took:
            return ""
        return f"perhaps {duration(mean(self._took) * len(self._left) / self._slots())}"

    def _remaining(self, identity: str) -> float | None:
        """Return the seconds that a trial still takes; None if unknown, or long overdue."""
        expected = self._durations.of(self._left[identity])
        since = self._since.get(identity)
        if expected is None or since is None:
            return expected
        elapsed = time.monotonic() - since
        return expected - elapsed if elapsed < expected else None


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return how long work takes in so many slots, each piece in the first that is free."""
    free = [0.0] * slots
    for piece in seconds:
        heapq.heapreplace(free, free[0] + piece)
    return max(free)
