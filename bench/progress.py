"""What a person sees of a run: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

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

from bench.job import EpochDone
from bench.plan import Planned
from bench.printable import one_line
from bench.record import OK, Record
from bench.render.columns import duration
from bench.repeats import verdict_text


class PlainLines:
    """One line a finished trial, for pipes and logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done = 0
        self._total = 0
        self._clock = _TimeLeft([])

    def begin(self, plan: Sequence[Planned]) -> None:
        """Say how much there is to do."""
        self._done = 0
        self._total = len(plan)
        self._clock = _TimeLeft(plan)
        _write(self._console, _summary(plan))

    def started(self, planned: Planned) -> None:
        """Note the time; the line comes when the trial is done."""
        self._clock.started()

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
        left = self._clock.after(record)
        behind = f" ({left})" if left else ""
        line = f"[{self._done}/{self._total}] {result_line(record, reused)}{behind}"
        _write(self._console, line)

    def warn(self, message: str) -> None:
        """Write a warning."""
        _write(self._console, f"warning: {message}")

    def end(self) -> None:
        """Nothing to clear away."""


class LiveBar:
    """An overall bar with the time left, and the trial under way with its epoch and metric."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
        )
        self._clock = _TimeLeft([])
        self._overall = self._progress.add_task("trials", total=None, note="")
        self._current: TaskID | None = None

    def begin(self, plan: Sequence[Planned]) -> None:
        """Show the bar."""
        self._clock = _TimeLeft(plan)
        _write(self._console, _summary(plan))
        self._progress.update(self._overall, completed=0, total=len(plan), note="")
        self._progress.start()

    def started(self, planned: Planned) -> None:
        """Show which trial is under way."""
        self._clock.started()
        self._current = self._progress.add_task(
            one_line(f"{'repeat of ' if planned.first else ''}{planned.trial}", 60),
            total=planned.trial.training["epochs"] or None,
            note="starting",
        )

    def epoch(self, planned: Planned, epoch: EpochDone) -> None:
        """Show the epoch and its validation metric."""
        if self._current is not None:
            note = f"epoch {epoch.epoch}, validation {epoch.metric:.4f}"
            self._progress.update(
                self._current, completed=epoch.epoch, total=epoch.epochs, note=note
            )

    def retrying(self, record: Record, attempt: int, retries: int) -> None:
        """Write how the trial ended, and that this is not the end of it, above the bar."""
        _write(self._console, _retry_line(record, attempt, retries))
        self._forget_current()

    def waiting(self, trials: int) -> None:
        """Write what is waited for above the bar."""
        _write(self._console, _waiting_line(trials))

    def finished(self, record: Record, reused: bool) -> None:
        """Write the trial's line above the bar, and the time left behind it."""
        _write(self._console, result_line(record, reused))
        self._forget_current()
        self._progress.update(self._overall, advance=1, note=self._clock.after(record))

    def warn(self, message: str) -> None:
        """Write a warning above the bar."""
        _write(self._console, f"warning: {message}")

    def end(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _forget_current(self) -> None:
        if self._current is not None:
            self._progress.remove_task(self._current)
            self._current = None


class _TimeLeft:
    """Estimates the time left from the mean time of the trials run so far.

    Only trials that were started count: what is reused, hopeless, or done by another run
    takes no time.
    """

    def __init__(self, plan: Sequence[Planned]) -> None:
        self._left = {planned.trial.identity for planned in plan if planned.to_run}
        self._done = 0
        self._running = False
        self._begun = time.monotonic()

    def started(self) -> None:
        self._running = True

    def after(self, record: Record) -> str:
        """Note that a trial has its record; return "about 3 min left", or nothing at the end."""
        self._left.discard(record.identity)
        self._done += self._running
        self._running = False
        if not self._left or not self._done:
            return ""
        each = (time.monotonic() - self._begun) / self._done
        return f"about {duration(each * len(self._left))} left"


def observer_for(console: Console) -> PlainLines | LiveBar:
    """Return the live bar on a terminal that can redraw, and plain lines elsewhere."""
    can_redraw = console.is_terminal and not console.is_dumb_terminal
    return LiveBar(console) if can_redraw else PlainLines(console)


def result_line(record: Record, reused: bool) -> str:
    """Write a finished trial on one line."""
    name = f"{record.trial.task} {record.trial}"
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


def _retry_line(record: Record, attempt: int, retries: int) -> str:
    return f"{result_line(record, reused=False)}; retrying ({attempt} of {retries})"


def _waiting_line(trials: int) -> str:
    several = (
        "1 trial that another run has" if trials == 1 else f"{trials} trials that other runs have"
    )
    return f"waiting for {several} under way on this folder"


def _write(console: Console, line: str) -> None:
    """Write one line as it is: what looks like markup or an emoji's name in it is text."""
    console.print(Text(one_line(line)), soft_wrap=True)


def _summary(plan: Sequence[Planned]) -> str:
    to_run = sum(planned.to_run for planned in plan)
    reused = sum(planned.reused is not None for planned in plan)
    rest = len(plan) - to_run - reused
    parts = [f"{to_run} to run"]
    parts += [f"{reused} reused"] if reused else []
    parts += [f"{rest} that cannot run"] if rest else []
    kind = "repeat" if any(planned.first for planned in plan) else "trial"
    trials = f"1 {kind}" if len(plan) == 1 else f"{len(plan)} {kind}s"
    return f"{trials}: {', '.join(parts)}"
