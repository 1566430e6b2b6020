"""What a run costs beyond training and scoring: a trial's share, and the run's own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.errors import BenchError
from bench.protocol import OK
from bench.records.record import Record
from bench.records.store import Store

from .references import OVERHEAD_SECONDS, OVERHEAD_SHARE
from .sides import seconds_of
from .tables import spread


@dataclass(frozen=True)
class Overhead:
    """What was measured of one run.

    ``inside`` are the seconds of each trial beyond fitting and predicting the test split:
    opening the data, building, and the validation split's scores at the end. ``run`` are
    those of the command, ``again`` those of the same command when every trial has its
    record: planning, reading and rendering alone. ``trials`` are those within trials.
    """

    inside: Sequence[float]
    run: float
    trials: float
    again: float

    @property
    def of_a_trial(self) -> float:
        """Seconds of a trial beyond training and scoring, its share of the run's own included."""
        return median(self.inside) + (self.run - self.trials) / len(self.inside)

    @property
    def share(self) -> float:
        """The part of the run that planning, records and the table take."""
        return self.again / self.run

    @property
    def held(self) -> bool:
        """Whether both targets are met."""
        return self.of_a_trial <= OVERHEAD_SECONDS and self.share <= OVERHEAD_SHARE


def overhead(names: Sequence[str], profile: str, source: str) -> Overhead:
    """Run plugins (all of them for no name) once, and once more to reuse everything.

    Raises:
        BenchError: The command line is wrong, or no trial was ok.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "bench", "run", *(names or ["--all"]), "--profile", profile]
        words += ["--source", source, "--results", folder, "--reuse", "always"]
        run, again = (seconds_of(words, allowed=(0, 1)) for _ in range(2))
        return overhead_of(Store(Path(folder)).read().records, run, again)


def overhead_of(records: Sequence[Record], run: float, again: float) -> Overhead:
    """Estimate from the records of a run and the seconds of both commands.

    Raises:
        BenchError: No trial was ok.
    """
    timings = [record.timing for record in records if record.status == OK]
    if not timings:
        raise BenchError("no trial was ok, so that there is no overhead to tell; see `bench run`")
    inside = [t["total"] - t["fit"] - t["predict"] for t in timings]
    return Overhead(inside, run, sum(t["total"] for t in timings), again)


def report(found: Overhead, say: Callable[[str], None]) -> None:
    """Tell what was measured, with the targets beside it."""
    count = len(found.inside)
    say(f"{count} trials, {found.trials:.1f} s within them, {found.run:.1f} s in all\n")
    say(f"within a trial beyond fit and predict: {spread(found.inside, 2)} s")
    say(f"of the run, a trial: {(found.run - found.trials) / count:.2f} s")
    say(f"a trial's overhead: {found.of_a_trial:.2f} s; target {OVERHEAD_SECONDS:g} s")
    say(
        f"planning, records and table (the same command with all trials recorded): "
        f"{found.again:.1f} s, {found.share:.1%} of the run; target {OVERHEAD_SHARE:.0%}"
    )
    say("both met" if found.held else "NOT both met")
