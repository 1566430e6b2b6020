"""The measurement as text and markdown: the same tables for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tabulate import tabulate

from .references import MEMORY, NEVER_BELOW, STEP, TABLE, VALIDATION
from .samples import Sample
from .scaling import Scaled

Pairs = Mapping[str, Sequence[tuple[Sample, Sample]]]
_GIB = 2**30


@dataclass(frozen=True)
class Figures:
    """A figure of both sides over the rounds, and the ratio plain / suite of each round."""

    plain: Sequence[float]
    suite: Sequence[float]

    @classmethod
    def of(
        cls, rounds: Sequence[tuple[Sample, Sample]], figure: Callable[[Sample], float]
    ) -> Figures:
        """Take one figure off every sample."""
        return cls([figure(plain) for plain, _ in rounds], [figure(suite) for _, suite in rounds])

    @property
    def ratios(self) -> list[float]:
        """How many times as fast (or small) the suite was, a round each."""
        return [plain / suite for plain, suite in zip(self.plain, self.suite, strict=True)]

    def cells(self, factor: float = 1.0, digits: int = 1) -> list[str]:
        """Return plain, suite and ratio, each a median with its range."""
        columns = [[factor * v for v in values] for values in (self.plain, self.suite)]
        return [*(spread(values, digits) for values in columns), spread(self.ratios, 2)]


def spread(values: Sequence[float], digits: int) -> str:
    """Write a median and, of several values, their range."""
    middle = f"{median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def all_tables(
    pairs: Pairs, scaled: Sequence[Scaled], without: Mapping[str, str], settings: Mapping[str, str]
) -> str:
    """Return every table with its heading, and under them what was left out and the settings."""
    shown = {name: rounds for name, rounds in pairs.items() if rounds}
    if not shown:
        return "\n".join(["Nothing was measured.", "", *_left_out(without)]) + "\n"
    parts = [
        "### Training step, ms",
        _compared(shown, lambda s: s.step, STEP, 1000),
        "### Validation pass, ms for 1,000 examples",
        _compared(shown, lambda s: s.validation, VALIDATION, 1000),
        "### Whole trial and peak memory",
        _whole(shown),
        *_full_schedule(scaled),
        *_left_out(without),
        "Measured with " + "; ".join(f"{key}: {value}" for key, value in settings.items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _compared(
    pairs: Pairs, figure: Callable[[Sample], float], wanted: Mapping[str, float], factor: float
) -> str:
    rows = []
    for name, rounds in pairs.items():
        figures, target = Figures.of(rounds, figure), wanted.get(name, NEVER_BELOW)
        held = median(figures.ratios) >= target
        rows.append([name, *figures.cells(factor, 1), f"{target:g}", _met(held)])
    return _table(["model", "plain", "suite", "plain / suite", "target", ""], rows)


def _whole(pairs: Pairs) -> str:
    rows = []
    for name, rounds in pairs.items():
        seconds = Figures.of(rounds, lambda sample: sample.whole)
        memory = Figures.of(rounds, lambda sample: sample.peak / _GIB)
        most = MEMORY[name.split("_")[0]]
        plain, suite, _ = memory.cells(digits=2)
        held = max(memory.suite) < most
        rows.append([name, *seconds.cells(), plain, suite, f"{most:g}", _met(held)])
    heads = ["model", "plain, s", "suite, s", "plain / suite", "plain, GiB", "suite, GiB"]
    return _table([*heads, "bound", ""], rows)


def _full_schedule(scaled: Sequence[Scaled]) -> list[str]:
    """Write the arithmetic out, so that a reader can do it again."""
    if not scaled:
        return []
    heading = "### The reference table under its full schedule"
    return [heading, _scaled(scaled), *_sums(scaled)]


def _scaled(scaled: Sequence[Scaled]) -> str:
    rows = []
    for one in scaled:
        for side, pace, work, seconds in (
            ("plain", one.plain, one.plain_work, one.plain_seconds),
            ("suite", one.suite, one.suite_work, one.suite_seconds),
        ):
            rows.append(
                [
                    one.name,
                    side,
                    f"{pace.start:.1f}",
                    work.epochs,
                    work.steps,
                    f"{1000 * pace.step:.1f}",
                    f"{work.validated:,}",
                    f"{1000 * pace.validation:.1f}",
                    f"{work.scored:,}",
                    f"{1000 * pace.end:.1f}",
                    f"{seconds:.0f}",
                ]
            )
    heads = ["model", "side", "start, s", "epochs", "steps", "step, ms", "validated"]
    return _table([*heads, "ms per 1,000", "scored at the end", "ms per 1,000", "s"], rows)


def _sums(scaled: Sequence[Scaled]) -> list[str]:
    plain = sum(one.plain_seconds for one in scaled)
    suite = sum(one.suite_seconds for one in scaled)
    stopped = sum(one.stopped_seconds for one in scaled)
    known = sum(one.epochs_run is not None for one in scaled)
    lines = [
        "A model's seconds are start + epochs x (steps x step + validated / 1,000 x pass) + "
        "scored / 1,000 x pass at the end.",
        _sum_line(f"All epochs, {len(scaled)} models", plain, suite),
    ]
    if known:
        lines.append(
            _sum_line(f"With the epochs that the suite ran ({known} models known)", plain, stopped)
        )
    return lines


def _sum_line(what: str, plain: float, suite: float) -> str:
    ratio = plain / suite
    return (
        f"{what}: plain {plain / 3600:.2f} h, suite {suite / 3600:.2f} h: {ratio:.2f} times as "
        f"fast; target {TABLE:g}: {_met(ratio >= TABLE)}."
    )


def _left_out(without: Mapping[str, str]) -> list[str]:
    return [f"Not measured: {name}: {reason}" for name, reason in without.items()]


def _met(held: bool) -> str:
    return "met" if held else "NOT met"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return tabulate(rows, heads, "github", disable_numparse=True)
