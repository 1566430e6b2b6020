"""``python -m campaigns.speed [NAME...]``: the suite's trials beside plain Keras scripts.

For each reference model (NAMEs narrow them) both sides train the same shortened schedule in
turn, one process at a time. ``python -m campaigns.speed overhead [NAME...]`` measures instead
what a run costs beyond its trials, ``python -m campaigns.speed small-job`` a small job beside
benchopt, where that is installed. Progress goes to standard error, the tables to standard
output. Exit status: 0 measured, targets met or not; 1 nothing could be measured; 2 the
command line or a file is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench.data.sources import WANTED
from bench.errors import BenchError
from bench.protocol import OK
from bench.records.store import Store
from bench.registry.training_options import PROFILES

from . import overhead, small_job
from .comparisons import Schedule, comparisons, settings_of
from .measure import measure
from .references import REFERENCES
from .samples import Samples
from .scaling import scale
from .sides import SideFailed
from .tables import all_tables


def main(words: Sequence[str]) -> int:
    """Measure as the command line asks."""
    try:
        if words[:1] == ["overhead"]:
            return _overhead(words[1:])
        if words[:1] == ["small-job"]:
            return _small_job(words[1:])
        return _compare(words)
    except (BenchError, SideFailed) as error:
        print(error, file=sys.stderr)
        return 2


def _compare(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    names = options.names or REFERENCES
    unknown = [name for name in names if name not in REFERENCES]
    if unknown:
        raise BenchError(f"{unknown[0]}: is no reference model; there are: {', '.join(REFERENCES)}")
    for option in ("output", "markdown"):
        path: Path | None = getattr(options, option)
        # An hour's work must not end at a file that cannot be written.
        if path is not None and not path.resolve().parent.is_dir():
            raise BenchError(
                f"--{option} {path}: there is no such folder; make it, or name another"
            )
    jit_compile = "auto" if options.jit == "auto" else False
    schedule = Schedule(options.profile, options.epochs, options.steps, options.source, jit_compile)
    with tempfile.TemporaryDirectory() as folder:
        compared = comparisons(names, schedule, Path(folder), _say)
        settings = settings_of(schedule, compared)
        samples = Samples(settings, options.output)
        without = measure(compared, options.rounds, samples, _say)
    pairs = {one.name: samples.pairs(one.name) for one in compared}
    full = {one.name: one.full for one in compared if one.full is not None}
    scaled = scale(pairs, full, epochs_run(options.records))
    text = all_tables(pairs, scaled, without, settings)
    print(text, end="")
    if options.markdown is not None:
        options.markdown.write_text(text, encoding="utf-8")
    return 0 if any(pairs.values()) else 1


def _overhead(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m campaigns.speed overhead")
    parser.add_argument("names", nargs="*", metavar="NAME", help="plugins; all for none")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--source", choices=WANTED, default="auto", help="as of bench run")
    options = parser.parse_args(words)
    found = overhead.overhead(options.names, options.profile, options.source)
    overhead.report(found, print)
    return 0


def _small_job(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m campaigns.speed small-job")
    parser.add_argument("--rounds", type=_at_least(1), default=5, help="of each side (default 5)")
    small_job.report(small_job.measure(parser.parse_args(words).rounds, _say), print)
    return 0


def epochs_run(results: Path | None) -> dict[str, float]:
    """Return after how many epochs full trainings stopped, the median over seeds."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in Store(results).read().latest.values() if results else ():
        trial = record.trial
        if record.status == OK and trial.profile == "full" and not trial.overrides:
            found[trial.plugin].append(len(record.metrics["curves"]["epoch_seconds"]))
    return {name: median(counts) for name, counts in found.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="reference models; all for none")
    add("--rounds", type=_at_least(1), default=3, help="of each side (default 3)")
    add("--profile", choices=PROFILES, default="quick", help="of the suite (default quick)")
    add("--epochs", type=_at_least(2), help="at most; the first, which compiles, does not count")
    add("--steps", type=_at_least(2), help="training steps an epoch at most")
    add("--source", choices=WANTED, default="auto", help="as of bench run")
    add(
        "--jit",
        choices=["off", "auto"],
        default="off",
        help="the plain script's jit_compile: False (default), or Keras' own default",
    )
    add("--output", type=Path, metavar="FILE", help="samples; an interrupted measurement goes on")
    add("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    add(
        "--records",
        type=Path,
        metavar="DIR",
        help="results of full trainings: after how many epochs the suite stops",
    )
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return number


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
